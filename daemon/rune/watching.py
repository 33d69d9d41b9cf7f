"""Wakes whoever waits when something changes in a folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)


class _Waker(FileSystemEventHandler):
    """Calls when something was written."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "modified", "closed", "moved"):
            self._wake()


def watch(folder: Path, wake: Callable[[], object]) -> BaseObserver:
    """Watch a folder; where the system has no watch left, the tick alone drains."""
    observer = Observer()
    observer.schedule(_Waker(wake), str(folder))
    try:
        observer.start()
    except OSError as error:
        log.warning("cannot watch %s (%s); draining by the clock", folder, error)
    return observer
