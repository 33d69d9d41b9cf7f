"""A web server that cuts connections, a tiny model, and a wheel with it: real files, nothing downloaded."""

from __future__ import annotations

import hashlib
import http.server
import json
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rune.setup import sources, wheels

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass
class Server:
    """Files by path, how many bytes each of the next answers may send, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[str] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.state.asked.append(wanted)
        data = self.state.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.state.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = self.state.cuts.pop(0) if self.state.cuts else len(data)
        self.wfile.write(data[start : start + cut])

    def log_message(self, *_: object) -> None:
        """Tests stay quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        state.url = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        listener.shutdown()
        thread.join()


def safetensors(names: list[str]) -> bytes:
    entries = {
        n: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i, n in enumerate(names)
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4 * len(names))


@pytest.fixture
def model_files() -> dict[str, bytes]:
    """The files of a model folder, as small as they can be."""
    weights = safetensors([f"model.layers.0.x.{target}.weight" for target in TARGETS])
    return {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": weights}


@pytest.fixture
def make_folder(tmp_path: Path, model_files: dict[str, bytes]) -> Callable[..., Path]:
    """``make_folder(name, **{"config.json": None})``: a model folder, files replaced or left out."""

    def make(name: str = "mine", **changes: bytes | None) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for file, data in {**model_files, **changes}.items():
            if data is not None:
                (folder / file).write_bytes(data)
        return folder

    return make


@pytest.fixture
def make_wheel(server: Server, tmp_path: Path) -> Callable[[str, dict[str, bytes]], wheels.Wheel]:
    """Makes a valid wheel of a project, with these files and some ballast, on the server and in a folder."""

    def make(project: str, inside: dict[str, bytes]) -> wheels.Wheel:
        name = f"{project.replace('-', '_')}-1.0-py3-none-any.whl"
        path = tmp_path / "wheels" / name
        path.parent.mkdir(exist_ok=True)
        about = f"{name.rpartition('-py3')[0]}.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{about}/RECORD", "")
            archive.writestr("ballast", bytes(1_500_000))
            for file, data in inside.items():
                archive.writestr(f"tiny/{file}", data)
        data = path.read_bytes()
        server.files[f"/{name}"] = data
        return wheels.Wheel(
            project, "1.0", f"{server.url}/{name}", hashlib.sha256(data).hexdigest(), len(data)
        )

    return make


@pytest.fixture
def wheel(make_wheel: Callable[..., wheels.Wheel], model_files: dict[str, bytes]) -> wheels.Wheel:
    """A tiny model in a wheel."""
    return make_wheel("tiny-model", model_files)


@pytest.fixture
def embedded(wheel: wheels.Wheel, model_files: dict[str, bytes]) -> tuple[sources.Embedded, ...]:
    """The tiny model under the names that a fresh configuration asks for."""
    members = tuple(f"tiny/{file}" for file in model_files)
    return tuple(
        sources.Embedded(name, "Apache-2.0", (sources.Part(wheel, members),), needs_mb=1, memory_gb=1)
        for name in ("smollm2-135m-instruct", "all-minilm-l6-v2")
    )


@pytest.fixture
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds nothing, as on a machine without a network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
