"""``rune import``: past sessions become memories on the first day.

What the client's own transcripts hold becomes trajectories (``rune.transcripts``), and each one that is not
yet an adapter is put into the daemon's durable queue. Nothing here waits for a distillation, and everything
may be repeated: an import or a queueing that was cut off goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from rune import config, paths, scan, transcripts
from rune.errors import NotSetUp, RuneError
from rune.paths import Home
from rune.records import model, registry
from rune.records.message import Distil
from rune.transcripts import Imported, ImportReport

SHOWN_PROBLEMS = 8
"""Damaged places that are named before the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of the wish to distil what was imported."""

    queued: int
    """Sessions that wait now."""
    known: int
    """Sessions whose content is distilled already, or waited before."""
    no_model: str = ""
    """Why nothing can be distilled yet; the queue keeps until then."""


def run(
    home: Home,
    places: Sequence[Path],
    project: Path | None = None,
    dry_run: bool = False,
    limit: int | None = None,
) -> ImportReport:
    """Write past sessions as trajectories and make their projects known.

    Args:
        home: whose list of projects grows.
        places: transcripts and folders of them; none means the folder where the client keeps its own.
        project: where every session goes; else each goes to the project that it was about. One whose folder
            is gone goes to the current folder's project where places were named, and is left where none were.
        dry_run: only say what would be written.
        limit: take only the newest so many sessions.

    Raises:
        RuneError: a place does not exist, or holds no session.
    """
    chosen = tuple(places) or (transcripts.default_folder(),)
    if not transcripts.find(chosen):
        named = ", ".join(map(str, chosen))
        raise RuneError(f"{named}: expected transcripts (*.jsonl), found none; name a file or folder")
    with _Progress(Console(stderr=True)) as progress:
        report = transcripts.import_all(
            chosen, redact=scan.scan, report=progress.told, dry_run=dry_run, limit=limit,
            project=paths.project_root(project) if project else None,
            here=paths.project_root(Path.cwd()) if places else None,
        )  # fmt: skip
    if not report.sessions:
        first = f", first {report.problems[0]}" if report.problems else ""
        named = ", ".join(map(str, chosen))
        wanted = f"expected sessions of Claude Code, found none in {report.files} file(s)"
        raise RuneError(f"{named}: {wanted}{first}")
    if not dry_run:
        for root in dict.fromkeys(done.project for done in taken(report)):
            registry.add(home.projects, Path(root), time.time())
    return report


def taken(report: ImportReport) -> list[Imported]:
    """The sessions that are (or would be) trajectories because of imports."""
    return [done for done in report.sessions if done.state != "left"]


def enqueue(home: Home, report: ImportReport, ask: Callable[[Distil], str]) -> Queued:
    """Have every imported session distilled, some time.

    Unchanged ones are asked for too: an earlier queueing may have been cut off.

    Args:
        home: where the model is looked for.
        report: of an import that was no dry run.
        ask: hands one request to the daemon and returns its note; it knows what is distilled already.
    """
    notes = [ask(Distil(done.session, done.project)) for done in taken(report)]
    queued = notes.count("queued")
    return Queued(queued, len(notes) - queued, _missing(home))


def _missing(home: Home) -> str:
    try:
        model.locate(home, config.load(home.config).model.base)
    except NotSetUp as error:
        return str(error)
    return ""


class _Progress:
    """A bar on a terminal; elsewhere one line for each transcript of a session."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()
        columns = (
            TextColumn("reading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> _Progress:
        if self._bar:
            self._bar.start()
            self._bar.add_task("", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def told(self, done: int, total: int, session: str) -> None:
        """Bytes read, bytes in all, and what is in hand: a session, or a file of a subagent of it."""
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, description=session)
        elif session not in self._said and not session.startswith("agent-"):
            self._said.add(session)
            self._console.print(f"read {session}", markup=False, highlight=False, soft_wrap=True)


# what a person reads


def render(report: ImportReport) -> str:
    """The report as a table: what is new, has grown or was left, line by line, and totals of everything."""
    rows = [_row(done) for done in report.sessions if done.state != "unchanged"]
    lines = [*_aligned([HEADER, *rows]), ""] if rows else []
    lines += _totals(report)
    lines += [f"damaged: {problem}" for problem in report.problems[:SHOWN_PROBLEMS]]
    if more := len(report.problems) - SHOWN_PROBLEMS:
        lines += [f"damaged: {more} more places"] if more > 0 else []
    return "\n".join(lines)


HEADER = ("session", "state", "events", "new", "failures", "fixes", "redacted", "project")


def _row(done: Imported) -> tuple[str, ...]:
    counts = (
        sum(done.events.values()),
        done.added,
        done.failures,
        done.fix_chains,
        sum(done.redactions.values()),
    )
    where = done.project if done.state != "left" else done.why
    return (done.session, done.state, *map(str, counts), where)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of equal width, numbers to the right; the last one is as long as it is."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if 2 <= place <= 6 else cell.ljust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        lines.append("  ".join(cells).rstrip())
    return lines


def _totals(report: ImportReport) -> list[str]:
    kept = taken(report)
    states = Counter(done.state for done in report.sessions)
    said = ", ".join(f"{number} {state}" for state, number in states.items()) or "none"
    events, added = sum(sum(done.events.values()) for done in kept), sum(done.added for done in kept)
    failures, fixes = sum(done.failures for done in kept), sum(done.fix_chains for done in kept)
    secrets = sum(sum(done.redactions.values()) for done in kept)
    word = "would be written" if report.dry_run else "written"
    return [
        f"{len(report.sessions)} session(s), {report.files} file(s), {report.bytes / 2**20:.1f} MiB: {said}",
        f"{added} of {events} events {word}, {failures} failures, {fixes} fixes, {secrets} secrets redacted",
    ]


def render_queued(queued: Queued) -> str:
    """What a person should know of the queue."""
    waiting = f"{queued.queued} session(s) queued for distillation"
    waiting += f", {queued.known} known already" if queued.known else ""
    if queued.no_model:
        return f"{waiting}; they wait, for there is {queued.no_model}"
    return f"{waiting}; see `rune status`" if queued.queued else waiting


def to_json(report: ImportReport) -> str:
    """The report for a program."""
    return json.dumps(asdict(report), indent=1, ensure_ascii=False, default=str)
