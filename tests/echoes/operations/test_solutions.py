"""promote writes a document for people where the rules let it; remembrance finds them again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rune.echoes.operations import solutions
from rune.echoes.promote import Facts, Outcome
from rune.records import remembrance

PAIR = (
    ("symptom", "Totals differ by a cent"),
    ("root_cause", "Amounts went through float"),
    ("solution", "Amounts are Decimal"),
    ("tags", "money, rounding, decimal"),
)


@pytest.fixture
def solved(remember, entry):
    """An etched entry with symptom, cause and solution."""
    known = entry("Prices are decimals", layer="etched", fields=PAIR, confidence=1.0)
    remember("reviewer", known, entry("Unused imports"))
    return known


def promotes(ref, category="performance", human=False, anyway=False, **facts):
    given = Facts(category, **facts)
    return lambda change: solutions.run(change, ref, given, {}, human, anyway)


def test_an_etched_solution_becomes_a_document_that_refers_to_it(store, do, solved):
    done = do(promotes(solved.id))
    path = store.echoes.project / "docs/solutions/performance/prices-are-decimals.md"
    made = remembrance.parse(path.read_text("utf-8"), path)
    assert (made.category, made.verified_by, made.symptom) == ("performance", "agent", PAIR[0][1])
    assert made.echo_ref == f"echoes/reviewer/MEMORY.md#{solved.id}@sha256:{solved.digest}"
    assert done.path in solutions.render(done)


def test_a_person_who_promotes_has_verified_it(do, solved):
    assert do(promotes(solved.id, human=True)).remembrance.verified_by == "human"


def test_what_the_rules_refuse_is_not_written_and_says_why(plan, remember, entry):
    remember("reviewer", known := entry("Half a story", layer="etched", fields=PAIR[:1], confidence=1.0))
    planned = plan(promotes(known.id))
    assert (planned.code, planned.report.verdict.outcome) == ("", Outcome.SKIP)
    assert "--root-cause ... --solution ..." in solutions.render(planned.report)


def test_what_an_entry_does_not_say_may_be_said(do, remember, entry):
    remember("reviewer", known := entry("Half a story", layer="etched", fields=PAIR[:1], confidence=1.0))
    done = do(promotes(known.id, root_cause="Floats", solution="Decimals", tags=("money",)))
    assert (done.remembrance.root_cause, done.remembrance.tags) == ("Floats", ("money",))


def test_secrets_of_the_entry_and_of_the_arguments_stay_out_of_the_document(store, do, remember, entry):
    secret = "hunter2hunter2"
    known = entry(
        "Login fails", layer="etched", fields=PAIR[:2], confidence=1.0, learning=f"It was password={secret}.",
        evidence=(f"`a.py:3` — password={secret}, ask bob@corp.example",),
    )  # fmt: skip
    remember("reviewer", known)
    done = do(promotes(known.id, solution=f"Set password={secret}"))
    text = (store.echoes.project / done.path).read_text("utf-8")
    assert secret not in text + solutions.render(done)
    assert "bob@" not in text
    assert "`a.py:3` — [redacted:" in text
    found = solutions.search(store._begin()).found
    assert [document.stale for document in found] == [False], "the reference is to the entry as it stands"


def test_security_without_a_person_is_blocked(plan, solved):
    planned = plan(promotes(solved.id, "security"))
    assert (planned.code, planned.report.verdict.outcome) == ("", Outcome.BLOCKED)
    assert solutions.render(planned.report).startswith("BLOCKED")
    assert plan(promotes(solved.id, "security", human=True)).report.remembrance.verified_by == "human"


def test_what_was_said_before_is_not_said_again_unless_it_must(store, plan, do, solved):
    do(promotes(solved.id))
    planned = plan(promotes(solved.id, "architecture"))
    assert planned.code == ""
    assert "performance/prices-are-decimals.md: title" in solutions.render(planned.report)
    do(promotes(solved.id, anyway=True))
    names = sorted(path.name for path in store.echoes.solutions.glob("*/*.md"))
    assert names == ["prices-are-decimals-2.md", "prices-are-decimals.md"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", 1), ("performance", 1), ("security", 0), ("cent FLOAT", 1), ("cent python", 0), ("rounding", 1)],
)
def test_documents_are_found_by_category_or_by_every_word(plan, do, solved, wanted, found):
    do(promotes(solved.id))
    done = plan(lambda change: solutions.search(change, wanted)).report
    assert (len(done.found), done.total) == (found, 1)
    assert f"{found} of 1 remembrance" in solutions.render_search(done)


def test_an_edited_echo_makes_its_document_stale(store, plan, do, remember, solved):
    do(promotes(solved.id))

    def found():
        return plan(lambda change: solutions.search(change)).report

    assert not found().found[0].stale
    remember("reviewer", replace(solved, learning="Amounts are integers of cents."))
    assert found().found[0].stale
    assert "STALE" in solutions.render_search(found())
    store.echoes.memory("reviewer").unlink()
    assert not found().found[0].stale, "a clone without the memory cannot tell"


def test_a_document_that_cannot_be_read_is_named_beside_the_others(store, plan, do, solved):
    do(promotes(solved.id))
    (store.echoes.solutions / "security").mkdir()
    (store.echoes.solutions / "security" / "broken.md").write_text("---\ntitle: x\n---\n", "utf-8")
    done = plan(lambda change: solutions.search(change)).report
    assert (len(done.found), len(done.problems)) == (1, 1)
    assert "broken.md" in solutions.render_search(done)


def test_a_folder_or_a_link_out_of_the_project_is_no_document(store, plan, do, solved, tmp_path):
    made = store.echoes.project / do(promotes(solved.id)).path
    (made.parent / "folder.md").mkdir()
    (tmp_path / "outside.md").write_bytes(made.read_bytes())
    (made.parent / "link.md").symlink_to(tmp_path / "outside.md")
    done = plan(lambda change: solutions.search(change)).report
    assert [document.path for document in done.found] == [made.relative_to(store.echoes.project).as_posix()]
    assert ["folder.md: Is a directory" in done.problems[0], "leads out" in done.problems[1]] == [True, True]


def test_a_security_solution_that_no_person_verified_is_marked(store, plan, do, solved):
    made = store.echoes.project / do(promotes(solved.id, "security", human=True)).path
    assert "UNVERIFIED" not in solutions.render_search(plan(solutions.search).report)
    made.write_text(made.read_text("utf-8").replace("verified_by: human", "verified_by: agent"), "utf-8")
    assert "UNVERIFIED" in solutions.render_search(plan(solutions.search).report)


def test_other_documents_are_left_alone(store, plan):
    other = store.echoes.solutions / "notes" / "x.md"
    other.parent.mkdir(parents=True)
    other.write_text("# Notes\n", "utf-8")
    done = plan(lambda change: solutions.search(change)).report
    assert (done.found, done.problems) == ((), ())
