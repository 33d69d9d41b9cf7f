"""The real client below a host that answers for the person, as an IDE or the SDK is one.

``claude -p`` alone offers no AskUserQuestion: there is nobody to ask. A host that speaks the client's control
protocol gets every question and permission as a message on the client's standard output.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.client.claude import REPOSITORY, SECONDS, Client
from tests.client.scripted_api import Reply, Request, ScriptedApi, Turn

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""The input of AskUserQuestion, to the answers by question."""


def converse(
    client: Client, prompt: str, turns: Sequence[Turn | Reply], answer: Answer, *, cwd: Path
) -> list[Request]:
    """Run one session to its end, and return what the model was sent.

    Questions are answered, any other tool is allowed.
    """
    command = [str(client.program), "-p", "--verbose", "--plugin-dir", str(REPOSITORY)]
    command += ["--input-format", "stream-json", "--output-format", "stream-json"]
    command += ["--permission-prompt-tool", "stdio", "--allowedTools", "Bash(*)"]
    with ScriptedApi(turns) as api:
        process = subprocess.Popen(
            command, cwd=cwd, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**client.environment(), "ANTHROPIC_BASE_URL": api.url},
        )  # fmt: skip
        limit = threading.Timer(SECONDS, process.kill)
        limit.start()
        try:
            _talk(process, prompt, answer)
        finally:
            limit.cancel()
            process.communicate()
    assert process.returncode == 0, f"the client ended with {process.returncode}"
    return api.requests


def _talk(process: subprocess.Popen[str], prompt: str, answer: Answer) -> None:
    assert process.stdin
    assert process.stdout

    def send(message: dict[str, Any]) -> None:
        assert process.stdin
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()

    send({"type": "control_request", "request_id": "1", "request": {"subtype": "initialize", "hooks": None}})
    said = {"role": "user", "content": prompt}
    send({"type": "user", "message": said, "session_id": "", "parent_tool_use_id": None})
    for line in process.stdout:
        message = json.loads(line)
        if message["type"] == "control_request":
            send(_allowed(message, answer))
        elif message["type"] == "result":
            return


def _allowed(message: dict[str, Any], answer: Answer) -> dict[str, Any]:
    asked = message["request"]
    given = dict(asked["input"])
    if asked["tool_name"] == "AskUserQuestion":
        given["answers"] = answer(given)
    allowed = {"behavior": "allow", "updatedInput": given}
    return {
        "type": "control_response",
        "response": {"subtype": "success", "request_id": message["request_id"], "response": allowed},
    }
