"""Wakes somebody when a folder changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)


class _Changes(FileSystemEventHandler):
    """Leaves out that somebody reads."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "modified", "closed", "moved"):
            self._wake()


def folder(folder: Path, wake: Callable[[], object]) -> BaseObserver:
    """Watch a folder, in a thread; where the system has no watch left, only the log is told."""
    observer = Observer()
    observer.schedule(_Changes(wake), str(folder))
    try:
        observer.start()
    except OSError as error:
        log.warning("cannot watch %s (%s); draining by the clock", folder, error)
    return observer
