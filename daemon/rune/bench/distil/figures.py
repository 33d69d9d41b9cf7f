"""From the pieces of the stages to the figures that bars are held against."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rune import config, events, lessons, phrasing, rewording
from rune.bench.distil import first, growth, pieces, probes, served
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Row, average
from rune.evolution import fitness
from rune.ml import gradient, neutral, objective, start
from rune.records.trajectory import Trajectory

ARMS = {
    "heldout_recall": "adapter", "heldout_short_recall": "adapter_short",
    "base_recall": "base", "in_context_recall": "in_context",
    "oracle_passage_recall": "oracle_passage", "rag_recall": "rag", "snippet_contains_answer": "snippet",
    "zeroed_recall": "zeroed", "wrong_adapter_recall": "wrong_adapter", "routed_recall": "routed_adapter",
    "routed_base_recall": "routed_base", "routed_zeroed_recall": "routed_zeroed",
    "routed_wrong_adapter_recall": "routed_wrong_adapter",
}  # fmt: skip
SERVED = ("adapters", "settings")
"""What pieces of the stage ``served`` must agree in."""
OF_READERS = ("context_weight", "paraphrases", "reader_floor")
"""Settings that make no difference to the embedded base: it does not read well enough."""
Probed = dict[str, Any]


def share(found: Sequence[bool]) -> float | None:
    """The part that is true; None of nothing."""
    return portion(sum(found), len(found))


def portion(right: int, asked: int) -> float | None:
    """So many of so many; None of nothing."""
    return round(right / asked, 4) if asked else None


def wilson(right: int, asked: int, z: float = 1.96) -> float:
    """The low end of the 95 % interval of a share.

    >>> round(wilson(8, 10), 3), wilson(0, 0)
    (0.49, 0.0)
    """
    return round(fitness.wilson(right, asked, z) or 0.0, 4)


def between(name: str, right: int, asked: int) -> dict[str, float | None]:
    """A share and its 95 % interval, as ``<name>``, ``<name>_low`` and ``<name>_high``; None of nothing.

    >>> between("recall", 8, 10)
    {'recall': 0.8, 'recall_low': 0.4902, 'recall_high': 0.9433}
    """
    names = (name, f"{name}_low", f"{name}_high")
    if not asked:
        return dict.fromkeys(names)
    ends = wilson(right, asked), round(1 - wilson(asked - right, asked), 4)
    return dict(zip(names, (round(right / asked, 4), *ends), strict=True))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float | None:
    """The power of size with which seconds grow: the slope in logarithms.

    >>> exponent([5, 20, 80], [10, 40, 160])
    1.0
    """
    if len(sizes) < 2:
        return None
    x, y = [math.log(size) for size in sizes], [math.log(time) for time in seconds]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)
    return round(slope, 3)


def result(scene: Scene, file: Path | None = None) -> dict[str, Any]:
    """The result out of what is there: pieces of this run, and of the file that it goes on from.

    In the summary None is not measured yet.
    """
    kind, sessions = about(scene), {past.session for past in scene.everything}
    made = pieces.together(pieces.here(scene), pieces.earlier(file, kind, sessions) if file else {})
    chained = chains(scene.everything)
    found = pieces.probed(made["answers"])
    parts: list[dict[str, float | None]] = [
        {"sessions": len(made["answers"]), "adapters": sum(bool(row["adapter"]) for row in made["train"]),
         "probes": sum(probe["headline"] for probe in found)},
        recalls(found), costs(scene, made["train"]), read(found), named(chained),
        rivals(made["naive"], found), at_equal(made["equal"]), beside(made["served"]),
        slope(made["growth"]), measured(made["small"]), quicker(made["small"]), kept(made["first"]),
    ]  # fmt: skip
    summary = {key: value for part in parts for key, value in part.items()}
    rows = [*tables(found), chained, *ratios(made["small"]), *pieces.rows(made)]
    return {"summary": summary, **kind, "rows": rows}


def about(scene: Scene) -> dict[str, Any]:
    """What two results must agree in to be of one kind."""
    return {"split": scene.split, "probes_sha256": probes.sha256(scene.split), "settings": settings()}


def rivals(naive: Sequence[Row], found: Sequence[Probed]) -> dict[str, float | None]:
    """The obvious way and ours on the same sessions: recall in as many tokens, speed, what a lesson takes.

    These seconds and no others: the stage ``train`` may have shared the machine with another process. Ours
    hold the probes before and after, too.
    """
    sessions = {row["session"] for row in naive}
    same = [probe for probe in found if probe["headline"] and probe["session"] in sessions]
    slow, fast, taught = (
        sum(row[name] for row in naive) for name in ("naive_seconds", "our_seconds", "lessons")
    )
    return {
        "naive_sessions": len(naive) or None,
        "naive_recall": share([good for row in naive for good in row["right"]]),
        "recall_beside_naive": right(same, "adapter_short"),
        "speedup_over_naive": round(slow / fast, 3) if fast else None,
        "seconds_per_lesson": round(fast / taught, 3) if taught else None,
        "naive_threads": min((row["threads"] for row in naive), default=None),
    }


def at_equal(rows: Sequence[Row]) -> dict[str, float | None]:
    """The naive way and ours in few epochs: recall, and how many times as long the naive one takes.

    Our seconds hold the probes before and after; those of the steps alone are what the naive way has, too.
    """
    times = ("naive_seconds", "our_seconds", "our_steps_seconds", "lessons")
    slow, fast, steps, taught = (sum(row[name] for row in rows) for name in times)
    ours, naively = ([good for row in rows for good in row[way]] for way in ("our_right", "naive_right"))
    return {
        "equal_sessions": len(rows) or None,
        "equal_epochs": rows[0]["epochs"] if rows else None,
        "equal_threads": min((row["threads"] for row in rows), default=None),
        **between("equal_recall", sum(ours), len(ours)),
        **between("equal_naive_recall", sum(naively), len(naively)),
        "equal_speedup": round(slow / fast, 3) if rows else None,
        "equal_steps_speedup": round(slow / steps, 3) if rows else None,
        "equal_seconds_per_lesson": round(fast / taught, 3) if rows else None,
    }


def beside(rows: Sequence[Row]) -> dict[str, float | None]:
    """What recalls returned, and beside how many adapters."""
    adapters = len(rows[0]["adapters"]) if rows else None
    return {**served.summary(recalled(rows)), "served_adapters": adapters}


def recalled(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every recall through the recaller, as long as the same adapters were there, and the same thresholds."""
    alike = [row for row in rows if all(row[name] == rows[0][name] for name in SERVED)]
    return [answer for row in alike for answer in row["answers"]]


def slope(grown: Sequence[Row]) -> dict[str, float | None]:
    """How seconds grow with lessons, from the least number of them to the largest and not before."""
    sizes, seconds = ([row[name] for row in grown] for name in ("lessons", "seconds"))
    return {"growth_exponent": exponent(sizes, seconds) if sorted(sizes) == sorted(growth.SIZES) else None}


def kept(asked: Sequence[Row]) -> dict[str, float | None]:
    """What the first session's adapter still answers, by itself and through a recall, beside all others."""
    by = {row["when"]: row for row in asked}
    return first.unchanged(by.get("alone"), by.get("end"))


def measured(small: Sequence[Row]) -> dict[str, float | None]:
    """What was measured once."""
    by = {row["row"]: row for row in small}
    return {
        "demo_seconds": by["demo"]["seconds"] if "demo" in by else None,
        "logits_identical": float(by["logits"]["identical"]) if "logits" in by else None,
    }


def quicker(small: Sequence[Row]) -> dict[str, float | None]:
    """How many times as long a step takes in other ways than ours here; a precision of ours takes 1.0."""
    by = {row["precision"]: row for row in ratios(small)}
    ours: dict[str, Any] = next((row for row in by.values() if row["ours"]), {})
    return {
        "step_padded_ratio": ours.get("padded"), "step_masked_ratio": ours.get("masked"),
        **{f"step_{name}_ratio": by.get(name, {}).get("packed") for name in ("float32", "bfloat16")},
    }  # fmt: skip


def ratios(small: Sequence[Row]) -> list[dict[str, Any]]:
    """What a training step costs in each way, as multiples of ours; none until ours was measured."""
    found = [row for row in small if row["row"] == "step"]
    ours = next((row["seconds"]["packed"] for row in found if row["ours"]), None)
    if ours is None:
        return []
    return [
        {"row": "step ratio", "precision": row["precision"], "ours": row["ours"],
         **{way: round(seconds / ours, 3) for way, seconds in row["seconds"].items()}}
        for row in found
    ]  # fmt: skip


def settings() -> dict[str, Any]:
    """The defaults that adapters are made with, as JSON has them, and where training begins."""
    how = told(config.DistilConfig(), OF_READERS)
    return {**how, "start": start.name(start.EMBEDDED), "recipe": recipe()}


def told(how: config.DistilConfig, without: Collection[str]) -> dict[str, Any]:
    """Settings as JSON has them, without some."""
    kept = {name: value for name, value in asdict(how).items() if name not in without}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def recipe() -> str:
    """The first digits of a hash over what training asks: another recipe is another run."""
    asked = (phrasing.TRAINED, phrasing.HELD_OUT, rewording.OPENERS, neutral.TRAINED, gradient.NEUTRAL)
    counted = (gradient.WHOLE, gradient.BEGUN, gradient.BEGINNING, objective.FIRST, objective.FIRST_WEIGHT)
    told = json.dumps([asked, counted, sorted(lessons.SHARES.items())], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def recalls(found: Sequence[Probed]) -> dict[str, float | None]:
    """Shares of right answers."""
    head = [probe for probe in found if probe["headline"]]
    opened = [probe for probe in found if not probe["headline"]]
    made = {name: right(head, arm) for name, arm in ARMS.items()}
    own = [probe["right"]["adapter"] for probe in head]
    hashes = [probe for probe in found if probe["sort"] == "hash"]
    no_hash = [probe for probe in head if probe["sort"] != "hash"]
    return {
        **made,
        "heldout_recall_low": wilson(sum(own), len(own)) if own else None,
        "literal_recall": right([probe for probe in no_hash if probe["literal"]], "adapter"),
        "word_recall": right([probe for probe in no_hash if not probe["literal"]], "adapter"),
        "hash_recall": right(hashes, "adapter"),
        "hash_probes": len(hashes),
        "fact_recall": right([probe for probe in head if probe["set"] == "fact"], "adapter"),
        "template_recall": right([probe for probe in head if probe["set"] == "template"], "adapter"),
        "open_recall": right(opened, "adapter"),
        "open_coverage": share([probe["covered"] for probe in opened]),
        "open_covered_recall": right([probe for probe in opened if probe["covered"]], "adapter"),
    }


def right(found: Iterable[Probed], arm: str) -> float | None:
    """The share of probes that an arm answered rightly, of those it was asked."""
    return share([probe["right"][arm] for probe in found if arm in probe["right"]])


def costs(scene: Scene, trained: Sequence[Row]) -> dict[str, float | None]:
    """Lessons and receipts of the sessions that are asked about, bytes and memory of all."""
    asked = {past.session for past in scene.probed}
    held = [row for row in trained if row["session"] in asked]
    scores, receipts = [row["probes_after"] for row in held], ("trained", "heldout", "composed", "unrelated")
    return {
        "lessons": sum(row["lessons"] for row in held),
        **{f"receipt_{kind}": average(scores, kind) for kind in receipts},
        "adapter_bytes": max((row["bytes"] for row in trained), default=0) or None,
        "neutral_kl": average(scores, "neutral_kl"),
        "peak_mb": max((row["peak_mb"] for row in trained), default=0) or None,
    }


def read(found: Sequence[Probed]) -> dict[str, float | None]:
    """What was measured beside the answers."""
    tokens = [probe["rag_tokens"] for probe in found if "rag_tokens" in probe]
    return {"rag_tokens": round(sum(tokens) / len(tokens), 1) if tokens else None}


def chains(pasts: Sequence[Trajectory]) -> dict[str, Any]:
    """Recorded fix chains, and those on whose failure a lesson about it rests."""
    limit = config.DistilConfig().max_lessons
    number = taught = 0
    for past in pasts:
        telling = [lesson for lesson in lessons.find(past, limit) if lesson.kind in lessons.TELLING]
        explained = {event for lesson in telling for event in lesson.evidence}
        failing = [past.events[chain.fail].id for chain in events.fix_chains(past.events)]
        number, taught = number + len(failing), taught + sum(event in explained for event in failing)
    return {"row": "fix chains", "sessions": len(pasts), "chains": number, "with_lesson": taught}


def named(chained: Row) -> dict[str, float | None]:
    """The share of fix chains that a lesson tells of."""
    number = chained["chains"]
    return {"fix_chains_with_lesson": round(chained["with_lesson"] / number, 4) if number else None}


def tables(found: Sequence[Probed]) -> list[dict[str, Any]]:
    """Recall of every arm by set, by kind of lesson, by sort of thing, by literal or not."""
    head = [probe for probe in found if probe["headline"]]
    by: dict[str, Callable[[Probed], Any]] = {
        "set": lambda probe: probe["set"], "kind": lambda probe: probe["kind"],
        "sort": lambda probe: probe["sort"], "literal": lambda probe: probe["literal"],
        "covered by a lesson": lambda probe: probe["covered"],
    }  # fmt: skip
    made = []
    for name, group in by.items():
        among = found if name == "set" else head
        for value, number in sorted(Counter(map(group, among)).items(), key=lambda pair: str(pair[0])):
            some = [probe for probe in among if group(probe) == value]
            recall = {arm: right(some, arm) for arm in dict.fromkeys(ARMS.values())}
            made.append({"row": f"recall by {name}", name: value, "probes": number, **recall})
    return made
