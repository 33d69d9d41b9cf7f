"""The MCP server, spoken to by the SDK's own client; the daemon is a real socket with canned answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from rune import paths
from rune.mcp import INGEST, INSTRUCTIONS, NOTE, RECALL, Link, build
from rune.records import message

SERVE = [sys.executable, "-c", "from rune.mcp import main; main()"]
STAND_IN = [sys.executable, "-S", "-E", str(Path(__file__).resolve().parents[1] / "plugin" / "launch.py")]

RECALLED = message.Recalled(
    answer="The ledger parser wants the currency first.",
    abstained="",
    adapter="ab12",
    session="s1",
    score=0.61,
    support=0.9,
    withheld=1,
    evidence=(message.Evidence("s1", "e4", "reflection", "currency before", ".claude/echoes/s1.jsonl"),),
    matches=(message.Match("ab12", "s1", "currency of the invoice", 0.61),),
    answer_tokens=9,
    evidence_tokens=140,
    seconds=0.8,
)
Answer = Callable[[message.Message], message.Message | None]


class FakeDaemon:
    """Listens like the daemon; ``answer`` returns None to hang."""

    def __init__(self, path: Path, answer: Answer) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.answer = answer
        self.asked: list[message.Message] = []
        self._held: list[socket.socket] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            link, _ = self._socket.accept()
            with link.makefile("rb") as file:
                line = file.readline()
            if line == b"leave":
                link.close()
                return
            reply = self._reply(line) if line else None
            if reply:
                link.sendall(message.encode(reply))
            if reply or not line:
                link.close()
            else:
                self._held.append(link)

    def _reply(self, line: bytes) -> message.Message | None:
        request = message.decode(line)
        self.asked.append(request)
        return self.answer(request)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self._socket.getsockname())
            link.sendall(b"leave")
            link.shutdown(socket.SHUT_WR)
            self._thread.join()
        for held in (*self._held, self._socket):
            held.close()


@pytest.fixture
def daemon(home: paths.Home) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(home.socket, lambda request: RECALLED)
    yield fake
    fake.close()


@pytest.fixture
def link(home: paths.Home, project: Path) -> Link:
    return Link(home.socket, project, ("false",), timeout=5.0, start_wait=0.2)


async def call(link: Link, tool: str, **arguments: object) -> dict[str, object]:
    async with Client(build(link)) as client:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result
        assert json.loads(result.content[0].text) == result.structured_content
        return dict(result.structured_content or {})


# --- what a client sees ---


async def test_two_tools_say_when_to_use_them_and_what_they_may_do(link: Link) -> None:
    async with Client(build(link)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert client.instructions == INSTRUCTIONS
    assert sorted(tools) == ["rune_ingest", "rune_recall"]
    assert tools["rune_recall"].annotations.read_only_hint is True
    assert tools["rune_ingest"].annotations.read_only_hint is False
    assert tools["rune_ingest"].annotations.destructive_hint is False
    assert all(tool.output_schema for tool in tools.values())


@pytest.mark.parametrize("text", [INSTRUCTIONS, RECALL, INGEST])
def test_texts_fit_into_what_clients_keep(text: str) -> None:
    assert len(text.encode()) <= 2048


# --- calls ---


async def test_a_recall_is_one_question_to_the_daemon(link: Link, daemon: FakeDaemon, project: Path) -> None:
    result = await call(link, "rune_recall", query="why EUR first?", limit=2, include_evidence=False)
    assert daemon.asked == [message.Recall("why EUR first?", str(project), 2, False, daemon.asked[0].client)]
    assert result["answer"] == RECALLED.answer
    assert result["note"] == NOTE
    assert result["cost"] == {"answer_tokens": 9, "evidence_tokens": 140}
    place = {"event": "e4", "kind": "reflection", "text": "currency before"}
    assert result["evidence"] == [{**place, "path": ".claude/echoes/s1.jsonl"}], "the path names the session"
    assert result["matches"] == [], "an answer costs no list of other sessions"
    assert (result["adapter"], result["session"], result["withheld"]) == ("ab12", "s1", 1)


async def test_a_note_reaches_the_daemon_whole(link: Link, daemon: FakeDaemon, project: Path) -> None:
    daemon.answer = lambda request: message.Ingested("n1", "s1", False, {"aws-access-key": 1})
    result = await call(link, "rune_ingest", content="x", kind="fix", evidence="pytest: ok", tags=["a", "b"])
    assert daemon.asked == [message.Ingest("x", str(project), "fix", "pytest: ok", ("a", "b"), os.getppid())]
    assert result == {
        "stored": True, "id": "n1", "session": "s1", "duplicate": False,
        "redactions": {"aws-access-key": 1}, "problem": "",
    }  # fmt: skip


async def test_a_note_is_refused_at_the_length_that_the_agent_was_told(
    link: Link, daemon: FakeDaemon
) -> None:
    daemon.answer = lambda request: message.Ingested("n1", "s1", False)
    async with Client(build(link)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        longest = tools["rune_ingest"].input_schema["properties"]["content"]["maxLength"]
        assert longest == message.NOTE_LIMIT
        assert not (await client.call_tool("rune_ingest", {"content": "x" * longest})).is_error
        assert (await client.call_tool("rune_ingest", {"content": "x" * (longest + 1)})).is_error


async def test_an_abstention_lists_the_sessions_that_came_near(link: Link, daemon: FakeDaemon) -> None:
    daemon.answer = lambda request: replace(RECALLED, answer="", abstained="not sure")
    result = await call(link, "rune_recall", query="why EUR first?")
    assert result["matches"][0]["summary"] == "currency of the invoice"


async def test_what_is_no_text_in_an_answer_is_replaced(link: Link, daemon: FakeDaemon) -> None:
    seen = message.Evidence("", "caf\udce9.md", "remembrance", "text", "docs/caf\udce9.md")
    daemon.answer = lambda request: message.Recalled("", "why", evidence=(seen,))
    (shown,) = (await call(link, "rune_recall", query="x"))["evidence"]
    assert shown["path"] == "docs/caf?.md"
    daemon.answer = lambda request: message.Failed("FormatError", "no folder /caf\udce9")
    assert "/caf?." in str((await call(link, "rune_recall", query="x"))["abstained"])


async def test_an_empty_question_is_answered_without_the_daemon(link: Link) -> None:
    assert "ask one plain question" in str((await call(link, "rune_recall", query="  \n"))["abstained"])


async def test_an_unknown_kind_is_refused_by_name(link: Link) -> None:
    async with Client(build(link)) as client:
        result = await client.call_tool("rune_ingest", {"content": "x", "kind": "rumour"})
    assert result.is_error
    assert "preference" in result.content[0].text


# --- what can go wrong ---


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")  # a daemon is meant to be left running
async def test_without_a_daemon_that_starts_the_result_says_so(link: Link) -> None:
    result = await call(link, "rune_recall", query="x")
    assert result["answer"] == ""
    assert "rune logs" in str(result["abstained"])
    assert (await call(link, "rune_ingest", content="x"))["stored"] is False


async def test_a_daemon_that_cannot_even_be_executed_is_named(home: paths.Home, project: Path) -> None:
    link = Link(home.socket, project, ("/nowhere/python",), start_wait=0.2)
    assert "/nowhere/python" in str((await call(link, "rune_recall", query="x"))["abstained"])


async def test_a_hung_daemon_is_given_up(home: paths.Home, project: Path, daemon: FakeDaemon) -> None:
    daemon.answer = lambda request: None
    result = await call(Link(home.socket, project, ("false",), timeout=0.3), "rune_recall", query="x")
    assert "did not answer within 0.3 s" in str(result["abstained"])


@pytest.mark.parametrize(("retry", "then"), [(True, "Try again in a minute."), (False, "Go on without it.")])
async def test_what_the_daemon_refuses_is_passed_on(
    link: Link, daemon: FakeDaemon, retry: bool, then: str
) -> None:
    daemon.answer = lambda request: message.Failed("NotSetUp", "no base model; run `rune setup`", retry)
    result = await call(link, "rune_recall", query="x")
    assert result["abstained"] == f"no base model; run `rune setup`. {then}"


async def test_an_answer_to_another_question_is_a_problem(link: Link, daemon: FakeDaemon) -> None:
    daemon.answer = lambda request: message.Done()
    assert "answered Done" in str((await call(link, "rune_recall", query="x"))["abstained"])


# --- the process ---


def parameters(project: Path) -> StdioServerParameters:
    env = {name: os.environ[name] for name in ("RUNE_HOME", "PATH")} | {"CLAUDE_PROJECT_DIR": str(project)}
    return StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=env, cwd=str(project))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_process_serves_the_project_it_was_started_in(
    daemon: FakeDaemon, project: Path, home: paths.Home, mode: str
) -> None:
    inside = project / "src"
    inside.mkdir()
    async with Client(stdio_client(parameters(inside)), mode=mode) as client:
        result = await client.call_tool("rune_recall", {"query": "my-private-question"})
    assert result.structured_content["answer"] == RECALLED.answer
    assert [request.project for request in daemon.asked] == [str(project)]
    log = (home.logs / "mcp.log").read_text()
    assert "my-private-question" not in log
    assert (home.logs / "mcp.log").stat().st_mode & 0o777 == 0o600


async def test_ten_servers_at_once_all_answer(daemon: FakeDaemon, project: Path) -> None:
    async def one() -> None:
        async with Client(stdio_client(parameters(project))) as client:
            result = await client.call_tool("rune_recall", {"query": "x"})
            answers.append(result.structured_content["answer"])

    answers: list[str] = []
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(anyio.create_task_group())
        for _ in range(10):
            group.start_soon(one)
    assert answers == [RECALLED.answer] * 10


CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}
QUESTION = {
    "jsonrpc": "2.0", "id": 2, "method": "tools/call",
    "params": {"name": "rune_recall", "arguments": {"query": "x"}},
}  # fmt: skip


def question(query: str, id: int = 2) -> bytes:
    """As a client writes it whose strings are UTF-16."""
    params = {"name": "rune_recall", "arguments": {"query": query}}
    return lines({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})


def lines(*messages: dict[str, object]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


def ends(pid: int, seconds: float = 8.0) -> bool:
    """Whether a process that is not our child ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_it_leaves_at_the_end_of_stdin_with_a_question_still_open(daemon: FakeDaemon, project: Path) -> None:
    daemon.answer = lambda request: None
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with subprocess.Popen(SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=project) as server:
        server.stdin.write(lines(HELLO, initialized, QUESTION))
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["result"]["serverInfo"]["name"] == "rune"
        while not daemon.asked:
            time.sleep(0.02)
        server.stdin.close()
        assert server.wait(10) == 0


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (question("cut \ud83d, whole \U0001f600"), "cut ?, whole \U0001f600"),
        (question("a path C:\\ud83d"), "a path C:\\ud83d"),
        (question("caf\x00, cut \ud83d").replace(b"\\u0000", b"\xe9"), "caf\ufffd, cut ?"),
    ],
)
def test_a_question_that_was_cut_in_the_middle_of_an_emoji_is_answered(
    daemon: FakeDaemon, project: Path, line: bytes, asked: str
) -> None:
    initialized: dict[str, object] = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with subprocess.Popen(SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=project) as server:
        server.stdin.write(lines(HELLO, initialized) + b"no json \\ud83d\n" + line)
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        server.stdin.close()
        assert server.wait(10) == 0
    assert answers[1]["result"]["structuredContent"]["answer"] == RECALLED.answer
    assert [request.query for request in daemon.asked] == [asked]


PARENT = """
import subprocess, sys, time
server = subprocess.Popen(sys.argv[2:], stdin=int(sys.argv[1]), stdout=subprocess.PIPE)
server.stdout.readline()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see a grandchild end")
@pytest.mark.parametrize("serve", [SERVE, STAND_IN], ids=["server", "stand-in"])
def test_it_leaves_when_its_client_is_killed_and_stdin_lives_on(
    daemon: FakeDaemon, project: Path, serve: list[str]
) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, lines(HELLO))
        argv = [sys.executable, "-c", PARENT, str(reading), *serve]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, pass_fds=[reading], cwd=project) as parent:
            pid = int(parent.stdout.readline())
            parent.send_signal(signal.SIGKILL)
        assert ends(pid)
    finally:
        os.close(reading)
        os.close(writing)


def test_it_starts_without_a_home_that_can_be_written(
    daemon: FakeDaemon, home: paths.Home, project: Path
) -> None:
    home.logs.write_text("a file in the way of the logs")
    done = subprocess.run(SERVE, input=lines(HELLO), capture_output=True, cwd=project, check=True, timeout=20)
    assert json.loads(done.stdout)["result"]["instructions"] == INSTRUCTIONS


def test_it_loads_neither_torch_nor_chroma() -> None:
    program = "import sys, rune.mcp; print([n for n in ('torch', 'chromadb', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
