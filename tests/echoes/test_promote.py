"""The promotion rules as a truth table, duplicates, and stale references."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import pytest

from rune.echoes import promote
from rune.echoes.promote import Facts, Outcome
from rune.echoes.score import Use
from rune.errors import EchoError
from rune.records import remembrance
from rune.records.echo import Entry

DAY = date(2026, 2, 12)
PAIR = (("symptom", "slow list"), ("root_cause", "one query per user"), ("solution", "eager loading"))
ETCHED = Entry(
    "etched", "N+1 queries", DAY, "Load eagerly.", ("`a.py:1` — seen",), confidence=0.9, fields=PAIR
)


@pytest.mark.parametrize(
    ("etched", "pair", "confidence", "references", "agents", "security", "human"),
    [*itertools.product((True, False), (True, False), (0.8, 0.79), (2, 1), *[(True, False)] * 3)],
)
def test_the_truth_table_of_the_rules(
    etched: bool, pair: bool, confidence: float, references: int, agents: bool, security: bool, human: bool
) -> None:
    entry = replace(
        ETCHED, layer="etched" if etched else "inscribed", confidence=confidence, fields=PAIR if pair else ()
    )
    facts = Facts("security" if security else "performance", for_agents=agents)
    valid = etched and pair and (confidence >= 0.8 or references >= 2) and not agents
    expected = Outcome.SKIP if not valid else Outcome.BLOCKED if security and not human else Outcome.PROMOTE
    assert promote.judge(entry, facts, Use(references, 5), human).outcome is expected


@pytest.mark.parametrize("name", ["symptom", "root_cause", "solution"])
def test_a_missing_field_is_named_and_may_come_as_an_argument(name: str) -> None:
    entry = replace(ETCHED, fields=tuple(pair for pair in PAIR if pair[0] != name))
    verdict = promote.judge(entry, Facts("performance"), Use(), human=True)
    assert (verdict.outcome, verdict.missing) == (Outcome.SKIP, (name,))
    assert verdict.reason.startswith(
        f"no problem-solution pair: {name} missing; add a bullet `- **{name}**: ...`"
    )
    given = replace(Facts("performance"), **{name: "said on the command line"})
    assert promote.judge(entry, given, Use(), human=True).outcome is Outcome.PROMOTE


def test_reasons_say_what_it_would_take() -> None:
    weak = promote.judge(replace(ETCHED, confidence=0.5), Facts("tooling"), Use(1, 3), human=True)
    assert (
        weak.reason == "not validated: confidence 0.5, referenced in 1 sessions; it takes 0.8 or 2 sessions"
    )
    blocked = promote.judge(ETCHED, Facts("security"), Use(), human=False)
    assert blocked.reason == "a security solution must be verified by a person"
    internal = replace(ETCHED, fields=(*PAIR, ("audience", "agents")))
    assert promote.judge(internal, Facts("tooling"), Use(), human=True).reason == "of use to agents alone"


def test_an_unknown_category_is_an_error() -> None:
    with pytest.raises(EchoError, match=r"category: expected build-errors \| .*, found 'databases'"):
        promote.judge(ETCHED, Facts("databases"), Use(), human=True)


def test_a_composed_remembrance_refers_to_its_echo_by_hash() -> None:
    entry = replace(ETCHED, fields=(*PAIR, ("tags", "[n-plus-one, `eager`]")))
    made = promote.compose(
        entry, Facts("security"), ".claude/echoes/reviewer/MEMORY.md", human=True, today=DAY
    )
    assert made.echo_ref == f".claude/echoes/reviewer/MEMORY.md#{entry.id}@sha256:{entry.digest}"
    assert (made.tags, made.confidence, made.verified_by) == (("n-plus-one", "eager"), "high", "human")
    assert made.requires_human_approval
    assert "## Evidence\n\n- `a.py:1` — seen" in made.body
    assert remembrance.parse(remembrance.render(made), "x.md") == made
    agents = promote.compose(replace(entry, confidence=0.7), Facts("tooling"), "x", human=False, today=DAY)
    assert (agents.confidence, agents.verified_by, agents.requires_human_approval) == (
        "medium",
        "agent",
        False,
    )


def test_an_edited_or_removed_echo_makes_the_reference_stale() -> None:
    made = promote.compose(ETCHED, Facts("tooling"), "x/MEMORY.md", human=False, today=DAY)
    assert not promote.stale(made, [ETCHED])
    assert not promote.stale(made, [replace(ETCHED, verified=date(2026, 3, 1))])
    assert promote.stale(made, [replace(ETCHED, learning="Load lazily.")])
    assert promote.stale(made, [])
    assert not promote.stale(replace(made, echo_ref=""), [])


def test_duplicates_are_told_by_title_root_cause_or_three_tags() -> None:
    made = promote.compose(ETCHED, Facts("tooling", tags=("a", "b", "c", "d")), "x", human=False, today=DAY)
    other = replace(made, title="Other", root_cause="something else entirely", tags=("z",))
    existing = [
        other,
        replace(other, title="n+1  Queries."),
        replace(other, root_cause="One query per single user!"),
        replace(other, tags=("B", "c", "A")),
        replace(other, tags=("a", "b")),
        replace(made),
    ]
    found = promote.duplicates(made, existing)
    assert [(duplicate.kind, existing.index(duplicate.remembrance)) for duplicate in found] == [
        ("title", 1),
        ("root_cause", 2),
        ("tags", 3),
        ("title", 5),
    ]
    assert found[2].what == "a, b, c"
