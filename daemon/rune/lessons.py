"""Lessons of a session: questions and answers that an adapter is taught, and probes that it is never taught.

Answers are the agent's own words, commands and changes, never text that gives orders to a model; the wordings
of questions and probes are those of ``rune.phrasing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rune import arcs, phrasing, runs
from rune.arcs import Arc, Change
from rune.records.card import Lesson
from rune.records.trajectory import Execution, Generation, Note, Prompt, Reflection, Trajectory


def find(trajectory: Trajectory, limit: int) -> list[Lesson]:
    """The lessons of a session, at most ``limit``: fixes first, then notes, commands, decisions, places."""
    found = arcs.find(trajectory.events)
    ranked: list[Lesson] = []
    for arc in sorted(found, key=lambda arc: not arc.solved):
        ranked += _of_arc(arc, found)
    ranked += _notes(trajectory)
    ranked += _commands(trajectory)
    ranked += _goals(trajectory)
    ranked += _decisions(trajectory, found)
    ranked += _files(trajectory)
    return _distinct(ranked)[:limit]


def summary(trajectory: Trajectory, lessons: Sequence[Lesson]) -> str:
    """What the session was about, for retrieval: the first prompt and the subjects of the first lessons."""
    goal = next((" ".join(e.text.split())[:200] for e in trajectory.events if isinstance(e, Prompt)), "")
    subjects = "; ".join(dict.fromkeys(lesson.questions[0] for lesson in lessons[:6] if lesson.questions))
    return f"{goal} {subjects}".strip()


def _distinct(lessons: Sequence[Lesson]) -> list[Lesson]:
    """One lesson per answer, with all its phrasings; one answer per question: two would teach neither."""
    answers: dict[str, int] = {}
    cues: set[str] = set()
    kept: list[Lesson] = []
    for lesson in map(_without_orders, lessons):
        if not lesson.questions or not lesson.answer or arcs.unfit(lesson.answer):
            continue
        cue = lesson.questions[0].lower()
        if (place := answers.get(lesson.answer.lower())) is not None:
            kept[place] = _joined(kept[place], lesson)
        elif cue not in cues:
            answers[lesson.answer.lower()] = len(kept)
            kept.append(lesson)
        cues.add(cue)
    return list(_apart(kept))


def _without_orders(lesson: Lesson) -> Lesson:
    """The same lesson, asked in no words that give orders to a model."""
    questions = tuple(text for text in lesson.questions if not arcs.instructs(text))
    probes = tuple(text for text in lesson.probes if not arcs.instructs(text))
    return replace(lesson, questions=questions, probes=probes)


def _apart(lessons: Sequence[Lesson]) -> Iterator[Lesson]:
    """No question with two answers: the first lesson has it. No probe trained, shared, or holding a key."""
    owners: dict[str, int] = {}
    for place, lesson in enumerate(lessons):
        for question in lesson.questions:
            owners.setdefault(_plain(question), place)
    probed: set[str] = set()
    for place, lesson in enumerate(lessons):
        questions = tuple(text for text in lesson.questions if owners[_plain(text)] == place)
        fair = [text for text in lesson.probes if not any(key.lower() in text.lower() for key in lesson.keys)]
        probes = tuple(text for text in fair if _plain(text) not in owners and _plain(text) not in probed)
        probed |= {_plain(text) for text in probes}
        if questions:
            yield replace(lesson, questions=questions, probes=probes)


def _plain(question: str) -> str:
    return " ".join(question.lower().split())


def _joined(one: Lesson, other: Lesson) -> Lesson:
    def both(name: str, limit: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))[:limit]

    questions = both("questions", 18)
    probes = tuple(probe for probe in both("probes", 4) if probe not in questions)
    keys = tuple(key for key in one.keys if key.lower() not in " ".join(questions).lower())
    return Lesson(one.kind, one.answer, questions, probes, both("evidence", 40), keys or one.keys)


_NAMED = re.compile(r"\b(?:[A-Z]\w*(?:Error|Exception|Warning)|Test\w+|test_\w+|TS\d{3,}|E\d{3,})\b")


def _short_name(arc: Arc) -> str:
    """What people call an error among themselves: its class, or the failing test; empty where it has none."""
    found = _NAMED.search(arc.signature)
    return found[0] if found else ""


def _slots(arc: Arc, arcs_of_session: Sequence[Arc]) -> dict[str, str]:
    """For the templates: e is the whole error, s its gist, c its name where no other error shares it."""
    short = re.split(r"(?<=\w): ", arc.signature, maxsplit=1)
    brief = arc.signature if len(arc.signature) <= 60 or len(short) == 1 else short[-1][:60].rsplit(" ", 1)[0]
    brief = brief.strip(" :;,.(")
    path = next((change.path for change in arc.changes if change.path), "")
    runner = runs.family(arc.error.command) or "the command"
    runner = "the script" if runner.startswith("python -c") else runner
    name = _short_name(arc)
    shared = sum(_short_name(other) == name for other in arcs_of_session) > 1
    called = brief if shared or not name else name
    return {"e": arc.signature, "s": brief, "c": called, "r": runner, "f": path.rsplit("/", 1)[-1] or runner}


def _of_arc(arc: Arc, arcs_of_session: Sequence[Arc]) -> Iterator[Lesson]:
    slots, evidence = _slots(arc, arcs_of_session), arc.events
    why = _why(arc)
    if why:
        yield phrasing.make("cause", why, slots, evidence)
    if not arc.solved:
        if not arc.outcome:
            yield phrasing.make(
                "unsolved", f"No, {arc.signature} was left unsolved in that session.", slots, evidence
            )
        return
    assert arc.outcome
    fix = " ".join(filter(None, [_stated_fix(arc, why), *[_described(change) for change in _telling(arc)]]))
    if fix:
        yield phrasing.make("fix", fix, slots, evidence)
    command = _clean(arc.outcome.command)
    if command:
        yield phrasing.make("proof", f"Run `{command}`.", slots, (arc.outcome.id,), command)


_PLANNED = re.compile(r"(?:i|we|you)?\s*(?:need|should|will|can|must|have|'ll)\b", re.I)
"""What is to be done is no cause: a sentence that starts so comes last."""


def _why(arc: Arc) -> str:
    """One or two sentences of the diagnosis: those with literals or with the words of the error first."""
    words = set(re.findall(r"\w{4,}", arc.signature.lower()))

    def weight(sentence: str) -> float:
        shared = len(words & set(re.findall(r"\w{4,}", sentence.lower())))
        because = (
            2
            if re.search(
                r"\b(?:because|due to|cause|reason|since|root cause|the (?:issue|problem|bug) is)\b",
                sentence,
                re.I,
            )
            else 0
        )
        return (shared + because + ("`" in sentence)) * (0.2 if _PLANNED.match(sentence) else 1)

    ranked = sorted(arc.diagnosis, key=weight, reverse=True)
    best = ranked[:1]
    return best[0] if best and weight(best[0]) >= 1 else ""


def _stated_fix(arc: Arc, why: str) -> str:
    """What the agent itself called the fix, if it said so."""
    for sentence in arc.diagnosis:
        if sentence != why and re.search(
            r"\b(?:fix(?:ed)?|instead|need(?:s|ed)? to|must|should|adding|changed|replaced?)\b",
            sentence,
            re.I,
        ):
            return sentence if len(sentence) <= 160 else ""
    return ""


def _telling(arc: Arc) -> list[Change]:
    """At most two changes: those that share most words with error and diagnosis, later ones first."""
    about = set(_words(f"{arc.signature} {' '.join(arc.diagnosis)}"))

    def weight(place: int) -> tuple[int, int]:
        made = arc.changes[place]
        return len(about & set(_words(" ".join((*made.removed, *made.added))))), place

    best = sorted(range(len(arc.changes)), key=weight, reverse=True)[:2]
    return [arc.changes[place] for place in sorted(best)]


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w{2,}", text.lower())


def _described(change: Change) -> str:
    if change.command:
        return f"Ran `{_clean(change.command)}`." if _clean(change.command) else ""
    removed, added = _informative(change.removed), _informative(change.added)
    if removed and added:
        whole = f"In {change.path}, replace `{removed}` with `{added}`." if removed != added else ""
        return whole if len(whole) <= phrasing.ANSWER_LIMIT else f"In {change.path}, write `{added}`."
    if added:
        return f"In {change.path}, add `{added}`."
    return f"In {change.path}, remove `{removed}`." if removed else ""


def _informative(lines: Sequence[str]) -> str:
    """The first line that is code, short enough to be said, and not only brackets, quotes or a comment."""
    for line in lines:
        code = len(re.sub(r"\W", "", line)) >= 3 and not line.startswith(("#", "//", "/*", "*", '"""'))
        if code and "`" not in line and len(line) <= 120 and not arcs.unfit(line):
            return line
    return ""


def _clean(command: str) -> str:
    """A command as a person would type it: without the change of folder, the pipe to tail, or a heredoc."""
    if "\n" in command.strip() or "<<" in command:
        return ""
    command = re.sub(r"^\s*cd\s+\S+\s*(?:&&|;)\s*", "", command.strip())
    command = re.sub(r"\s*(?:2>&1)?\s*\|\s*(?:tail|head|cat|tee)\b.*$", "", command)
    command = re.sub(r"\s*2>&1\s*$", "", command)
    return command if len(command) <= 140 and "`" not in command and not arcs.unfit(command) else ""


def _notes(trajectory: Trajectory) -> Iterator[Lesson]:
    for event in trajectory.events:
        if isinstance(event, Note):
            subject = ", ".join(event.tags) or phrasing.subject(event.text)
            if subject:
                yield phrasing.make("decision", event.text, {"w": subject}, (event.id,), lesson=event.note)


_FAMILY_NAMES = {
    "pytest": "the tests", "unittest": "the tests", "go test": "the Go tests", "vitest": "the vitest tests",
    "jest": "the jest tests", "tsc": "the type check", "mypy": "the type check", "eslint": "the linter",
    "ruff": "the linter", "golangci-lint": "the linter", "gofmt": "the formatter",
    "prettier": "the formatter", "go build": "the build", "cargo build": "the build",
    "cargo test": "the Rust tests",
}  # fmt: skip


def _commands(trajectory: Trajectory) -> Iterator[Lesson]:
    """The last successful command of each family."""
    last: dict[str, Execution] = {}
    for event in trajectory.events:
        if not isinstance(event, Execution) or not event.ok or event.tool != "Bash":
            continue
        family = runs.family(event.command)
        if family and not family.startswith(("git ", "python -c", "gh ")) and _clean(event.command):
            last[family] = event
    for family, event in last.items():
        command = _clean(event.command)
        purpose = _purpose(event)
        kind, subject = ("task", purpose) if purpose else ("command", _FAMILY_NAMES.get(family, family))
        yield phrasing.make(kind, f"Run `{command}`.", {"w": subject}, (event.id,), command, lesson="command")


def _purpose(event: Execution) -> str:
    """What the agent said that a command is for ("Run the unit tests"), as it fits after "How do I"."""
    about = re.sub(r"\b(?:again|now|once more)\b", "", " ".join(event.about.split())).strip(" .")
    return about[0].lower() + about[1:] if 6 <= len(about) <= 70 else ""


def _goals(trajectory: Trajectory) -> Iterator[Lesson]:
    """What the person asked for, and the agent's last words on it."""
    prompts = [event for event in trajectory.events if isinstance(event, Prompt) and len(event.text) > 15]
    for index, prompt in enumerate(prompts):
        until = prompts[index + 1].at if index + 1 < len(prompts) else float("inf")
        said = [
            e
            for e in trajectory.events
            if isinstance(e, Reflection) and not e.agent and prompt.at <= e.at < until
        ]
        subject = phrasing.subject(prompt.text)
        closing = [s for s in sentences_of(said[-1:]) if _says_something(s)]
        if subject and closing:
            yield phrasing.make("goal", closing[0], {"w": subject}, (prompt.id, said[-1].id))


_STATUS = re.compile(
    r"^(?:perfect|excellent|great|all done|done|fixed|summary|complete|✅)"
    r"|\b(?:all (?:the )?tests pass|commit(?:ted)? `?[0-9a-f]{7}|working tree|is clean|successfully)\b",
    re.I,
)


def _says_something(sentence: str) -> bool:
    """Whether a closing sentence holds a fact: a whole sentence with a literal that is more than a status."""
    return (
        30 <= len(sentence) <= 260
        and sentence.endswith(".")
        and _STATUS.search(sentence) is None
        and re.search(r"`|\d|/|\w[._]\w|[a-z][A-Z]", sentence) is not None
    )


def sentences_of(reflections: Sequence[Reflection]) -> list[str]:
    """The sentences of several reflections."""
    return [sentence for reflection in reflections for sentence in arcs.sentences(reflection.text)]


_DECIDED = re.compile(
    r"\b(?:decided|we(?:'ll| will)? use|chose|choose|instead of|must|always|never|convention|prefer"
    r"|the (?:right|correct) (?:way|approach))\b",
    re.I,
)


def _decisions(trajectory: Trajectory, found: Sequence[Arc]) -> Iterator[Lesson]:
    used = {sentence for arc in found for sentence in arc.diagnosis}
    for event in trajectory.events:
        if isinstance(event, Reflection):
            for sentence in arcs.sentences(event.text):
                subject = phrasing.subject(sentence)
                if (
                    sentence not in used
                    and subject
                    and _DECIDED.search(sentence)
                    and arcs.explains(sentence)
                    and phrasing.literals(sentence)
                ):
                    yield phrasing.make("decision", sentence, {"w": subject}, (event.id,))


_DEFINES = re.compile(
    r"^\s*(?:export\s+)?(?:async\s+)?(?:def|class|func|function|interface|type|fn|struct)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w{3,})",
    re.M,
)


def _files(trajectory: Trajectory) -> Iterator[Lesson]:
    """Where things that were written live: names defined once, in one file."""
    places: dict[str, dict[str, str]] = {}
    for event in trajectory.events:
        if isinstance(event, Generation):
            for name in _DEFINES.findall(event.text):
                places.setdefault(name, {}).setdefault(event.path, event.id)
    for name, at in places.items():
        if len(at) == 1:
            [(path, origin)] = at.items()
            yield phrasing.make("file", f"{name} is in {path}.", {"w": name}, (origin,), path)
