"""Lessons of a session: questions and answers that an adapter is taught, and probes that it is never taught.

Each kind of lesson has trained phrasings and held-out phrasings; the two lists share no wording beyond the
slots. Questions come in the ways in which agents ask: whole sentences and bare keywords. Answers are the agent's own
words, commands and changes, never text that gives orders to a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rune import arcs, runs
from rune.arcs import Arc, Change
from rune.records.card import Lesson
from rune.records.trajectory import Execution, Generation, Note, Prompt, Reflection, Trajectory

TRAINED = {
    "cause": (
        "Why did {r} fail with {s}?",
        "What caused {s}?",
        "What was the reason for {e}?",
        "{s} cause",
        "Explain the {s} in {f}.",
        "{r} reported {s}. Why?",
        "Why does {f} raise {s}?",
        "reason for {s} in {f}",
    ),
    "fix": (
        "How was {e} fixed?",
        "How do I fix {s}?",
        "{s} fix",
        "{r} fails with {s}. What is the fix?",
        "What did we change in {f} to fix {s}?",
        "fix for {s} in {f}",
        "Which edit made {r} pass after {s}?",
        "What is the solution to {s}?",
    ),
    "proof": (
        "Which command shows that {s} is fixed?",
        "How do I check the fix of {s}?",
        "What do I run to verify {f}?",
        "{s} verify command",
        "Which command passed after the fix in {f}?",
        "command to test {f}",
    ),
    "command": (
        "How do I run {w} in this project?",
        "What is the command for {w}?",
        "{w} command",
        "Which command runs {w} here?",
        "How is {w} invoked?",
        "command line for {w}",
    ),
    "task": (
        "How do I {w}?",
        "What do I run to {w}?",
        "Which command lets me {w}?",
        "{w} command",
        "command to {w}",
        "I want to {w}. How?",
        "What is the way to {w} here?",
    ),
    "file": (
        "Which file defines {w}?",
        "Where is {w} implemented?",
        "{w} location",
        "In which file do I find {w}?",
        "path of {w}",
        "Where does {w} live?",
    ),
    "decision": (
        "What was decided about {w}?",
        "What do we know about {w}?",
        "{w} decision",
        "What is the rule for {w}?",
        "How do we handle {w}?",
        "notes on {w}",
    ),
    "goal": (
        "What was the outcome of the session about {w}?",
        "What was done about {w}?",
        "{w} summary",
        "What happened when working on {w}?",
        "result of {w}",
    ),
    "unsolved": (
        "Was {s} solved?",
        "What is the state of {s}?",
        "{s} status",
        "Did we get rid of {s}?",
    ),
}  # fmt: skip
HELD_OUT = {
    "cause": ("I see {s} when I use {r}; what is behind it?", "What makes {s} happen?"),
    "fix": ("I am hitting {s} again, what solved it last time?", "How can {s} be resolved?"),
    "proof": ("With what did we confirm that {s} is gone?", "Tell me how to make sure {f} works."),
    "command": ("I want to execute {w}; what should I type?", "Remind me of the invocation for {w}."),
    "task": ("What should I enter in order to {w}?", "Remind me how we {w}."),
    "file": ("I am looking for {w}, which path is it at?", "Point me to the source of {w}."),
    "decision": ("Remind me what we settled on for {w}.", "Anything I should know regarding {w}?"),
    "goal": ("Where did the work on {w} end up?", "Recap the work around {w}."),
    "unsolved": ("Is {s} still open?", "How far did we get with {s}?"),
}

ANSWER_LIMIT = 300


def find(trajectory: Trajectory, limit: int) -> list[Lesson]:
    """The lessons of a session, the most valuable first, at most ``limit``: fixes, notes, commands, decisions, places."""
    found = arcs.find(trajectory.events)
    ranked: list[Lesson] = []
    for arc in sorted(found, key=lambda arc: not arc.solved):
        ranked += _of_arc(arc)
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
    """One lesson per answer, with the phrasings of all; one answer per first question: a cue with two teaches neither."""
    answers: dict[str, int] = {}
    cues: set[str] = set()
    kept: list[Lesson] = []
    for lesson in lessons:
        cue = lesson.questions[0].lower()
        if arcs.instructs(lesson.answer):
            continue
        if (place := answers.get(lesson.answer.lower())) is not None:
            kept[place] = _joined(kept[place], lesson)
        elif cue not in cues:
            answers[lesson.answer.lower()] = len(kept)
            kept.append(lesson)
        cues.add(cue)
    return kept


def _joined(one: Lesson, other: Lesson) -> Lesson:
    def both(name: str, limit: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))[:limit]

    questions = both("questions", 12)
    probes = tuple(probe for probe in both("probes", 4) if probe not in questions)
    keys = tuple(key for key in one.keys if key.lower() not in " ".join(questions).lower())
    return Lesson(one.kind, one.answer, questions, probes, both("evidence", 40), keys or one.keys)


def _make(
    kind: str, answer: str, slots: dict[str, str], evidence: Sequence[str], *more: str, lesson: str = ""
) -> Lesson:
    """Fill the templates of a kind; ``more`` are literals that the answer must hold to count as right."""
    answer = _cut(answer)
    questions = tuple(dict.fromkeys([*(_fill(t, slots) for t in TRAINED[kind]), *_keywords(answer)]))
    probes = tuple(p for p in dict.fromkeys(_fill(t, slots) for t in HELD_OUT[kind]) if p not in questions)
    asked = " ".join(questions).lower()
    keys = [
        key
        for key in (*more, *literals(answer))
        if key.lower() in answer.lower() and key.lower() not in asked
    ]
    if not keys:
        words = sorted(set(re.findall(r"[a-z]{5,}", answer.lower())), key=lambda word: (-len(word), word))
        keys = [word for word in words if word not in asked]
    return Lesson(
        lesson or kind,
        answer,
        questions,
        probes,
        tuple(dict.fromkeys(evidence)),
        tuple(dict.fromkeys(keys))[:2],
    )


def _keywords(answer: str) -> list[str]:
    """Queries made of the answer's own words: they tie what an answer speaks of to the answer."""
    words = [w for w in re.findall(r"[A-Za-z_][\w.]*\w", answer) if len(w) > 3 and w.lower() not in _EMPTY]
    words = list(dict.fromkeys(words))
    picks = (words[:3], words[2:5], words[-3:])
    return list(dict.fromkeys(" ".join(pick) for pick in picks if len(pick) >= 2))


def _fill(template: str, slots: dict[str, str]) -> str:
    text = template.format(**slots)
    return text[0].upper() + text[1:] if text.endswith("?") else text


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= ANSWER_LIMIT else text[:ANSWER_LIMIT].rsplit(" ", 1)[0]


def literals(text: str) -> list[str]:
    """What must come back exactly: code in backticks, paths, identifiers with structure, numbers; longest words last.

    >>> literals("Set `PORT=8080` in config/app.toml.")
    ['PORT=8080', 'config/app.toml']
    """
    found = re.findall(r"`([^`]{2,80})`", text)
    found += re.findall(r"[\w.-]*/[\w./-]*\w", text)
    found += re.findall(r"\b\w+(?:[._]\w+)+\b|\b[a-z]+[A-Z]\w+\b", text)
    found += re.findall(r"\b\d[\d.]*\d\b|\b\d{2,}\b", text)
    if not found:
        found = sorted(re.findall(r"[A-Za-z]{6,}", text), key=len, reverse=True)[:2]
    return [word for place, word in enumerate(found) if not any(word in other for other in found[:place])]


def _slots(arc: Arc) -> dict[str, str]:
    short = re.split(r"(?<=\w): ", arc.signature, maxsplit=1)
    brief = arc.signature if len(arc.signature) <= 60 or len(short) == 1 else short[-1][:60].rsplit(" ", 1)[0]
    brief = brief.strip(" :;,.(")
    path = next((change.path for change in arc.changes if change.path), "")
    runner = runs.family(arc.error.command) or "the command"
    runner = "the script" if runner.startswith("python -c") else runner
    return {"e": arc.signature, "s": brief, "r": runner, "f": path.rsplit("/", 1)[-1] or runner}


def _of_arc(arc: Arc) -> Iterator[Lesson]:
    slots, evidence = _slots(arc), arc.events
    why = _why(arc)
    if why:
        yield _make("cause", why, slots, evidence)
    if not arc.solved:
        if not arc.outcome:
            yield _make(
                "unsolved", f"No, {arc.signature} was left unsolved in that session.", slots, evidence
            )
        return
    assert arc.outcome
    fix = " ".join(filter(None, [_stated_fix(arc, why), *[_described(change) for change in _telling(arc)]]))
    if fix:
        yield _make("fix", fix, slots, evidence)
    command = _clean(arc.outcome.command)
    if command:
        yield _make("proof", f"Run `{command}`.", slots, (arc.outcome.id,), command)


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
        return shared + because + ("`" in sentence)

    ranked = sorted(arc.diagnosis, key=weight, reverse=True)
    best = ranked[:1]
    return best[0] if best and weight(best[0]) > 0 else ""


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
    """At most two changes: those that share most words with the error and the diagnosis, later ones before earlier."""
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
        return f"In {change.path}, replace `{removed}` with `{added}`."
    if added:
        return f"In {change.path}, add `{added}`."
    return f"In {change.path}, remove `{removed}`." if removed else ""


def _informative(lines: Sequence[str]) -> str:
    """The first line that is code and not only brackets, quotes or a comment."""
    for line in lines:
        if (
            len(re.sub(r"\W", "", line)) >= 3
            and not line.startswith(("#", "//", "/*", "*", '"""'))
            and "`" not in line
        ):
            return line if len(line) <= 100 else line[:100].rsplit(" ", 1)[0]
    return ""


def _clean(command: str) -> str:
    """A command as a person would type it: without the change of folder, the pipe to tail, or a heredoc."""
    if "\n" in command.strip() or "<<" in command:
        return ""
    command = re.sub(r"^\s*cd\s+\S+\s*(?:&&|;)\s*", "", command.strip())
    command = re.sub(r"\s*(?:2>&1)?\s*\|\s*(?:tail|head|cat|tee)\b.*$", "", command)
    command = re.sub(r"\s*2>&1\s*$", "", command)
    return command if len(command) <= 140 and "`" not in command else ""


def _notes(trajectory: Trajectory) -> Iterator[Lesson]:
    for event in trajectory.events:
        if isinstance(event, Note):
            subject = ", ".join(event.tags) or _subject(event.text)
            if subject:
                yield _make("decision", event.text, {"w": subject}, (event.id,), lesson=event.note)


_FAMILY_NAMES = {
    "pytest": "the tests", "unittest": "the tests", "go test": "the Go tests", "vitest": "the vitest tests", "jest": "the jest tests",
    "tsc": "the type check", "mypy": "the type check", "eslint": "the linter", "ruff": "the linter", "golangci-lint": "the linter",
    "gofmt": "the formatter", "prettier": "the formatter", "go build": "the build", "cargo build": "the build", "cargo test": "the Rust tests",
}  # fmt: skip


def _commands(trajectory: Trajectory) -> Iterator[Lesson]:
    """The last successful command of each family."""
    last: dict[str, Execution] = {}
    for event in trajectory.events:
        if (
            isinstance(event, Execution)
            and event.ok
            and event.tool == "Bash"
            and (family := runs.family(event.command))
        ):
            if not family.startswith(("git ", "python -c", "gh ")) and _clean(event.command):
                last[family] = event
    for family, event in last.items():
        command = _clean(event.command)
        purpose = _purpose(event)
        kind, subject = ("task", purpose) if purpose else ("command", _FAMILY_NAMES.get(family, family))
        yield _make(kind, f"Run `{command}`.", {"w": subject}, (event.id,), command, lesson="command")


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
        subject = _subject(prompt.text)
        closing = [s for s in sentences_of(said[-1:]) if 30 <= len(s) <= 260 and not s.endswith((":", "?"))]
        if subject and closing:
            yield _make("goal", closing[0], {"w": subject}, (prompt.id, said[-1].id))


def sentences_of(reflections: Sequence[Reflection]) -> list[str]:
    """The sentences of several reflections."""
    return [sentence for reflection in reflections for sentence in arcs.sentences(reflection.text)]


_DECIDED = re.compile(
    r"\b(?:decided|we(?:'ll| will)? use|chose|choose|instead of|must|always|never|convention|prefer|the (?:right|correct) (?:way|approach))\b",
    re.I,
)


def _decisions(trajectory: Trajectory, found: Sequence[Arc]) -> Iterator[Lesson]:
    used = {sentence for arc in found for sentence in arc.diagnosis}
    for event in trajectory.events:
        if isinstance(event, Reflection):
            for sentence in arcs.sentences(event.text):
                subject = _subject(sentence)
                if (
                    sentence not in used
                    and subject
                    and _DECIDED.search(sentence)
                    and arcs.explains(sentence)
                    and literals(sentence)
                ):
                    yield _make("decision", sentence, {"w": subject}, (event.id,))


def _subject(text: str) -> str:
    """A few words that name what a text is about: its literals, else its first content words."""
    line = " ".join(text.split())[:300]
    found = [
        w
        for w in re.findall(r"`([^`]{3,40})`|\b(\w+(?:[._]\w+)+|[a-z]+[A-Z]\w+|[A-Z][a-z]+[A-Z]\w*)\b", line)
    ]
    named = [a or b for a, b in found]
    if named:
        return " and ".join(dict.fromkeys(named[:2]))
    words = [w for w in re.findall(r"[A-Za-z][\w-]{3,}", line) if w.lower() not in _EMPTY]
    return " ".join(words[:5]) if len(words) >= 2 else ""


_EMPTY = frozenset(
    ["this", "that", "with", "from", "have", "will", "would", "could", "should", "what", "when", "where", "which", "there", "their", "them", "then", "than", "please", "make", "need", "want", "into", "about", "also", "just", "like", "some", "your", "mine", "ours", "they", "been", "being", "does", "done", "doing", "only", "very", "more", "most", "much", "such", "here", "must", "always", "never", "because", "since", "each", "other", "these", "those", "were", "able", "using", "used"]
)
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
            [(path, event)] = at.items()
            yield _make("file", f"{name} is in {path}.", {"w": name}, (event,), path)
