from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.evolution import facts
from rune.records.card import Lesson


@dataclass(frozen=True)
class Stub:
    """As much of a card as facts look at."""

    id: str
    lessons: tuple[Lesson, ...]
    created: float = 0.0


def said(answer, kind="said", question="What of it?"):
    return Lesson(kind, answer, (question,), ())


@pytest.fixture
def replaced(make_card):
    """``replaced([old, ...], [new, ...])``: of adapters in the order in which they were made."""

    def find(*taught, **places):
        cards = [
            make_card(id=id, lessons=tuple(lessons), created=float(n))
            for n, (id, lessons) in enumerate(zip("abcd", taught, strict=False))
        ]
        return [(one.older, one.place, one.by, one.changed) for one in facts.replaced(cards, places)]

    return find


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway listens on port 8080.", "The gateway now listens on port 9090."),
        ("The staging database is called `shop_stage`.", "The staging database is called `shop_next`."),
        ("The nightly job runs `scripts/nightly.sh`.", "The nightly job runs scripts/night.sh."),
    ],
)
def test_the_same_statement_with_another_last_literal_replaces_it(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", True)]
    assert replaced([said(then)], [said(then)]) == [("a", 0, "b", False)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The function `foo` returns `None` on error.", "The function `bar` returns `0` on error."),
        ("The gateway listens on port 8080.", "The admin page listens on port 9090."),
        ("It is in `a.py`.", "It is in `b.py`."),
        ("The build was slow because of the cache.", "The build was slow because of the disk."),
    ],
    ids=["of another thing", "of another service", "too few words", "no literal"],
)
def test_what_is_said_of_something_else_replaces_nothing(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The job needs the variable `API_KEY`.", "The job needs the variable `DB_URL`."),
        ("Added unit tests for it in `a_test.go`.", "Added unit tests for it in `b_test.go`."),
        ("The job needs the variable `API_KEY`.", "The job now also needs the variable `DB_URL`."),
        ("Required environment variable of it: `A_KEY`.", "Required environment variable of it: `B_KEY`."),
    ],
)
def test_what_there_can_be_several_of_replaces_nothing(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", False)]


def test_a_younger_statement_may_say_itself_that_something_changed(replaced):
    then, now = "The frontend uses `npm` for packages.", "The frontend now uses `pnpm` for packages."
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", True)]
    assert replaced([said(now)], [said(then)]) == [("a", 0, "b", False)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway service listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway service listens on port 8080.", "The gateway has 9090 instead of 8080."),
        ("Slow queries come from database `shop_a`.", "We renamed the database: `shop_a` became `shop_b`."),
        ("Packages of the frontend come from `npm`.", "The frontend was switched from `npm` to `pnpm`."),
        ("The staging database is called `shop_a`.", "`shop_a` was renamed to `shop_b` in staging."),
        ("The gateway service listens on port 8080.", "The gateway now listens on port 9090."),
    ],
)
def test_who_says_what_was_so_before_replaces_it_in_any_words(replaced, then, now):
    assert [one[:3] for one in replaced([said(then)], [said(now)])] == [("a", 0, "b")]


def test_a_renamed_command_is_no_longer_how_it_is_run(replaced):
    old = said("Run `make deploy`.", "command", "How do I deploy to staging?")
    new = said("`make deploy` was renamed to `just deploy` for everybody.")
    assert replaced([old], [new]) == [("a", 0, "b", True)]


def test_what_moved_is_overtaken_by_a_plain_statement(replaced):
    moved = said("The gateway moved from port 80 to 8080.")
    plainly = said("The gateway listens on port 9090.")
    assert replaced([moved], [plainly]) == [("a", 0, "b", True)]
    assert replaced([moved], [said("The gateway listens on port 8080.")]) == []
    assert replaced([moved], [said("The mailer listens on port 9090.")]) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The metrics exporter listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The billing client uses `httpx` for requests.", "Bumped `httpx` to `0.28` in the billing client."),
        ("The retries of the client stop at `MAX_RETRIES`.", "Changed `MAX_RETRIES` of the client to `5`."),
    ],
)
def test_a_shared_value_or_a_thing_with_a_new_value_replaces_nothing(replaced, then, now):
    assert not any(one[3] for one in replaced([said(then)], [said(now)]))


def test_a_command_that_another_one_stands_for_somewhere_stays(replaced):
    old = said("Run `npm install`.", "command", "How do I install the dependencies?")
    assert replaced([old], [said("Use `npm ci` instead of `npm install` on the runner.")]) == []
    assert replaced([old], [said("Use `npm ci` instead of `npm install` for dependencies.")])[0][3]


def test_a_file_that_moved_is_no_longer_where_something_is(replaced):
    old = said("`Gate` is in `src/gate.py`.", "file", "Which file defines Gate?")
    assert replaced([old], [said("`src/gate.py` was renamed to `src/net/gate.py`.")]) == [("a", 0, "b", True)]


@pytest.mark.parametrize(
    "now",
    [
        "The mailer moved from port 8080 to 9090.",
        "The gateway moved from port 7070 to 9090.",
        "The gateway logs to port 9090 and 8080.",
    ],
    ids=["of another thing", "from another value", "nothing moved"],
)
def test_what_moved_elsewhere_replaces_nothing(replaced, now):
    assert replaced([said("The gateway accepts callers at 8080.")], [said(now)]) == []


def test_a_command_that_runs_a_part_replaces_nothing(replaced):
    question = "How do I run the tests in this project?"
    whole, part = (
        said(f"Run `{run}`.", "command", question) for run in ("pytest -q", "pytest tests/test_a.py -k one")
    )
    assert replaced([whole], [part]) == [("a", 0, "b", False)]
    assert replaced([part], [whole]) == [("a", 0, "b", True)]


def test_younger_is_what_happened_later_not_what_was_learnt_later(make_card):
    def card(id, port, happened, learnt):
        lesson = replace(said(f"The gateway listens on port {port}."), at=happened)
        return make_card(id=id, lessons=(lesson,), created=learnt)

    newer, older = card("new", 9090, 200.0, 1000.0), card("old", 8080, 100.0, 2000.0)
    (found,) = facts.replaced([newer, older])
    assert (found.older, found.by) == ("old", "new")


def test_a_command_is_replaced_where_it_is_asked_for_in_the_same_words(replaced):
    question = "How do I run the tests in this project?"
    old, new = said("Run `make check`.", "command", question), said("Run `just check`.", "command", question)
    assert replaced([old], [new]) == [("a", 0, "b", True)]
    assert replaced([old], [said("Run `just lint`.", "command", "How do I run the linter?")]) == []


@pytest.mark.parametrize(
    ("question", "then", "now", "outdated"),
    [
        ("How do I install the dependencies?", "npm install", "pnpm install", True),
        ("How do I install the dependencies?", "pip install -e .", "pip install asgiref -q", False),
        ("How do I run pip install in this project?", "pip install sqlparse", "pip install pytz", False),
        ("How do I install pytest?", "pip install pytest", "uv add pytest", True),
        ("How do I install pytest?", "python3 -m pip install pytest", "pip install pytest -q", False),
        ("How do I install the package?", "pip install -e .", "pip install -e . -q", False),
        ("How do I run the linter?", "bun run lint", 'bun run lint 2>&1 | tail -5; echo "Exit: $?"', False),
        ("How do I test the fix?", "python test_serializer.py", "python test_signature.py", False),
        ("How do I test it?", "python test_a.py", "python test_b.py", False),
        ("How do I deploy it in this project?", "make deploy", "just deploy", False),
        ("How do I deploy this project?", "make deploy", "just deploy", True),
        ("How do I deploy to staging?", "python deploy.py", "python release.py", True),
    ],
)
def test_commands_for_one_thing_are_told_from_those_for_another(replaced, question, then, now, outdated):
    old, new = (said(f"Run `{run}`.", "command", question) for run in (then, now))
    assert any(one[3] for one in replaced([old], [new])) is outdated


@pytest.mark.parametrize("kind", sorted(facts.HISTORY))
def test_history_is_not_replaced(replaced, kind):
    assert (
        replaced(
            [said("The port of the gateway is 80.", kind)], [said("The port of the gateway is 90.", kind)]
        )
        == []
    )


def test_the_youngest_replaces_all_before_it_and_what_is_retired_takes_no_part(replaced):
    three = [[said(f"The gateway listens on port {port}.")] for port in (80, 90, 99)]
    assert replaced(*three) == [("a", 0, "c", True), ("b", 0, "c", True)]
    assert replaced(*three, a=frozenset({0})) == [("b", 0, "c", True)]
    assert replaced(*three, c=frozenset({0})) == [("a", 0, "b", True)]


def test_an_adapter_does_not_replace_its_own_lessons(replaced):
    assert replaced([said("The gateway listens on port 80."), said("The gateway listens on port 90.")]) == []


@pytest.mark.parametrize("marks", ["`...`", "`()`", "`'`", "`?`"])
def test_what_is_marks_alone_is_no_value(replaced, marks):
    told = said(f"The gateway port is passed on by {marks}")
    assert facts.read(told) is None
    assert replaced([told], [said(f"The gateway moved from {marks} to {marks}.")]) == []
    assert replaced([said("The gateway listens on port 8080")], [said(f"{told.answer} on port 9090")]) == []
    later = said(f"The gateway now listens on port 9090 {marks}")
    assert replaced([said("The gateway listens on port 8080.")], [later]) == [("a", 0, "b", True)]


@given(
    st.lists(st.text("ab `./-_:3A,", max_size=40), min_size=2, max_size=4),
    st.sampled_from(["said", "command"]),
)
def test_any_statement_can_be_held_against_any_other(made, kind):
    cards = [
        Stub(str(n), (said(text, kind), said(f"The port of a {text}", "said"))) for n, text in enumerate(made)
    ]
    assert all(one.older != one.by for one in facts.replaced(cards))
