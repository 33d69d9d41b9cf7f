"""The folders that adapters are made in: private, then sealed, and published with one rename, read-only.

Covered: a crash at any point leaves the folder out of sight, for a sweep to finish, or whole in its place.
What was moved aside is deleted by the next sweep, whoever moved it, as its process may live on after a disk
that was full.
Not covered: two that publish at once; whoever calls holds the library's lock.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

from rune import files
from rune.errors import AdapterError
from rune.records import card as records
from rune.records.card import Card

CONFIG, WEIGHTS = records.CONFIG, records.WEIGHTS
CARD = "card.json"
STAGE = ".staging-"
GONE = ".gone-"
"""What is to be deleted: nobody looks into it any more."""


def make(root: Path) -> Path:
    """A new private folder beside the adapters of a folder."""
    files.private_folder(root)
    number = 0
    while True:
        stage = root / f"{STAGE}{os.getpid()}-{number}"
        try:
            stage.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return stage


def sweep(root: Path) -> None:
    """Remove what dead processes have left, and what was moved aside."""
    for gone in root.glob(f"{GONE}*"):
        files.remove_folder(gone)
    for stage in root.glob(f"{STAGE}*"):
        if files.abandoned(stage, STAGE):
            files.remove_folder(stage)


def seal(root: Path, staged: Path, card: Card) -> Card:
    """The card with everything that follows from the files.

    Raises:
        AdapterError: the stage lacks a file, holds what is no plain file, or lies elsewhere.
    """
    if staged.parent != root or not staged.name.startswith(STAGE):
        raise AdapterError(f"expected a folder that Library.staging() gave, found {staged}")
    for name in (CONFIG, WEIGHTS):
        if not (staged / name).is_file():
            raise AdapterError(f"{staged}: expected {CONFIG} and {WEIGHTS}; {name} is missing")
    parts = sorted(part for part in staged.iterdir() if part.name != CARD)
    if odd := [part.name for part in parts if not part.is_file() or part.is_symlink()]:
        raise AdapterError(f"{staged}: expected plain files only, found {odd}")
    hashes = {part.name: files.sha256(part) for part in parts}
    sealed = replace(card, sha256=hashes, bytes=sum(part.stat().st_size for part in parts))
    return replace(sealed, id=records.identity(sealed))


def publish(root: Path, staged: Path, card: Card) -> None:
    """Make the stage read-only and durable, then give it its name; what is in the way was damaged."""
    target = root / card.id
    files.replace(staged / CARD, records.dump(card))
    for part in staged.iterdir():
        part.chmod(0o400)
        files.sync_folder(part)
    staged.chmod(0o500)
    files.sync_folder(staged)
    damaged = aside(root, target) if target.exists() else None
    staged.rename(target)
    files.sync_folder(root)
    if damaged:
        files.remove_folder(damaged)


def aside(root: Path, folder: Path) -> Path:
    """Take a folder out of sight in one step, even on a full disk; a sweep deletes what is left of it."""
    names = (root / f"{GONE}{number}" for number in itertools.count())
    return folder.rename(next(name for name in names if not name.exists()))
