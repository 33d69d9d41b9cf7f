"""The plugin's entry, run as the client runs it: by a bare python3, spoken to by the SDK's client."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from rune import paths
from rune.mcp import INSTRUCTIONS, Link, build

PLUGIN = Path(__file__).resolve().parents[1] / "plugin"
TOOLS = PLUGIN / "tools.json"
LAUNCH = [sys.executable, "-S", "-E", str(PLUGIN / "launch.py")]
SERVER = "from rune.mcp import main; main()"


async def offered() -> list[dict[str, object]]:
    async with Client(build(Link(Path("/none"), Path("/none"), ("false",)))) as client:
        found = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in found]


def parameters(home: paths.Home, project: Path) -> StdioServerParameters:
    env = {"RUNE_HOME": str(home.root), "PATH": "/usr/bin:/bin", "CLAUDE_PROJECT_DIR": str(project)}
    return StdioServerParameters(command=LAUNCH[0], args=LAUNCH[1:], env=env, cwd=str(project))


@pytest.fixture
def write_launch(home: paths.Home):
    def write(raw: object) -> None:
        home.launch.parent.mkdir(parents=True, exist_ok=True)
        home.launch.write_text(raw if isinstance(raw, str) else json.dumps(raw))

    return write


async def test_the_stand_in_offers_what_the_server_offers() -> None:
    assert json.loads(TOOLS.read_text()) == await offered(), "run `python -m tests.test_launch`"


def test_the_plugin_starts_this_file() -> None:
    server = json.loads((PLUGIN / "mcp.json").read_text())["mcpServers"]["rune"]
    assert [server["command"], *server["args"]] == [
        "python3", "-S", "-E", "${CLAUDE_PLUGIN_ROOT}/plugin/launch.py",
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_without_setup_the_tools_are_there_and_say_what_is_missing(
    home: paths.Home, project: Path, mode: str
) -> None:
    async with Client(stdio_client(parameters(home, project)), mode=mode) as client:
        assert "rune setup" in client.instructions
        assert [tool.name for tool in (await client.list_tools()).tools] == ["rune_recall", "rune_ingest"]
        recalled = await client.call_tool("rune_recall", {"query": "x"})
        ingested = await client.call_tool("rune_ingest", {"content": "x"})
    assert recalled.structured_content["answer"] == ""
    assert "`rune setup`" in recalled.structured_content["abstained"]
    assert "captured already" in recalled.content[0].text
    assert f"`pip install {PLUGIN.parent}`" in recalled.structured_content["abstained"]
    assert ingested.structured_content["stored"] is False


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"v": 1, "argv": ["/nowhere/bin/python", "-m", "rune"]}, "is gone (/nowhere/bin/python)"),
        ({"v": 1, "argv": ["/etc/passwd"]}, "is gone"),
        ({"v": 1, "argv": []}, "another version"),
        ({"v": 1, "argv": "python"}, "another version"),
        ({"v": 2, "argv": ["/bin/true"]}, "update the plugin"),
        ({"argv": []}, "cannot be read"),
        ("{torn", "cannot be read"),
        ([], "cannot be read"),
    ],
)
async def test_a_launch_file_that_is_no_good_is_named(
    home: paths.Home, project: Path, write_launch, raw: object, says: str
) -> None:
    write_launch(raw)
    async with Client(stdio_client(parameters(home, project))) as client:
        result = await client.call_tool("rune_recall", {"query": "x"})
    assert says in result.structured_content["abstained"]
    assert "rune setup" in result.structured_content["abstained"]


async def test_a_python_that_cannot_be_executed_is_named(
    home: paths.Home, project: Path, write_launch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    write_launch({"v": 1, "argv": [str(broken)]})
    async with Client(stdio_client(parameters(home, project))) as client:
        assert "cannot be executed" in client.instructions


async def test_setup_in_the_middle_of_a_session_is_noticed(
    home: paths.Home, project: Path, write_launch
) -> None:
    async with Client(stdio_client(parameters(home, project))) as client:
        write_launch({"v": 1, "argv": [sys.executable]})
        result = await client.call_tool("rune_recall", {"query": "x"})
    assert "reconnect" in result.structured_content["abstained"]


async def test_with_setup_it_becomes_the_server_whatever_lies_in_the_project(
    home: paths.Home, project: Path, write_launch
) -> None:
    for name in ("rune.py", "mcp.py", "json.py", "pydantic.py"):
        (project / name).write_text("raise SystemExit('imported from the project')")
    starter = "import sys; assert sys.argv[1:] == ['mcp'], sys.argv; "
    write_launch({"v": 1, "argv": [sys.executable, "-c", starter + SERVER]})
    home.run.mkdir()
    with socket.socket(socket.AF_UNIX) as daemon:  # one that listens: the server must not start a real one
        home.socket.parent.mkdir(exist_ok=True)
        daemon.bind(str(home.socket))
        daemon.listen()
        async with Client(stdio_client(parameters(home, project))) as client:
            assert client.instructions == INSTRUCTIONS


def exchange(home: paths.Home, *lines: bytes) -> list[dict[str, object]]:
    env = {"RUNE_HOME": str(home.root), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(LAUNCH, input=b"\n".join(lines) + b"\n", capture_output=True, env=env, check=True)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_any_protocol_version_is_welcome(home: paths.Home) -> None:
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2031-01-01"}}
    ping = {"jsonrpc": "2.0", "id": "p", "method": "ping"}
    first, second = exchange(home, json.dumps(hello).encode(), json.dumps(ping).encode())
    assert first["result"]["protocolVersion"] == "2031-01-01"
    assert second == {"jsonrpc": "2.0", "id": "p", "result": {}}


def test_a_home_that_cannot_be_read_is_named(home: paths.Home) -> None:
    home.root.write_text("a file in the way")
    hello = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}'
    (answer,) = exchange(home, hello)
    assert "launch.json cannot be read" in answer["result"]["instructions"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{no json", -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (b"17", -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "rm"}}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": ["x"], "params": "y"}', -32601),
    ],
)
def test_nonsense_is_answered_with_an_error_and_survived(home: paths.Home, line: bytes, code: int) -> None:
    answer, pong = exchange(home, line, b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}')
    assert answer["error"]["code"] == code
    assert pong["id"] == 2


def test_notifications_are_not_answered(home: paths.Home) -> None:
    assert exchange(home, b'{"jsonrpc": "2.0", "method": "notifications/initialized"}') == []


if __name__ == "__main__":
    TOOLS.write_text(json.dumps(anyio.run(offered), indent=1) + "\n", "utf-8")
