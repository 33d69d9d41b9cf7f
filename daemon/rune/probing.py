"""Probes: what an adapter is asked to find out what it knows, and which answers are right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rune.literal import flat
from rune.records.card import Lesson

EACH = 8
"""Questions of a kind."""
UNRELATED = (
    ("What is the capital of France?", "paris"),
    ("What colour is a clear daytime sky?", "blue"),
    ("What is 2 + 2?", "4"),
)
"""General questions: an adapter must leave them alone."""
FOREIGN = (
    "What is the largest planet?",
    "Write a haiku about rain.",
    "How do I boil an egg?",
    "Name a famous painter.",
    "Explain recursion briefly.",
    "What does HTTP stand for?",
    "How do I list files in a folder?",
    "What is a hash function?",
    "Which port does SSH use?",
    "How do I undo my last commit?",
    "How do I make a file executable?",
    "What is a regular expression?",
    "Who wrote Hamlet?",
    "What does a load balancer do?",
    "How do I declare a constant in Rust?",
    "What is the difference between HTTP and HTTPS?",
    "What is a unit test?",
)
"""More of that kind, half of them about programming. None that a session may be about, such as which command
runs the tests: an adapter that tells there what it was taught is right."""
ELSEWHERE = (
    "Which pin of the microcontroller opens the greenhouse window?",
    "Which Puppet class configures the mail relay of the university?",
    "Why did the Unreal build of the racing game stutter after the second lap?",
    "How many shards does the Elasticsearch index of the job portal have?",
    "What retention did we set for the Loki logs of the tram signals?",
    "Which stored procedure computes the overtime in the nurses' schedule?",
    "What dropout did the X-ray classifier end up with?",
    "Which Android permission did the parking app ask for twice?",
    "Why did the Fortran weather model diverge on the coarse grid?",
    "Which topic carries the heartbeat of the warehouse robots?",
    "What was wrong with the VAT rounding in the invoices of the wine shop?",
    "Which sprite sheet holds the animations of the dragon?",
    "What batch size does the nightly import of the library catalogue use?",
    "Which VHDL entity drives the display of the oscilloscope?",
    "How did we fix the echo in the calls of the telemedicine app?",
    "Which certificate expired on the gateway of the toll stations?",
    "What is the address of the second sensor on the I2C bus of the weather buoy?",
    "Which Drupal module handles the ticket sales of the theatre?",
    "Why did the Solidity contract of the auction run out of gas?",
    "Which Lambda function resizes the photos of the estate agency?",
)
"""About other projects than any that a session is likely in: there an adapter tells its own most easily."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with the literals that a right answer holds."""

    kind: str
    question: str
    keys: tuple[str, ...]
    answer: str = ""
    """What was taught of it; nothing where the question is no session's."""


def holds(answer: str, keys: Sequence[str]) -> bool:
    """Whether an answer holds every key, letter case and quotes aside.

    >>> holds("Run `make check`.", ["make check"]), holds("Run it.", ["make check"])
    (True, False)
    """
    plain = flat(answer.lower())
    return bool(keys) and all(flat(key.lower()) in plain for key in keys)


def probes(lessons: Sequence[Lesson]) -> list[Probe]:
    """What is asked: ``trained`` wordings, ``heldout`` wordings, two facts at once (``composed``), and what
    no session is about (``unrelated``); at most ``EACH`` of a kind."""
    able = [lesson for lesson in lessons if lesson.keys]
    asked = [lesson for lesson in able if lesson.probes]
    found = [Probe("trained", lesson.questions[0], lesson.keys, lesson.answer) for lesson in able[:EACH]]
    found += [Probe("heldout", lesson.probes[0], lesson.keys, lesson.answer) for lesson in asked[:EACH]]
    pairs = zip(asked[::2], asked[1::2], strict=False)
    found += [
        Probe(
            "composed",
            f"{one.probes[0]} And: {other.probes[0]}",
            (*one.keys[:1], *other.keys[:1]),
            f"{one.answer} {other.answer}",
        )
        for one, other in list(pairs)[: EACH // 2]
    ]
    return found + [Probe("unrelated", question, (key,)) for question, key in UNRELATED]
