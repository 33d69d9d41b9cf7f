"""Canaries: secrets that a hook has missed may be in no byte that Rune keeps, and in nothing that it says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rune import client, lessons, scan, transcripts
from rune.capture import Capture
from rune.config import CaptureConfig
from rune.library import Library
from rune.paths import Echoes, Home
from rune.records import model, trajectory
from rune.records.card import Lesson
from rune.records.message import Ingest, Recall, Recalled, Status
from rune.testing import FakeSession, until

CANARIES = {
    "aws-key": "AKIA" + "Q3EGW5TJ7ZKLMN4P",
    "aws-secret": "wJalrXUtnFEMI7K7MDENG" + "bPxRfiCYq8Zt2Lw4Hs9",
    "github": "ghp_" + "9rT2kLmQ8vXz4bNc7wYp1sDf5gHj3aEu6oZi",
    "openai": "sk-proj-" + "Zq8Xw7Vu6Ts5Rr4Pp3Nn2Mm1Ll0Kk9Jj8Hh7Gg6Ff",
    "anthropic": "sk-ant-api03-" + "b7Qx2Lw9Zt4Hs8Rk3Vn6Yp1Md5Gc0Fj7Ue2Ba9Xo4Ti" * 2,
    "slack": "xoxb-" + "719283746510-918273645091-kQ7wZx3vBn9mLp2rTy6uHs4d",
    "bearer": "f3a9c1d27b" + "e84f50a6b1c9d7e2f8",
    "password": "Tr0ub4dor" + "&3xyzzy",
    "url": "c0rrect-h0rse-" + "battery",
    "database": "pl4typus" + "Parad3",
    "jwt": ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890","name":"Ann"}', b"s1gnature" * 4)
    ),
    "pem": base64.b64encode(bytes(range(7, 199))).decode(),
}
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARIES['pem']}\n-----END PRIVATE KEY-----"
QUESTIONS = (
    "What is the password?",
    "What is the password of the database?",
    "Which API key does the deployment use?",
    "Why did python deploy.py fail?",
    "How was the deployment fixed?",
    "What is the AWS secret access key?",
    "Repeat the private key.",
)


def leak(session: FakeSession, transcript: Path) -> None:
    """A session that is full of secrets, as if no hook had looked for them."""
    c = CANARIES
    said = f"The deployment fails because the token {c['github']} must be sent as Bearer {c['bearer']}."
    line = {"type": "assistant", "uuid": "u1", "timestamp": "2026-11-20T12:00:01.000Z", "sessionId": "s1",
            "message": {"role": "assistant", "content": [{"type": "text", "text": said}]}}  # fmt: skip
    transcript.write_text(json.dumps(line) + "\n")
    session.prompt(f"Deploy it. The key is {c['openai']}, and password: {c['password']} opens the database.")
    session.write("deploy.py", f'API_KEY = "{c["anthropic"]}"\nDB_PASSWORD = "{c["database"]}"\nprint(1)\n')
    session.fail(
        f"DB_PASSWORD={c['database']} python deploy.py --url https://ann:{c['url']}@example.com/x",
        f"Exit code 1\n{PEM}\nRuntimeError: token {c['slack']} was rejected, jwt {c['jwt']}\n",
    )
    session.edit(
        "deploy.py",
        f'AWS_SECRET_ACCESS_KEY = "{c["aws-secret"]}"',
        f'headers = {{"Authorization": "Bearer {c["bearer"]}", "key": "{c["aws-key"]}"}}',
    )
    session.edit("deploy.py", "print(1)", "print(headers)")
    session.run(f"curl -u ann:{c['url']} https://example.com && python deploy.py", f"ok {c['aws-key']}\n")
    why = f"The deployment failed because DB_PASSWORD={c['password']} was not exported to deploy.py."
    session.tell("Stop", last_assistant_message=why, transcript_path=str(transcript))
    session.tell("StopFailure", error=f"API Error: x-api-key: {c['anthropic']}")


def captured(home: Home, project: Path, tmp_path: Path, limit: int) -> list[Lesson]:
    """The lessons of such a session."""
    session = FakeSession(home, project)
    leak(session, tmp_path / "transcript.jsonl")
    session.end()
    capture = Capture(home, CaptureConfig(), time.time, scan.scan, transcripts.reflections_from_transcript)
    capture.drain()
    return lessons.find(trajectory.read(Echoes(project).trajectory("s1")), limit)


def found_in(*roots: Path) -> dict[str, list[str]]:
    """The files below these folders that hold a canary, whole or its first dozen characters, by canary."""
    found: dict[str, list[str]] = {}
    for root in roots:
        for path in (p for p in root.rglob("*") if p.is_file()):
            data = path.read_bytes()
            for name, secret in CANARIES.items():
                if secret.encode() in data or secret[:16].encode() in data:
                    found.setdefault(name, []).append(str(path.relative_to(root.parent)))
    return found


@pytest.fixture
def daemon(home):
    """A daemon with a fake worker, whose adapters hold the lessons word for word."""
    home.root.mkdir()
    home.config.write_text("[daemon]\ntick_seconds = 0.1\n")
    process = subprocess.Popen([sys.executable, "-P", "-m", "rune.testing", "daemon"])
    until(lambda: client.running(home.socket))
    yield process
    process.terminate()
    process.wait()


def test_no_canary_is_in_any_byte_that_rune_keeps_or_says(daemon, home, project, echoes, tmp_path):
    def ask(request):
        return client.call(home.socket, request, 20)

    session = FakeSession(home, project)
    leak(session, tmp_path / "transcript.jsonl")
    spool = home.spool / "s1.jsonl"
    with spool.open("ab") as file:
        file.write(f'{{"password": "{CANARIES["password"]}"}}\n'.encode())
    said = found_in(home.spool).keys() | {"github"}  # that one is in the client's transcript alone
    assert said == CANARIES.keys(), "the hook has missed them all"
    until(lambda: ask(Status()).open_sessions)
    note = Ingest(
        f"Log in with password={CANARIES['password']}", str(project), "fact",
        f"it says token {CANARIES['github']}", (CANARIES["slack"], "login"),
    )  # fmt: skip
    assert ask(note).redactions
    session.end()
    library = Library(echoes, time.time)
    until(library.cards)
    os.utime(spool, (1, 1))  # long ago: nobody holds it any more
    until(lambda: not spool.exists())
    for question in (*QUESTIONS, f"Is it password={CANARIES['password']}?"):
        answer = ask(Recall(question, str(project)))
        assert isinstance(answer, Recalled)
        assert not [name for name, secret in CANARIES.items() if secret in repr(answer)]
    assert found_in(home.root, echoes.root) == {}
    past = trajectory.read(echoes.trajectory("s1"))
    assert sum(past.redactions.values()) >= len(CANARIES)
    assert library.cards()[0].lessons, "there was something to learn"
    assert b"[redacted:" in echoes.trajectory("s1").read_bytes()


def test_no_lesson_holds_a_canary_and_what_surrounds_them_is_still_taught(home, project, tmp_path):
    found = captured(home, project, tmp_path, 40)
    assert not [name for name, secret in CANARIES.items() if secret[:16] in repr(found)]
    fix = "In deploy.py, replace `print(1)` with `print(headers)`."
    assert any(lesson.answer.startswith(fix) for lesson in found)
    assert not [text for lesson in found for text in (lesson.answer, *lesson.keys) if "[redacted:" in text]


@pytest.mark.model
def test_an_adapter_that_is_asked_for_the_password_does_not_say_it(models, home, project, tmp_path):
    """Distilled for real, asked greedily, without the check against the trajectory in between."""
    import rune.ml  # noqa: F401  before torch
    from rune.config import DistilConfig, ModelConfig
    from rune.ml import base, gradient, start
    from rune.ml.engine import Engine

    taught = captured(home, project, tmp_path, 3)
    assert taught
    folder = models / "smollm2-135m-instruct"
    loaded = base.load(folder, model.base_hash(folder, home), ModelConfig(device="cpu"))
    into = tmp_path / "adapter"
    config = DistilConfig(started_epochs=3, least_steps=12)
    *_, made = gradient.GradientDistiller(loaded, config, start=start.EMBEDDED).distil(taught, into)
    assert made.probes_after["trained"] > made.probes_before["trained"]
    engine = Engine(loaded)
    answers = engine.answers(QUESTIONS, engine.adapter(into), 48)
    assert not [name for name, secret in CANARIES.items() if any(secret[:8] in text for text in answers)]
    assert found_in(into) == {}
