"""``rune bench retrieval``: who is found among a thousand sessions, how fast, and beside whom.

Every session becomes a card with the lessons that a distillation would teach; nothing is trained. Each is
asked for once by its task in other words (``corpus``), and 60 questions are about nothing here. All recorded
sessions are a second project, asked what people asked them. Ours is ``Finder.find``, as it stands in the
product, over the index on disk; ``rivals`` have the same documents, grep the sessions themselves. Latency is
measured at several sizes with vectors drawn by lot: embedding ten thousand sessions would take hours, and who
is right does not matter there.

The work lies in ``build/<name of the result>-<split>-<seed>``; what is in the index there is not embedded for
it again.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rune import config, files, paths
from rune.bench import results
from rune.bench.distil import probes
from rune.bench.distil.figures import wilson
from rune.bench.recall import percentile
from rune.bench.retrieval import corpus, project, rivals
from rune.bench.retrieval.corpus import Task
from rune.bench.retrieval.scene import Scene, built, place, searching
from rune.bench.stage import say
from rune.finding import Found
from rune.ml.embed import MiniLM
from rune.ports import Embedder
from rune.records import model

SEED = 2611
SIZES = (100, 1_000, 10_000)
FLOORS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
ASKED = 100
"""Questions whose latency is measured at each size."""
_METADATA = """
import sys, time
from pathlib import Path
from rune.library import Library
from rune.paths import Echoes
times = []
for _ in range(7):
    library = Library(Echoes(Path(sys.argv[1])), time.time)
    began = time.perf_counter()
    found = library.metadata()
    times.append(time.perf_counter() - began)
assert "torch" not in sys.modules
print(len(found), sorted(times)[3] * 1000)
"""


def run(split: str, data: Path | None, sessions: int, seed: int, sizes: Sequence[int]) -> dict[str, Any]:
    """Build, ask, compare, time; the result in the form of a result file."""
    home = paths.home()
    chosen = config.load(home.config).model.embedder
    work = results.ROOT / "build" / f"{called(chosen)}-{split}-{seed}"
    embedder = project.Once(MiniLM(model.locate(home, chosen)))
    scene = built(work, corpus.tasks(split, data, sessions, seed), embedder)
    say(f"{len(scene.tasks)} sessions are indexed; asking")
    asked = [scene.find(task.query) for task in scene.tasks]
    strange = [scene.find(text, 3) for text, _ in probes.unrelated()]
    ranks = [place(found, id) for found, id in zip(asked, scene.ids, strict=True)]
    rows = compared(scene, ranks, embedder)
    rows += [at_floor(floor, ranks, asked, strange) for floor in FLOORS]
    listed = metadata(scene.folder)
    scene.index.close()
    rows += of_people(work / "people", split, data, embedder) if data else []
    rows += [latency(work / f"size-{size}", size, scene.tasks, embedder.inner) for size in sizes]
    told = summary(rows, listed, len(scene.tasks))
    return {"summary": told, "split": split, "embedder": Path(chosen).name, "rows": rows}


def called(embedder: str) -> str:
    """The name of the result, and of the folder of the work."""
    return results.named("retrieval", Path(embedder).name, config.ModelConfig().embedder)


def compared(
    scene: Scene, ranks: Sequence[int], embedder: Embedder, ours: str = "ours", prefix: str = ""
) -> list[dict[str, Any]]:
    """The product, that gave these places, beside its rivals on the same questions."""
    others = rivals.rankings(scene, embedder)
    return [
        arm(ours, ranks, scene.tasks),
        *(arm(prefix + name, ranking, scene.tasks) for name, ranking in others),
    ]


def of_people(work: Path, split: str, data: Path, embedder: Embedder) -> list[dict[str, Any]]:
    """The questions that people asked recorded sessions, to all recorded sessions at once."""
    tasks, all = corpus.people(split, data)
    scene = built(work, tasks, embedder, all)
    say(f"{len(all)} recorded sessions are indexed; asking {len(tasks)} questions of people")
    ranks = [place(scene.find(task.query), id) for task, id in zip(tasks, scene.ids, strict=True)]
    rows = compared(scene, ranks, embedder, "people", "people_")
    scene.index.close()
    return rows


def arm(name: str, ranks: Sequence[int], tasks: Sequence[Task]) -> dict[str, Any]:
    """Recall at one with its interval, mean reciprocal rank, and recall by the form of the question."""
    right = sum(rank == 1 for rank in ranks)
    forms = {
        form: [rank == 1 for rank, task in zip(ranks, tasks, strict=True) if task.form == form]
        for form in dict.fromkeys(task.form for task in tasks)
    }
    return {
        "arm": name, "questions": len(ranks), "recall_at_1": round(right / len(ranks), 4),
        "recall_at_1_low": wilson(right, len(ranks)),
        "recall_at_1_high": round(1 - wilson(len(ranks) - right, len(ranks)), 4),
        "mrr": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 4),
        **{f"recall_at_1 {form}": round(sum(good) / len(good), 4) for form, good in forms.items()},
    }  # fmt: skip


def at_floor(
    floor: float, ranks: Sequence[int], asked: Sequence[Found], strange: Sequence[Found]
) -> dict[str, Any]:
    """What another floor would give: silence where nothing is known, and right adapters that are asked."""
    kept = [rank == 1 and found.relevance >= floor for rank, found in zip(ranks, asked, strict=True)]
    silent = [found.relevance < floor for found in strange]
    return {
        "floor": floor,
        "abstain_unrelated": round(sum(silent) / len(silent), 4),
        "right_and_asked": round(sum(kept) / len(kept), 4),
        "asked": round(sum(found.relevance >= floor for found in asked) / len(asked), 4),
    }


def metadata(folder: Path) -> float:
    """Milliseconds to list every adapter in a process that has just started."""
    argv = [sys.executable, "-c", _METADATA, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return round(float(done.stdout.split()[1]), 1)


def latency(work: Path, size: int, tasks: Sequence[Task], plain: Embedder) -> dict[str, Any]:
    """Seconds from a question to what was found, in a project of so many adapters, vectors drawn."""
    folder = work / "project"
    project.write(folder, project.repeated([task.past for task in tasks], size))
    finder, index = searching(work, project.Drawn(plain))
    began = time.perf_counter()
    finder.find(str(folder), "warm", 1)
    first = time.perf_counter() - began
    queries = [task.query for task in tasks[:: max(1, len(tasks) // ASKED)]]
    times = [timed(lambda query=query: finder.find(str(folder), query)) for query in queries]  # type: ignore[misc]
    embedding = [timed(lambda query=query: plain.embed([query])) for query in queries]  # type: ignore[misc]
    index.close()
    say(f"{size} adapters: {percentile(times, 0.5) * 1000:.0f} ms")
    files.remove_folder(work)
    return {
        "adapters": size, "p50_ms": round(percentile(times, 0.5) * 1000, 1),
        "p95_ms": round(percentile(times, 0.95) * 1000, 1),
        "embedding_p50_ms": round(percentile(embedding, 0.5) * 1000, 1), "built_seconds": round(first, 1),
    }  # fmt: skip


def timed(act: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def summary(rows: Sequence[dict[str, Any]], listed: float, sessions: int) -> dict[str, float]:
    """The figures that bars are held against."""
    arms = {row["arm"]: row for row in rows if "arm" in row}
    own = (("", "ours"), ("people_", "people"))
    ours = {prefix: arms.pop(name) for prefix, name in own if name in arms}
    found = {prefix + name: row[name] for prefix, row in ours.items()
             for name in ("recall_at_1", "recall_at_1_low", "recall_at_1_high", "mrr")}  # fmt: skip
    forms = {f"recall_at_1_{form}": row[f"recall_at_1 {form}"] for row in ours.values()
             for form in ("recorded", "fact", "open") if f"recall_at_1 {form}" in row}  # fmt: skip
    others = {f"{name}_recall_at_1": row["recall_at_1"] for name, row in arms.items()}
    floor = config.RecallConfig().floor
    silent = next(row["abstain_unrelated"] for row in rows if row.get("floor") == floor)
    times = {
        f"{name}_{row['adapters']}": row[name]
        for row in rows if "adapters" in row for name in ("p50_ms", "p95_ms", "embedding_p50_ms")
    }  # fmt: skip
    return {"sessions": sessions, **found, **forms, **others, "abstain_unrelated": silent,
            "metadata_1000_ms": listed, **times}  # fmt: skip
