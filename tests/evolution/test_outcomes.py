import pytest

from rune.config import EvolutionConfig
from rune.evolution import outcomes
from rune.records.recalled import Use
from rune.records.trajectory import Execution

CONFIG = EvolutionConfig(window_seconds=100.0)


def run(at, ok, command="pytest -q", text=""):
    return Execution(f"e{at}", float(at), "Bash", command, text, ok)


def judge(events, *uses):
    return outcomes.judge([Use(float(at), "s1", adapter) for at, adapter in uses], events, CONFIG)


def test_a_run_that_passes_after_a_recall_where_it_failed_before_counts_for_the_adapter():
    (found,) = judge([run(1, False), run(9, True)], (5, "a"))
    assert (found.adapter, found.event) == ("a", "e1")
    assert (found.outcome.session, found.outcome.recalled) == ("s1", 5.0)
    assert (found.outcome.passed, found.outcome.share) == (True, 1.0)


def test_the_later_it_passes_the_less_it_counts_and_too_late_counts_against():
    failing = [run(n, False) for n in (1, 6, 7, 8)]
    (second,) = judge([*failing[:2], run(9, True)], (5, "a"))
    assert (second.outcome.passed, second.outcome.share) == (True, 0.5)
    (never,) = judge([*failing, run(9, True)], (5, "a"))
    assert (never.outcome.passed, never.outcome.share) == (False, 1.0)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [run(1, True), run(9, True)],
        [run(1, False)],
        [run(1, False), run(9, True, "ruff check")],
        [run(1, False), run(2, True), run(9, True)],
        [run(1, False), run(200, True)],
        [run(1, False, "cat notes.txt"), run(9, True, "cat notes.txt")],
        [run(1, False, "npm -w api test"), run(9, True, "npm -w web test")],
    ],
    ids=[
        "nothing was run", "nothing had failed", "not run again", "another kind of run", "mended before",
        "out of the window", "looking around is no run", "another package",
    ],
)  # fmt: skip
def test_where_nothing_can_be_told_there_is_no_outcome(events):
    assert judge(events, (5, "a")) == []


def test_what_passed_elsewhere_before_the_recall_has_mended_nothing():
    api, web = "npm -w api test", "npm -w web test"
    story = [run(1, False, api), run(2, True, web), run(9, True, api)]
    (found,) = judge(story, (5, "a"))
    assert (found.event, found.outcome.passed) == ("e1", True)


BOTH = "ruff check . && pytest -q"


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        (run(1, False, BOTH, "All checks passed!\n1 failed in 2s"), run(9, True, "ruff check ."), None),
        (run(1, False, BOTH, "All checks passed!\n1 failed in 2s"), run(9, True), True),
        (run(1, False), run(9, False, "pytest -q && ruff check .", "3 passed in 1s\nFound 1 error."), True),
        (run(1, False), run(9, False, "ruff check . ; pytest -q", "Found 1 error.\n1 failed in 2s"), False),
        (run(1, False), run(9, True, "pytest -q | tail -3", "1 failed, 2 passed in 2s"), False),
        (run(1, True, "pytest -q | tail -3", "1 failed in 2s"), run(9, True), True),
        (run(1, False), run(9, True, "git commit -m 'pytest passes'"), None),
    ],
    ids=[
        "the other run of the line failed", "this one failed", "passed, and what came after it did not",
        "failed once more in a line", "a pipe hides that it failed", "a pipe hid that it had failed",
        "a runner's name in a message",
    ],
)  # fmt: skip
def test_each_run_of_a_line_counts_by_itself(before, after, passed):
    found = judge([before, after], (5, "a"))
    assert [one.outcome.passed for one in found] == ([] if passed is None else [passed])


def test_a_run_counts_for_the_folder_that_the_shell_was_in():
    story = [run(1, False, "cd /srv/api && npm test"), run(9, True, "cd /srv/web && npm test")]
    assert judge(story, (5, "a")) == []
    (found,) = judge([*story, run(10, True, "cd /srv/api && npm test")], (5, "a"))
    assert (found.event, found.outcome.passed, found.outcome.share) == ("e1", True, 1.0)


def test_what_was_withheld_is_not_judged():
    use = Use(5.0, "s1", "a", answered=False)
    assert outcomes.judge([use], [run(1, False), run(9, True)], CONFIG) == []


def test_adapters_that_were_asked_about_one_failure_share_it():
    found = judge([run(1, False), run(9, True)], (4, "a"), (5, "b"))
    assert [(one.adapter, one.outcome.share) for one in found] == [("a", 0.5), ("b", 0.5)]


def test_an_adapter_asked_twice_about_one_failure_is_judged_once():
    (found,) = judge([run(1, False), run(9, True)], (4, "a"), (5, "a"))
    assert (found.outcome.recalled, found.outcome.share) == (5.0, 1.0)


def test_of_two_failures_the_later_one_that_was_run_again_decides():
    events = [run(1, False), run(2, False, "ruff check"), run(9, True), run(10, False, "ruff check")]
    (found,) = judge(events, (5, "a"))
    assert (found.event, found.outcome.passed) == ("e2", False)


def test_two_failures_of_one_line_are_two():
    line = run(1, False, "pytest -q ; ruff check .", "1 failed in 2s\nFound 1 error.")
    later = [run(6, True, "ruff check ."), run(9, True)]
    found = judge([line, *later], (5, "a"), (7, "b"))
    assert {(one.adapter, one.outcome.share) for one in found} == {("a", 1.0), ("b", 1.0)}
    assert {one.command for one in found} == {"ruff check .", "pytest -q"}


def test_what_is_judged_again_is_said_where_it_is_another_thing_and_void_where_it_is_nothing():
    (early,) = judge([run(1, False), run(6, False)], (5, "a"))
    late = judge([run(1, False), run(6, False), run(9, True)], (5, "a"), (5.5, "b"))
    new = outcomes.news(late, [early])
    assert [(one.adapter, one.outcome.passed, one.outcome.share) for one in new] == [
        ("a", True, 0.25), ("b", True, 0.25),
    ]  # fmt: skip
    assert outcomes.news(late, late) == []
    (again,) = judge([run(1, False), run(6, False), run(9, True)], (5, "a"), (5.5, "a"))
    void = outcomes.news([again], [early, again])
    assert [(one.outcome.recalled, one.outcome.share) for one in void] == [(5.0, 0.0)]
    assert outcomes.news([again], [*void, again]) == []
