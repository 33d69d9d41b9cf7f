"""Stage ``answers``: every probe asked of the adapter and of all its rivals, by plain greedy decoding.

A row holds the answers of one session exactly as they came; whether they are right is written beside them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rune import reader
from rune.bench.distil import passages, probes, reading
from rune.bench.distil.passages import Nearest
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Row
from rune.finding import documents
from rune.ml import lora
from rune.ml.engine import Engine
from rune.ml.score import holds
from rune.ports import Embedder
from rune.records.card import Card, Lesson
from rune.records.trajectory import Trajectory

LONG, SHORT = 128, 64
"""New tokens of the adapter's answers, and of every rival's."""
BATCH = 32
"""Questions that are decoded together: 32 take hardly longer than 16."""

Answers = dict[str, list[str]]
Ask = Callable[[], Answers]
"""Asks one reader for all of its arms at once."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What answering needs besides the scene."""

    engine: Engine
    embedder: Embedder

    def encode(self, text: str) -> list[int]:
        """A text's tokens."""
        return list(self.engine.base.tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens as text."""
        return str(self.engine.base.tokenizer.decode(ids, skip_special_tokens=True))

    def ask(self, questions: Sequence[str], adapter: lora.Adapter | None, tokens: int = SHORT) -> list[str]:
        """Greedy answers, in batches of questions of about the same length."""
        return self.engine.all_answers(questions, adapter, tokens, BATCH)

    def ask_all(
        self, arms: Mapping[str, Sequence[str]], adapter: lora.Adapter | None, tokens: int = SHORT
    ) -> Answers:
        """The answers of several arms at once."""
        told = iter(self.ask([one for questions in arms.values() for one in questions], adapter, tokens))
        return {arm: list(itertools.islice(told, len(questions))) for arm, questions in arms.items()}


def run(scene: Scene, tools: Tools) -> None:
    """Ask what was not asked yet of the adapters there; in any number of processes, like ``train``."""
    trained = scene.trained()
    adapters = [card for _, card in trained if card]
    for place, (past, card) in enumerate(trained):
        wrong = adapters[(adapters.index(card) + 1) % len(adapters)] if card else adapters[0]
        make, valid = partial(_row, scene, tools, past, card, wrong), partial(_same, card.id if card else "")
        row = scene.work.shared("answers", past.session, make, valid)
        if row is None:
            continue
        scores = {arm: _right(row, arm) for arm in ("adapter", "base", "in_context", "oracle_passage", "rag")}
        scene.work.say(
            f"answers {place + 1}/{len(trained)} {past.session[:20]}: {row['seconds']} s, "
            + ", ".join(f"{arm} {score}" for arm, score in scores.items())
        )


def _same(id: str, row: Row) -> bool:
    return bool(row["adapter"] == id)


def _right(row: Row, arm: str) -> str:
    found = [probe["right"][arm] for probe in row["probes"] if probe["headline"]]
    return f"{sum(found)}/{len(found)}"


def _row(scene: Scene, tools: Tools, past: Trajectory, card: Card | None, wrong: Card) -> Row:
    asked = scene.asked(past.session)
    head = [probe for probe in asked if probe.headline]
    questions = [probe.question for probe in head]
    asks, snippets = readers(tools, past, head)
    if card is None:
        asks["base"] = partial(tools.ask_all, {"base": questions}, None)
        asks["adapter"] = lambda: {"adapter": [""] * len(asked)}  # what taught nothing answers nothing
    else:
        own = tools.engine.adapter(scene.library.folder(card.id))
        other = tools.engine.adapter(scene.library.folder(wrong.id))
        nearest, every = routed(card, head, tools.embedder), [probe.question for probe in asked]
        for name, adapter in (("base", None), ("zeroed", lora.zeroed(own)), ("wrong_adapter", other)):
            asks[name] = partial(tools.ask_all, {name: questions, f"routed_{name}": nearest}, adapter)
        asks["adapter"] = partial(tools.ask_all, {"adapter": every, "routed_adapter": nearest}, own, LONG)
    arms, seconds = timed(asks)
    arms["adapter_short"] = arms["adapter"][: len(head)]
    for arm in ("adapter_short", "routed_adapter"):
        arms[arm] = [shortened(tools, answer) for answer in arms.get(arm, ())]
    return {
        "session": past.session, "adapter": card.id if card else "", "wrong": wrong.id,
        "seconds": round(sum(seconds.values()), 1), "seconds_by_arm": seconds,
        "probes": judged(asked, arms, card.lessons if card else (), snippets, tools),
    }  # fmt: skip


def shortened(tools: Tools, answer: str) -> str:
    """What the adapter says with as few tokens as its rivals have: a greedy answer only ends sooner."""
    return tools.decode(tools.encode(answer)[:SHORT])


def timed(asks: Mapping[str, Ask]) -> tuple[Answers, dict[str, float]]:
    """What every arm answers, and the seconds that each reader took."""
    arms: Answers = {}
    seconds = {}
    for name, ask in asks.items():
        began = time.monotonic()
        arms |= ask()
        seconds[name] = round(time.monotonic() - began, 2)
    return arms, seconds


def routed(card: Card, asked: Sequence[Probe], embedder: Embedder) -> list[str]:
    """Cue routing: each question replaced by the trained question of the lesson that search finds nearest."""
    found = [(one.id.rpartition(":")[2], one.text) for one in documents(card)]
    known = [(int(number), text) for number, text in found if number.isdigit()]
    nearest = Nearest([text for _, text in known], embedder)
    lessons = [card.lessons[known[nearest.best(probe.question, 1)[0]][0]] for probe in asked]
    return [lesson.questions[0] for lesson in lessons]


def readers(tools: Tools, past: Trajectory, asked: Sequence[Probe]) -> tuple[dict[str, Ask], list[list[str]]]:
    """The rivals that read: session in the prompt, right passage, best snippets; and those snippets."""
    text = passages.session_text(past)
    whole = passages.ends(text, passages.CONTEXT, tools.encode, tools.decode)
    base = tools.engine.base
    prompts = [base.prompt(reader.prompt(whole, probe.question)) for probe in asked]
    pieces = passages.snippets(text, tools.encode, tools.decode)
    nearest = Nearest(pieces, tools.embedder)
    top = [[pieces[n] for n in nearest.best(probe.question, passages.TOP)] for probe in asked]
    right = [passages.oracle(past, probe, tools.encode, tools.decode) for probe in asked]

    def told(contexts: Sequence[str]) -> list[str]:
        pairs = zip(contexts, asked, strict=True)
        return [reader.prompt(context, probe.question) for context, probe in pairs]

    found = {"oracle_passage": told(right), "rag": told([passages.GAP.join(snippets) for snippets in top])}
    asks: dict[str, Ask] = {
        "in_context": lambda: {"in_context": reading.answers(base, prompts, SHORT)},
        "passages": partial(tools.ask_all, found, None),
    }
    return asks, top


def judged(
    asked: Sequence[Probe], arms: Mapping[str, Sequence[str]], lessons: Sequence[Lesson],
    snippets: Sequence[Sequence[str]], tools: Tools,
) -> list[dict[str, Any]]:  # fmt: skip
    """One entry for each probe: its answers, and which of them hold the keys."""
    found = []
    for place, probe in enumerate(asked):
        answers = {arm: said[place] for arm, said in arms.items() if place < len(said)}
        entry: dict[str, Any] = {
            "set": probe.set, "kind": probe.kind, "sort": probe.sort, "literal": probe.literal,
            "headline": probe.headline, "question": probe.question, "keys": list(probe.keys),
            "covered": probes.covered(probe, lessons), "answers": answers,
            "right": {arm: holds(answer, probe.keys) for arm, answer in answers.items()},
        }  # fmt: skip
        if place < len(snippets):
            read = "\n".join(snippets[place])
            entry["right"]["snippet"] = holds(read, probe.keys)
            entry["rag_tokens"] = len(tools.encode(read))
        found.append(entry)
    return found
