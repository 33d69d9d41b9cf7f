"""Held-out sessions of the generator, asked of an adapter made in one pass and of all its rivals.

Every arm decodes greedily from the question, and ``holds`` decides; the two that read (``in_context``,
``text_rag``) have the session, or its best step, before it. ``gradient`` and ``refine`` cost a training each
and are asked of few sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from rune.config import DistilConfig
from rune.ml import gradient, lora, neutral
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.hypernet import distiller
from rune.ml.hypernet.batches import encoded
from rune.ml.hypernet.corpus.sessions import HELD_OUT, Generator, Level, Session
from rune.ml.hypernet.features import chunks, features, padded
from rune.ml.hypernet.joining import batched, joined
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.objective import Objective
from rune.probing import holds
from rune.records.card import Lesson

TOKENS = 20
REFINE_STEPS = 20
STEPPED = ("gradient", "gradient_few", "refine")
FIRST = 1_000_000
"""Number of the first session: training looks at held-out sessions, too, those from 0 on."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What asking takes."""

    base: Base
    engine: Engine
    network: Hypernetwork
    config: DistilConfig


def sessions(generator: Generator, level: Level, number: int, forms: str = HELD_OUT) -> list[Session]:
    """Held-out sessions that no evaluation of the training has seen, in forms that are held out or known."""
    return [generator.session(FIRST + n, level, HELD_OUT, forms) for n in range(number)]


def cheap(tools: Tools, some: Sequence[Session]) -> dict[str, list[bool]]:
    """Right or not for every question of the sessions, by each arm that takes no training."""
    owners = [place for place, session in enumerate(some) for _ in session.asked]
    wrong = [(place + 1) % len(some) for place in owners]
    own = generated(tools, some, owners)
    return {
        "base": _marks(tools, some, None),
        "zeroed": _marks(tools, some, lora.zeroed(own)),
        "wrong": _marks(tools, some, generated(tools, some, wrong)),
        "in_context": _marks(tools, some, None, [session.text for session in some]),
        "text_rag": _retrieved(tools, some),
        "hypernet": _marks(tools, some, own),
    }


def own(tools: Tools, some: Sequence[Session]) -> list[bool]:
    """Right or not by each session's own generated adapter."""
    asked = [session for session in some if session.asked and session.text]
    owners = [place for place, session in enumerate(asked) for _ in session.asked]
    return _marks(tools, asked, generated(tools, asked, owners)) if asked else []


def generated(tools: Tools, some: Sequence[Session], owners: Sequence[int]) -> lora.Adapter:
    """Adapters of the sessions, laid out for a batch of questions."""
    pieces = [chunks(encoded(tools.base, session.text), tools.network.shape) for session in some]
    ids, mask = padded([piece for part in pieces for piece in part], tools.base.device)
    with torch.inference_mode():
        rows = tools.network(features(tools.base, ids, mask, tools.network.shape).float(), mask)
        whole = joined(tools.network, rows, [len(part) for part in pieces])
        return batched(tools.base, tools.network, whole, owners)


def _marks(
    tools: Tools, some: Sequence[Session], adapter: lora.Adapter | None, texts: Sequence[str] | None = None
) -> list[bool]:
    before = texts or [""] * len(some)
    asked = [(text, one) for text, session in zip(before, some, strict=True) for one in session.asked]
    questions = [f"{text}\n\n{one.question}".strip() for text, one in asked]
    answers = tools.engine.answers(questions, adapter, TOKENS)
    return [holds(answer, (one.answer,)) for answer, (_, one) in zip(answers, asked, strict=True)]


def _retrieved(tools: Tools, some: Sequence[Session]) -> list[bool]:
    """With the step before the question that shares most words with it."""
    prompts, keys = [], []
    for session in some:
        for one in session.asked:
            step = max(session.text.splitlines(), key=lambda line: common(line, one.question))
            prompts.append(f"{step}\n\n{one.question}")
            keys.append(one.answer)
    answers = tools.engine.answers(prompts, None, TOKENS)
    return [holds(answer, (key,)) for answer, key in zip(answers, keys, strict=True)]


def common(line: str, question: str) -> int:
    """How many words two texts share."""
    return len(_words(line) & _words(question))


def _words(text: str) -> set[str]:
    return {word.strip(".,:?").lower() for word in text.split()}


def trained(tools: Tools, some: Sequence[Session]) -> dict[str, list[bool]]:
    """Right or not by gradient steps alone, by a third of them from nothing (``gradient_few``), and by as few
    that start from the generated adapter (``refine``)."""
    held = Objective(neutral.ask(tools.base, tools.engine), tools.config.neutral_weight)
    marks: dict[str, list[bool]] = {arm: [] for arm in STEPPED}
    for session in some:
        taught = lessons(session)
        config = tools.config
        fresh, again = (
            lora.fresh(tools.base.layers, config.targets, config.rank, config.alpha, config.seed)
            for _ in range(2)
        )
        start = lora.trainable(distiller.generate(tools.base, tools.network, session.text)[0])
        few = replace(config, max_epochs=1, least_steps=min(config.least_steps, REFINE_STEPS))
        starts = zip(STEPPED, (fresh, again, start), (config, few, few), strict=True)
        for arm, adapter, how in starts:
            for _ in gradient.train(tools.base, adapter, taught, held, how):
                pass
            marks[arm] += _marks(tools, [session], adapter)
    return marks


def lessons(session: Session) -> list[Lesson]:
    """What gradient steps are taught of a session: its facts, asked in a form that the probes do not use."""
    return [
        Lesson("fact", one.answer, (f"{one.about}?", f"What about the {one.about}?"), (one.question,),
               keys=(one.answer,))
        for one in session.asked
    ]  # fmt: skip


def by_chunks(tools: Tools, some: Sequence[Session], most: int = 8) -> list[dict[str, Any]]:
    """The same sessions read in more and smaller pieces: the hypernetwork's recall by their number."""
    found: dict[int, list[bool]] = {}
    whole = tools.network.shape
    for size in (256, 96, 48, 32, 24, 16):
        tools.network.shape = replace(whole, chunk=size)
        try:
            for session in some:
                number = len(chunks(encoded(tools.base, session.text), tools.network.shape))
                if number <= most:
                    owners = [0] * len(session.asked)
                    adapter = generated(tools, [session], owners)
                    found.setdefault(number, []).extend(_marks(tools, [session], adapter))
        finally:
            tools.network.shape = whole
    return [
        {"row": "chunks", "chunks": number, "questions": len(marks), "hypernet": sum(marks) / len(marks)}
        for number, marks in sorted(found.items())
    ]
