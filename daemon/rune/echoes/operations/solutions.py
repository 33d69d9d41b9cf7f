"""``remembrance`` and ``promote``: solved problems for people, in docs/solutions/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.echoes import promote
from rune.echoes.journal import within
from rune.echoes.operations import refs
from rune.echoes.promote import Duplicate, Facts, Outcome, Verdict
from rune.echoes.score import Use
from rune.echoes.store import Change
from rune.errors import FormatError
from rune.paths import Echoes
from rune.records import remembrance
from rune.records.remembrance import CATEGORIES, Remembrance

SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Document:
    """A remembrance and where it lies."""

    path: str
    remembrance: Remembrance
    stale: bool = False
    """Whether the echo that it came from says something else by now, or is gone."""


@dataclass(frozen=True, slots=True)
class Search:
    """What was found for a category or for words."""

    wanted: str
    found: tuple[Document, ...]
    total: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promotion:
    """What becomes of an echo that shall be promoted."""

    role: str
    id: str
    title: str
    verdict: Verdict
    path: str = ""
    remembrance: Remembrance | None = None
    duplicates: tuple[tuple[str, Duplicate], ...] = ()
    """Documents that say nearly the same, each with its path; nothing is written then."""


def search(change: Change, wanted: str = "") -> Search:
    """Documents of a category, or those that hold every word; all without either."""
    problems: list[str] = []
    documents = read(change.echoes, problems)
    entries = [found.entry for found in refs.entries(change, [])]
    found = [document for document in documents if _matches(document.remembrance, wanted)]
    marked = tuple(
        Document(
            d.path, d.remembrance, _is_here(change, d.remembrance) and promote.stale(d.remembrance, entries)
        )
        for d in found
    )
    return Search(wanted, marked, len(documents), tuple(problems))


def read(echoes: Echoes, problems: list[str]) -> list[Document]:
    """Every remembrance of the project; what cannot be read is named."""
    found = []
    for path in sorted(echoes.solutions.glob("*/*.md")):
        if path.parent.name not in CATEGORIES:
            continue
        try:
            document = remembrance.parse(within(echoes.project, path).read_text("utf-8", "replace"), path)
        except FormatError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        else:
            found.append(Document(path.relative_to(echoes.project).as_posix(), document))
    return found


def _matches(document: Remembrance, wanted: str) -> bool:
    if wanted in CATEGORIES:
        return document.category == wanted
    said = (
        document.title,
        document.symptom,
        document.root_cause,
        document.solution_summary,
        document.category,
    )
    text = " ".join([*said, *document.tags, document.body]).lower()
    return all(word in text for word in wanted.lower().split())


def _is_here(change: Change, document: Remembrance) -> bool:
    """Whether this machine has the memory that a document refers to; in another clone it may not."""
    if not document.echo_ref:
        return False
    try:
        role = Path(remembrance.reference(document.echo_ref).path).parent.name
    except FormatError:
        return True  # then it is stale, whatever it refers to
    return change.read(change.echoes.memory(role)) is not None


def run(change: Change, ref: str, given: Facts, uses: dict[str, Use], human: bool, anyway: bool) -> Promotion:
    """Write the remembrance of an etched echo, if the rules let it pass and nothing says the same yet.

    Args:
        change: what is written into.
        ref: which echo.
        given: category, and what its bullets do not say.
        uses: how often echoes were of use.
        human: whether a person vouches for it.
        anyway: also where a remembrance says nearly the same.
    """
    found = refs.find(change, ref)
    use = uses.get(found.entry.digest, Use())
    verdict = promote.judge(found.entry, given, use, human)
    base = Promotion(found.role, found.entry.id, found.entry.title, verdict)
    if verdict.outcome is not Outcome.PROMOTE:
        return base
    made = promote.compose(found.entry, given, f"echoes/{found.role}/MEMORY.md", human, change.today)
    existing = read(change.echoes, [])
    same = [
        (document.path, duplicate)
        for document in existing
        for duplicate in promote.duplicates(made, [document.remembrance])
    ]
    path = _free(change, made)
    if not same or anyway:
        change.write(path, remembrance.render(made).encode())
        same = []
    name = path.relative_to(change.echoes.project).as_posix()
    return Promotion(found.role, found.entry.id, found.entry.title, verdict, name, made, tuple(same))


def _free(change: Change, made: Remembrance) -> Path:
    folder = change.echoes.solutions / made.category
    name, number = remembrance.slug(made.title), 1
    while change.read(path := folder / f"{name}{'' if number == 1 else f'-{number}'}.md") is not None:
        number += 1
    return path


def render_search(done: Search) -> str:
    """The front matter of each document that was found."""
    lines = []
    for document in done.found:
        it = document.remembrance
        stale = "  STALE: its echo was edited or is gone" if document.stale else ""
        human = it.category != SECURITY or it.verified_by == "human"
        doubt = "" if human else "  UNVERIFIED: no person has verified this security solution"
        lines.append(f"{document.path}{stale}{doubt}")
        lines.append(f"  {it.title}")
        lines.append(
            f"  {it.category}, {it.date}, confidence {it.confidence}, verified by {it.verified_by}"
            + (f", tags {', '.join(it.tags)}" if it.tags else "")
        )
        lines += [
            f"  symptom:  {it.symptom}",
            f"  cause:    {it.root_cause}",
            f"  solution: {it.solution_summary}",
            "",
        ]
    what = f" for {done.wanted!r}" if done.wanted else ""
    lines.append(f"{len(done.found)} of {done.total} remembrance(s) in docs/solutions{what}")
    if done.wanted and not done.found:
        lines.append(f"categories: {', '.join(CATEGORIES)}")
    return "\n".join([*lines, *(f"not read: {problem}" for problem in done.problems)])


def render(done: Promotion) -> str:
    """The document as it is written, or why it is not."""
    echo = f"{done.role}/{done.id} {done.title!r}"
    if done.remembrance is None:
        outcome, missing = done.verdict.outcome.name, _missing(done.verdict.missing)
        return f"{outcome}: {echo} is not promoted: {done.verdict.reason}{missing}"
    if done.duplicates:
        first = f"SKIP: {echo} is not promoted, a remembrance says nearly the same; --anyway writes it"
        return "\n".join([first, *(f"  {path}: {same.kind}: {same.what}" for path, same in done.duplicates)])
    it = done.remembrance
    facts = {
        "category": f"{it.category}, confidence {it.confidence}",
        "verified": f"by {it.verified_by}",
        "symptom": it.symptom,
        "cause": it.root_cause,
        "solution": it.solution_summary,
        "tags": ", ".join(it.tags) or "none",
    }
    lines = [f"  {name:<9} {said}" for name, said in facts.items()]
    return "\n".join([f"{echo} becomes {done.path}", *lines])


def _missing(fields: Sequence[str]) -> str:
    options = " ".join(f"--{field.replace('_', '-')} ..." for field in fields)
    return f"\n  say it: {options}" if fields else ""
