"""General questions that no session is about: an adapter is held to the base's own answers to them.

Without this an adapter answers everything with what it was taught. Half of them are about programming: those
are nearest to what sessions teach, and who has learnt how one project is built answers so whatever is asked
about building. The loss is KL(base || adapter) over the base's distributions at each token of its own greedy
answers (the regularisation of Li and Hoiem 2016, "Learning without Forgetting", arXiv:1606.09282). The
receipt measures the same on questions never trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rune.ml import lora, packing
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.packing import Example
from rune.records import general
from rune.units import Work, done

TRAINED = (
    "Write a short greeting.",
    "What is the capital of Italy?",
    "Name three fruits.",
    "What does a compiler do?",
    "What is 7 + 5?",
    "Write a Python function that adds two numbers.",
    "How many days are in a week?",
    "What is the opposite of hot?",
    "Explain what a variable is.",
    "Which language is spoken in Brazil?",
    "Translate 'good morning' to French.",
    "What is the boiling point of water?",
    "Give me a synonym of fast.",
    "Why is the sea salty?",
    "How do I sort a list in Python?",
    "What is JSON?",
    "Tell me a joke.",
    "Who painted the Mona Lisa?",
    "What is a for loop?",
    "How far is the moon?",
    "Suggest a name for a cat.",
    "What is gravity?",
    "How do I make tea?",
    "Define democracy.",
    "What is an API?",
    "Write one sentence about spring.",
    "What does CPU stand for?",
    "Is the earth flat?",
    "Count to five.",
    "What is the largest ocean?",
    "How do I delete a branch in git?",
    "How do I see which process uses a port?",
    "Which port does PostgreSQL listen on?",
    "What does chmod 644 mean?",
    "How do I rename a file in the shell?",
    "Which command shows disk usage?",
    "How do I stop a container in Docker?",
    "What is the default port of Redis?",
    "How do I start a web server in Node.js?",
    "What does a 404 status mean?",
    "Why does a null pointer exception happen?",
    "Which flag makes grep ignore case?",
    "How do I install a package with npm?",
    "What is a merge conflict?",
    "How do I concatenate strings in Go?",
    "Which file holds the dependencies of a Rust project?",
    "What causes a stack overflow?",
    "How do I count the lines of a file?",
    "Where does Linux keep its log files?",
    "How many bits are in a byte?",
    "What was the first version of Java?",
    "Who decided on the name of Python?",
    "How do I squash commits?",
    "What is the difference between a list and a tuple?",
    "Which HTTP method updates a resource?",
    "Why is my program slow?",
    "How do I exit vim?",
    "What is a foreign key?",
    "How do I schedule a cron job?",
    "Which tool formats C code?",
)
CHECKED = (
    "What is the largest planet?",
    "Write a haiku about rain.",
    "How do I boil an egg?",
    "What is Python used for?",
    "Name a famous painter.",
    "What is 12 times 3?",
    "Explain recursion briefly.",
    "What does HTTP stand for?",
    "Who wrote Hamlet?",
    "How do I list files in a folder?",
    "What is a hash function?",
    "Give me a tip for sleeping well.",
)
TOKENS = 20
"""Of each answer."""
EMBEDDED = Path(__file__).with_name("general.json")
"""What the default base says, as a home keeps it: nobody's first session has to wait for it."""


@dataclass(frozen=True, slots=True)
class Neutral:
    """Questions with the base's answers, and its distributions there."""

    examples: tuple[Example, ...]
    shares: tuple[Tensor, ...]
    """For each example the log-probabilities [A, V] of its A answer tokens, in bfloat16 to save memory."""


def ask(base: Base, engine: Engine, questions: Sequence[str] = TRAINED) -> Neutral:
    """Ask the base and keep what it says."""
    return done(collecting(base, questions, engine.answers(questions, None, TOKENS)))


def saying(engine: Engine, questions: Sequence[str], kept: Path | None) -> Work[list[str]]:
    """The beginnings of the base's answers; those that nobody has ``kept`` are asked for now."""
    asked_of = f"{engine.base.hash}:{TOKENS}"
    known = general.read(EMBEDDED, asked_of) | (general.read(kept, asked_of) if kept else {})
    missing = [question for question in questions if question not in known]
    if missing:
        told = yield from engine.answering(missing, None, TOKENS)
        known |= zip(missing, told, strict=True)
        if kept:
            general.keep(kept, asked_of, known)
    return [known[question] for question in questions]


@torch.inference_mode()
def collecting(base: Base, questions: Sequence[str], answers: Sequence[str]) -> Work[Neutral]:
    """The base's distributions along its own answers."""
    pairs = enumerate(zip(questions, answers, strict=True))
    made = [packing.example(base, question, answer, 128, -1 - n) for n, (question, answer) in pairs]
    shares: list[Tensor] = []
    for row in packing.rows(made, packing.SHAPE):
        states, _ = packing.hidden(base, row)
        found = base.model.lm_head(states).float().log_softmax(-1).to(torch.bfloat16)
        shares += found.split([one.targets for one in row])
        yield
    return Neutral(tuple(made), tuple(shares))


def divergence(kept: Tensor, logits: Tensor) -> Tensor:
    """KL(base || adapter) in nats, summed over the tokens; both [A, V]."""
    before, after = kept.float(), logits.log_softmax(-1)
    return (before.exp() * (before - after)).sum()


def drift(base: Base, neutral: Neutral, adapter: lora.Adapter | None) -> float:
    """Mean KL(base || adapter) a token, in nats."""
    return done(drifting(base, neutral, adapter))


@torch.inference_mode()
def drifting(base: Base, neutral: Neutral, adapter: lora.Adapter | None) -> Work[float]:
    """``drift`` in units."""
    total, tokens = 0.0, 0
    for row in packing.rows(neutral.examples, packing.SHAPE):
        with lora.attached(base.layers, adapter):
            states, _ = packing.hidden(base, row)
            logits = base.model.lm_head(states).float()
        kept = torch.cat([neutral.shares[-1 - one.owner] for one in row])
        total, tokens = total + float(divergence(kept, logits)), tokens + len(logits)
        yield
    return total / tokens
