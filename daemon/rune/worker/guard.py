"""The barrier around whatever a model process is asked to do."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rune.backends import wire
from rune.errors import OutOfMemory, RuneError
from rune.records.message import Failed, Message

log = logging.getLogger(__name__)


def guarded(work: Callable[[], Message]) -> Message:
    """The barrier around a request and a job: an error becomes an answer, with its traceback in the log."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the barrier: a broken session must not take the worker along
        return failure(error)


def failure(error: Exception) -> Failed:
    """An error as an answer; one that nobody foresaw leaves its traceback in the log."""
    if isinstance(error, OutOfMemory):
        return Failed(type(error).__name__, str(error), retry=True)
    if isinstance(error, RuneError):
        return wire.failed(error)
    log.error("request failed", exc_info=error)
    return Failed(type(error).__name__, str(error), retry=True)
