"""Aider as it comes from PyPI, in an environment of its own: `make aider` brings it and runs these tests.

Protocol, streaming and the choice of the model; nobody expects good edits of a small base.
"""

import asyncio
import os

import pytest

from rune.testing import BASE

AIDER = os.environ.get("RUNE_AIDER", "")
pytestmark = [
    pytest.mark.skipif(not AIDER, reason="RUNE_AIDER names no aider; `make aider` brings one"),
    pytest.mark.asyncio(loop_scope="session"),
]
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"
QUIET = (
    "--yes-always", "--no-git", "--no-check-update", "--no-show-model-warnings", "--no-show-release-notes",
    "--analytics-disable", "--no-pretty", "--no-suggest-shell-commands", "--map-tokens", "0",
)  # fmt: skip


@pytest.fixture
def aider(served, echoes, tmp_path):
    """``aider("openai/rune", "Why?")`` is what it prints."""

    async def ask(model: str, question: str, *options: str, key: str = "") -> str:
        (tmp_path / "work").mkdir(exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            AIDER, *QUIET, "--model", model, "--message", question, *options,
            cwd=tmp_path / "work", stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "OPENAI_API_BASE": served.url, "OPENAI_API_KEY": key or served.key(echoes.project),
            },
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 240)
        return " ".join(said.decode().split())

    return ask


@pytest.mark.parametrize("how", ["--stream", "--no-stream"])
async def test_it_is_answered_by_the_adapter_that_its_question_is_about(aider, card, how):
    said = await aider("openai/rune", QUESTION, "--chat-mode", "ask", how)
    assert 'replace `PRICE = "{:.2f}"' in said


async def test_it_chooses_an_adapter_or_the_base_by_name(aider, card):
    assert 'replace `PRICE = "{:.2f}"' in await aider(f"openai/{card.id}", QUESTION, "--chat-mode", "ask")
    assert f"user: {QUESTION}" in await aider(f"openai/{BASE}", QUESTION, "--chat-mode", "ask")


async def test_what_is_refused_reaches_the_person(aider):
    assert "rune serve" in await aider("openai/rune", QUESTION, "--chat-mode", "ask", key="sk-nothing")
    long = await aider("openai/rune", "word " * 700, "--chat-mode", "ask")
    assert "over 512" in long
