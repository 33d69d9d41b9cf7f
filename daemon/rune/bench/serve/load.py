"""Mixed load on everything real, from endpoint to adapters. Who is lost, what grows, who stays behind.

Clients ask the base, adapters by their id, and ``rune``, whole and streamed; some go away in the middle;
recalls come in between over the daemon's socket. A request counts as lost when it neither ends as the
protocol says nor is refused with a reason to come again. Growth is that of a process's memory between the
second and the last fifth of the time, medians, so that what the first requests fill counts as nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import socket
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from rune import paths
from rune.bench.serve.scene import DOWN, Scene
from rune.bench.stage import Stage, models_of, say
from rune.library import CONFIG, WEIGHTS, Library
from rune.paths import Echoes
from rune.records import api_key
from rune.records.card import Card, Lesson
from rune.records.message import Recall, Recalled, Serve, Serving

KEYS = (
    "load_minutes", "load_requests", "load_lost", "load_left", "load_refused", "load_recalls",
    "load_recalls_lost", "load_daemon_growth_mb", "load_worker_growth_mb", "load_orphans",
)  # fmt: skip
CLIENTS = 4
ADAPTERS = 6
RANK = 8
TOPICS = ("invoices", "gateways", "calendars", "thermostats", "passports", "orchards")
RECALL_EVERY = 10.0
SAMPLE_EVERY = 5.0
LEAVES = 0.2
"""Share of streams whose client goes away in the middle."""


@dataclass
class Tally:
    """What happened."""

    counted: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """MiB of daemon and worker, in the order of time."""
    lost: list[str] = field(default_factory=list)


def run(scene: Scene, minutes: float, seed: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Load the real thing for so long; summary and one row."""
    stage = Stage(scene.folder / "load", models_of(paths.home()), paths.home().config)
    project = stage.project("project")
    publish(scene, project)
    key = api_key.ensure(stage.home.api_keys, str(project), time.time()).key
    stage.start()
    try:
        opened = stage.ask(Serve(port=_free_port()))
        assert isinstance(opened, Serving), opened
        tally = asyncio.run(_everybody(stage, project, opened.url, key, minutes, seed))
        below = psutil.Process(stage.health().pid)
        family = [below, *below.children(recursive=True)]
    finally:
        stage.close()
    orphans = len(psutil.wait_procs(family, 20)[1])
    summary = figures(tally, minutes, orphans)
    return summary, [
        {"stage": "load", "clients": CLIENTS, "adapters": ADAPTERS, **summary, "why": tally.lost[:9]}
    ]


def figures(tally: Tally, minutes: float, orphans: int) -> dict[str, float]:
    """The summary."""
    fifth = max(1, len(tally.memory) // 5)
    grown = [
        statistics.median(one[place] for one in tally.memory[-fifth:])
        - statistics.median(one[place] for one in tally.memory[fifth : 2 * fifth] or tally.memory)
        for place in (0, 1)
    ]
    counted = tally.counted
    found = (
        minutes, counted["requests"], counted["lost"], counted["left"], counted["refused"],
        counted["recalls"], counted["recalls lost"], round(grown[0], 1), round(grown[1], 1), orphans,
    )  # fmt: skip
    return dict(zip(KEYS, found, strict=True))


def publish(scene: Scene, project: Path) -> None:
    """Adapters of random numbers, each to be found by a topic of its own."""
    library = Library(Echoes(project), time.time)
    for topic, part in zip(TOPICS, scene.adapters("load", ADAPTERS, DOWN, RANK), strict=True):
        with library.staging() as stage:
            for name in (CONFIG, WEIGHTS):
                shutil.copy(Path(part.folder) / name, stage / name)
            lesson = Lesson("fact", f"About {topic}.", (question(topic),), (question(topic),))
            library.add(stage, Card(
                session=topic, source_hash=topic, events=1, redactions={}, base=scene.base.name,
                base_hash=scene.base.hash, rank=RANK, alpha=2.0 * RANK, targets=DOWN, steps=1, seconds=1.0,
                engine="random", lessons=(lesson,), summary=f"{topic}", created=time.time(),
                probes_before={"trained": 0.0}, probes_after={"trained": 1.0},
            ))  # fmt: skip


def question(topic: str) -> str:
    """What an adapter is found by."""
    return f"What do we know about the {topic}?"


async def _everybody(stage: Stage, project: Path, url: str, key: str, minutes: float, seed: int) -> Tally:
    tally, until = Tally(), time.monotonic() + 60 * minutes
    models = ["rune", *(card.id for card in Library(Echoes(project), time.time).cards())]
    async with httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=300, trust_env=False
    ) as http:
        listed = (await http.get("/models")).json()["data"]
        models.append(next(one["id"] for one in listed if one["id"] not in models))  # the base
        asking = [
            _client(http, random.Random(seed + number), models, tally, until) for number in range(CLIENTS)
        ]
        await asyncio.gather(*asking, _recalls(stage, project, tally, until), _memory(stage, tally, until))
    return tally


async def _client(
    http: httpx.AsyncClient, dice: random.Random, models: list[str], tally: Tally, until: float
) -> None:
    while time.monotonic() < until:
        body = {
            "model": dice.choice(models), "max_tokens": dice.randint(4, 48), "stream": dice.random() < 0.7,
            "messages": [{"role": "user", "content": question(dice.choice((*TOPICS, "zebras")))}],
            "temperature": dice.choice((0.0, 0.8)), "seed": dice.randint(0, 99),
        }  # fmt: skip
        leaves = dice.randint(1, 6) if body["stream"] and dice.random() < LEAVES else 0
        tally.counted["requests"] += 1
        try:
            how = await _one(http, body, leaves)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            how = f"lost: {error!r}"
        tally.counted[how.partition(":")[0]] += 1
        if how.startswith("lost"):
            tally.lost.append(how)
        if how == "refused":
            await asyncio.sleep(1.0)


async def _one(http: httpx.AsyncClient, body: dict[str, Any], leaves: int) -> str:
    """answered, left, refused, or lost with what was said instead."""
    async with http.stream("POST", "/chat/completions", json=body) as answer:
        if answer.status_code == 429:
            return "refused"
        if answer.status_code != 200:
            return f"lost: {answer.status_code} {(await answer.aread()).decode()[:200]}"
        if not body["stream"]:
            whole = json.loads(await answer.aread())
            return (
                "answered" if whole["choices"][0]["finish_reason"] in ("stop", "length") else "lost: no end"
            )
        last = ""
        async for line in answer.aiter_lines():
            last = line or last
            leaves -= bool(line)
            if leaves == 0 and line:
                return "left"
    return "answered" if last == "data: [DONE]" else f"lost: {last[:200]}"


async def _recalls(stage: Stage, project: Path, tally: Tally, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        request = Recall(question(TOPICS[number % len(TOPICS)]), str(project))
        answer = await asyncio.to_thread(stage.ask, request)
        tally.counted["recalls"] += 1
        tally.counted["recalls lost"] += not (isinstance(answer, Recalled) and answer.adapter)
        await asyncio.sleep(RECALL_EVERY)


async def _memory(stage: Stage, tally: Tally, until: float) -> None:
    began = time.monotonic()
    while time.monotonic() < until:
        health = await asyncio.to_thread(stage.health)
        tally.memory.append((health.rss_mb, health.worker_rss_mb))
        if len(tally.memory) % 12 == 1:
            said = ", ".join(f"{many} {what}" for what, many in sorted(tally.counted.items()))
            say(f"{time.monotonic() - began:.0f} s: {said}; {health.rss_mb} and {health.worker_rss_mb} MiB")
        await asyncio.sleep(SAMPLE_EVERY)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
