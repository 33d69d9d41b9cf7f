"""The gate, start to end: check the registration, look for leaks, ask the arms, decide, write it down."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rune import config, files, paths
from rune.bench.distil.answers import Tools
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


def run(registered: Protocol) -> tuple[Verdict, dict[str, Any]]:
    """The verdict and its result file.

    Raises:
        RuneError: the tasks are not the registered ones.
    """
    tasks = procedures.tasks(registered.seed, registered.tasks, registered.inputs, max(registered.pairs))
    check(registered, tasks)
    found = [line for task in tasks for line in leaking(task, registered)]
    tools, distillers = parts()
    rows = [] if found else list(answered(registered, tasks, tools, distillers))
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


def parts() -> tuple[Tools, Mapping[str, Distiller]]:
    """The base with its engine, and what makes adapters on this machine.

    The hypernetwork takes part where one is configured, without its floor: what it makes is what is judged.
    """
    from rune.ml import base, embed, engine, gradient  # noqa: PLC0415 - torch
    from rune.ml.hypernet import distiller  # noqa: PLC0415

    home = paths.home()
    settings = config.load(home.config)
    loaded = base.resident(home, settings.model)
    tools = Tools(engine.Engine(loaded), embed.MiniLM(model.locate(home, settings.model.embedder)))
    steps = gradient.GradientDistiller(loaded, settings.distil)
    if not settings.distil.hypernet:
        return tools, {"gradient": steps}
    always = replace(settings.distil, hypernet_floor=0.0)
    network = distiller.load(loaded, home.hypernet(settings.distil.hypernet), always, steps)
    return tools, {"gradient": steps, "hypernetwork": network}


def answered(
    registered: Protocol, tasks: Sequence[Task], tools: Tools, distillers: Mapping[str, Distiller]
) -> list[Answered]:
    """First who needs no training; then adapters of the tasks that can count, or of a few for the record."""
    rows = [row for task in tasks for row in read_by(registered, task, tools)]
    read = [row for row in rows if row.arm == "in_context"]
    able = [row.task for row in read if verdict.share(row.right) >= registered.floor]
    chosen = able if len(able) >= registered.least_tasks else (able or [task.name for task in tasks])
    if len(able) < registered.least_tasks:
        chosen = chosen[: registered.trained_at_floor]
    say(f"the base reads {len(able)} of {len(tasks)} tasks; adapters are made of {', '.join(chosen)}")
    for task in tasks:
        if task.name in chosen:
            rows += adapters(registered, task, tools, distillers)
    return rows


def read_by(registered: Protocol, task: Task, tools: Tools) -> list[Answered]:
    """The arms without an adapter."""
    asks = arms.readers(task, tools)
    rows = [arms.judged(name, task, ask()) for name, ask in asks.items() if name in registered.arms]
    say(f"{task.name}: " + ", ".join(f"{row.arm} {sum(row.right)}/{len(row.right)}" for row in rows))
    return rows


def adapters(
    registered: Protocol, task: Task, tools: Tools, distillers: Mapping[str, Distiller]
) -> list[Answered]:
    """Every arm that has an adapter, one after the other."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="rune-gate-"))
    try:
        for arm, lessons in arms.taught(task, registered.pairs).items():
            distiller = distillers.get("gradient" if arm.startswith("pairs_") else arm)
            if distiller is not None:
                made = arms.adapted(arm, task, tools, distiller, lessons, folder / arm)
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
