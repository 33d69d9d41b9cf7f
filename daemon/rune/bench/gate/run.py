"""The gate, start to end: check the registration, look for leaks, ask the arms, decide, write it down."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rune import config, files, paths
from rune.bench import results
from rune.bench.distil.answers import Tools
from rune.bench.distil.work import Row, Work
from rune.bench.gate import arms, leaks, procedures, protocol, story, verdict
from rune.bench.gate.arms import Answered
from rune.bench.gate.procedures import Task
from rune.bench.gate.protocol import Protocol
from rune.bench.gate.verdict import Marks, Verdict
from rune.bench.stage import say
from rune.errors import RuneError
from rune.grounding import event_text
from rune.ports import Distiller
from rune.records import model


@dataclass(frozen=True, slots=True)
class Bench:
    """What answers are asked with, and where earlier ones lie: a run that was cut off goes on."""

    registered: Protocol
    tools: Tools
    distillers: Mapping[str, Distiller]
    work: Work
    made_by: Mapping[str, str]
    """What the answers depend on, by arm; ``""`` is for all of them."""

    def kept(self, arm: str, task: Task, answer: Callable[[], Answered]) -> Answered:
        """An arm's answers to a task, from before where the same base and network gave them."""
        of = [protocol.fingerprint([task]), self.made_by[""], self.made_by.get(arm, "")]
        row = self.work.kept(
            arm, task.name, lambda: {**asdict(answer()), "of": of}, lambda row: row.get("of") == of
        )
        return _answered(row)


def _answered(row: Row) -> Answered:
    lists = {name: tuple(row[name]) for name in ("answers", "right")}
    return Answered(**{name: value for name, value in row.items() if name != "of"} | lists)


def run(registered: Protocol, folder: Path | None = None) -> tuple[Verdict, dict[str, Any]]:
    """The verdict and its result file; answers are kept in ``folder`` as they come.

    Raises:
        RuneError: the tasks are not the registered ones.
    """
    tasks = procedures.tasks(registered.seed, registered.tasks, registered.inputs, max(registered.pairs))
    check(registered, tasks)
    found = [line for task in tasks for line in leaking(task, registered)]
    rows = [] if found else answered(bench(registered, folder or results.ROOT / "build" / "gate"), tasks)
    decided = verdict.decide(registered, marks(rows), found)
    return decided, result(registered, decided, rows)


def check(registered: Protocol, tasks: Sequence[Task]) -> None:
    """Hold the tasks against the registration.

    Raises:
        RuneError: they differ.
    """
    ours = protocol.fingerprint(tasks)
    if ours != registered.tasks_sha256:
        raise RuneError(
            f"expected the registered tasks ({registered.tasks_sha256[:12]}), found others ({ours[:12]}): "
            "what was registered may not change; register anew in a protocol of its own"
        )


def leaking(task: Task, registered: Protocol) -> list[str]:
    """Held-out inputs in the session, in a lesson, or among the taught pairs."""
    told = [event_text(event) for event in story.session(task).events]
    lessons = [one for some in arms.taught(task, registered.pairs).values() for one in some]
    texts = [text for one in lessons for text in (one.answer, *one.questions, *one.probes)]
    return [*leaks.of(task, [*told, *texts]), *leaks.pairs(task)]


def bench(registered: Protocol, folder: Path) -> Bench:
    """The base with its engine, and what makes adapters on this machine.

    The hypernetwork takes part where one is configured or embedded, without its floor: what it makes is what
    is judged.
    """
    from rune.ml import base, embed, engine, gradient  # noqa: PLC0415 - torch
    from rune.ml.hypernet import checkpoint, distiller  # noqa: PLC0415

    home = paths.home()
    settings = config.load(home.config)
    loaded = base.resident(home, settings.model)
    tools = Tools(engine.Engine(loaded), embed.MiniLM(model.locate(home, settings.model.embedder)))
    distillers: dict[str, Distiller] = {"gradient": gradient.GradientDistiller(loaded, settings.distil)}
    steps = replace(settings.distil, method="gradient", hypernet="", hypernet_floor=0.0)
    made_by = {"": f"{loaded.hash} {steps}"}
    network = checkpoint.chosen(home, settings.distil.hypernet)
    if settings.distil.hypernet or checkpoint.exists(network):
        always = replace(settings.distil, hypernet_floor=0.0)
        distillers["hypernetwork"] = distiller.load(loaded, network, always, distillers["gradient"])
        made_by["hypernetwork"] = files.sha256(network / checkpoint.NAME)
    return Bench(registered, tools, distillers, Work(folder), made_by)


def answered(bench: Bench, tasks: Sequence[Task]) -> list[Answered]:
    """First who needs no training; then adapters of the tasks that can count, or of a few for the record."""
    registered = bench.registered
    rows = [row for task in tasks for row in read_by(bench, task)]
    read = [row for row in rows if row.arm == "in_context"]
    able = [row.task for row in read if verdict.share(row.right) >= registered.floor]
    chosen = able if len(able) >= registered.least_tasks else (able or [task.name for task in tasks])
    if len(able) < registered.least_tasks:
        chosen = chosen[: registered.trained_at_floor]
    say(f"the base reads {len(able)} of {len(tasks)} tasks; adapters are made of {', '.join(chosen)}")
    for task in tasks:
        if task.name in chosen:
            rows += adapters(bench, task)
    return rows


def read_by(bench: Bench, task: Task) -> list[Answered]:
    """The arms without an adapter."""
    asks = arms.readers(task, bench.tools)
    rows = [
        bench.kept(name, task, lambda name=name, ask=ask: arms.judged(name, task, ask()))  # type: ignore[misc]
        for name, ask in asks.items()
        if name in bench.registered.arms
    ]
    say(f"{task.name}: " + ", ".join(f"{row.arm} {sum(row.right)}/{len(row.right)}" for row in rows))
    return rows


def adapters(bench: Bench, task: Task) -> list[Answered]:
    """Every arm that has an adapter, one after the other."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="rune-gate-"))
    try:
        for arm, lessons in arms.taught(task, bench.registered.pairs).items():
            distiller = bench.distillers.get("gradient" if arm.startswith("pairs_") else arm)
            if distiller is not None:
                adapt = partial(arms.adapted, arm, task, bench.tools, distiller, lessons, folder / arm)
                made = bench.kept(arm, task, adapt)
                say(f"{task.name} {arm}: {sum(made.right)}/{len(made.right)} in {made.seconds:.0f} s")
                rows.append(made)
    finally:
        files.remove_folder(folder)
    return rows


def marks(rows: Sequence[Answered]) -> dict[str, Marks]:
    """Right and wrong by arm and task."""
    found: dict[str, Any] = {}
    for row in rows:
        found.setdefault(row.arm, {})[row.task] = row.right
    return found


def result(registered: Protocol, decided: Verdict, rows: Sequence[Answered]) -> dict[str, Any]:
    """In the form of a result file; shares of every arm over the tasks that it was asked."""
    summary: dict[str, float] = {"exit_code": decided.outcome.code, "tasks_counted": len(decided.counted)}
    for arm in dict.fromkeys(row.arm for row in rows):
        ours = [row for row in rows if row.arm == arm]
        summary[f"{arm}_exact"] = round(verdict.share([mark for row in ours for mark in row.right]), 4)
        summary[f"{arm}_execution"] = round(verdict.share([row.runs for row in ours]), 4)
        summary[f"{arm}_tasks"] = len(ours)
    if decided.difference is not None:
        summary |= {"difference": decided.difference, "low": decided.low or 0.0, "high": decided.high or 0.0}
    return {
        "verdict": decided.outcome.value, "why": decided.why, "protocol": asdict(registered),
        "summary": summary, "rows": [asdict(row) for row in rows],
    }  # fmt: skip
