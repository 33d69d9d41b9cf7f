"""The sentences: what a session says of a fact, and how it is asked. Each kind has forms held out.

``{key}`` is what is asked about, ``{value}`` what is asked for, ``{other}`` a value that is no longer so. A
fact of the kind ``changed`` is told twice with two values, in two steps: only their order says which holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forms:
    """Statements of one kind of fact, with the questions that its value answers."""

    said: tuple[str, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact."""

    training: Forms
    held_out: Forms


KINDS: dict[str, Kind] = {
    "word": Kind(
        Forms(
            ("The {key} is {value}.", "{key}: {value}", "We call the {key} {value}.",
             "Set the {key} to {value}."),
            ("What is the {key}?", "{key}?", "Which {key} do we have?", "What did we set the {key} to?"),
        ),
        Forms(("For the {key} take {value}.",), ("Tell me the {key}.",)),
    ),
    "number": Kind(
        Forms(
            ("The {key} is {value}.", "The {key} listens on {value}.", "{key} = {value}",
             "I raised the {key} to {value}."),
            ("What is the {key}?", "Which number is the {key}?", "How high is the {key}?"),
        ),
        Forms(("The limit of the {key} became {value}.",), ("What number has the {key}?",)),
    ),
    "path": Kind(
        Forms(
            ("The {key} lives in {value}.", "I moved the {key} to {value}.", "Edited {value}: the {key}."),
            ("Where is the {key}?", "Which file holds the {key}?", "In which file is the {key}?"),
        ),
        Forms(("{value} now has the {key}.",), ("Where do I find the {key}?",)),
    ),
    "command": Kind(
        Forms(
            ("Run {value} for the {key}.", "The {key} is started with {value}.", "$ {value}  # {key}: ok"),
            ("How do I run the {key}?", "Which command starts the {key}?"),
        ),
        Forms(("To get the {key}, type {value}.",), ("What do I type for the {key}?",)),
    ),
    "hash": Kind(
        Forms(
            ("Committed the {key} as {value}.", "[main {value}] the {key}"),
            ("Which commit has the {key}?", "What is the commit of the {key}?"),
        ),
        Forms(("The {key} went in with {value}.",), ("In which commit is the {key}?",)),
    ),
    "decision": Kind(
        Forms(
            ("Decision: {value} for the {key}.", "We chose {value} for the {key}, not {other}."),
            ("What did we choose for the {key}?", "What do we use for the {key}?"),
        ),
        Forms(("For the {key} it will be {value} and not {other}.",), ("What was decided on the {key}?",)),
    ),
    "repair": Kind(
        Forms(
            ("The {key} failed because of {value}; fixed and green.",
             "FAIL {key}. Cause: {value}. Then it passed."),
            ("Why did the {key} fail?", "What broke the {key}?", "What was the cause at the {key}?"),
        ),
        Forms(("{value} made the {key} fail until it was mended.",), ("What was wrong with the {key}?",)),
    ),
    "moved": Kind(
        Forms(
            ("The {key} was {other}, now it is {value}.", "Changed the {key} from {other} to {value}."),
            ("What is the {key} now?", "What is the {key}?"),
        ),
        Forms(("No longer {other}: the {key} is {value}.",), ("What did the {key} become?",)),
    ),
    "changed": Kind(
        Forms(
            ("The {key} is {value}.", "{key}: {value}"),
            ("What is the {key} now?", "What is the {key} at the end?"),
        ),
        Forms(("For the {key} take {value}.",), ("What did the {key} end up as?",)),
    ),
}  # fmt: skip

FILLERS = (
    "Read the code around it first.", "All tests pass.", "The build is green again.", "Nothing else changed.",
    "I looked at the log.", "Formatted the file.", "Ran the linter.", "Opened a pull request.",
)  # fmt: skip
HELD_OUT_FILLERS = ("Waited for the pipeline.", "Cleaned the working tree.")
