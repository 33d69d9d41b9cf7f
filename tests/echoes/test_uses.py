import subprocess
import sys
import textwrap
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes.score import Use
from rune.echoes.uses import COMPACT_AFTER, RECENT, Uses, condensed, count
from rune.records import use as records
from rune.records.use import Reference

DAY = 86400.0
TODAY = date(2026, 11, 20)


@pytest.fixture
def uses(echoes, clock):
    return Uses(echoes.uses, clock)


def test_nothing_was_of_use_yet(uses):
    assert (uses.read(), uses.unused()) == ({}, Use())


def test_what_was_recalled_is_counted_once_a_workflow_whatever_the_number_of_times(uses):
    uses.note("s1", ["a", "b"])
    uses.note("s1", ["a"])
    uses.note("s2", ["a"])
    uses.note("s3")
    assert uses.read() == {"a": Use(2, 3, TODAY), "b": Use(1, 3, TODAY)}
    assert uses.unused() == Use(0, 3), "what was never given was left out of as many"


def test_the_last_day_of_use_is_known_however_long_ago(uses, clock):
    uses.note("s1", ["a"])
    clock.advance(200 * DAY)
    for number in range(RECENT):
        uses.note(f"later-{number}", ["b"] if number else [])
    assert uses.read() == {"a": Use(0, RECENT, TODAY), "b": Use(RECENT - 1, RECENT, date(2027, 6, 8))}


REFERENCES = st.lists(
    st.builds(
        Reference,
        st.floats(0, 1e9).map(round).map(float),
        st.integers(0, 3 * RECENT).map("s{}".format),
        st.lists(st.sampled_from("abcdef"), unique=True, max_size=3).map(tuple),
    ),
    max_size=120,
)


@given(past=REFERENCES)
def test_a_shorter_file_counts_the_same(past):
    short = condensed(past)
    assert count(short) == count(past)
    assert condensed(short) == short
    assert len(short) <= len(past) or not past


@given(past=REFERENCES, more=REFERENCES)
def test_and_goes_on_counting_the_same(past, more):
    later = [Reference(r.at + 1e9, r.workflow, r.echoes) for r in more]
    assert count([*condensed(past), *later]) == count([*past, *later])


def test_the_file_is_rewritten_only_when_it_pays(uses):
    uses.note("s1", ["a"])
    assert not uses.compact()
    lines = (Reference(float(n), f"s{n % 5}", ("a",)) for n in range(COMPACT_AFTER + 200))
    records.rewrite(uses.path, lines)
    before = uses.read()
    assert uses.compact()
    assert uses.read() == before
    assert len(uses.path.read_text().splitlines()) == 5


def test_writers_lose_nothing_while_the_file_is_made_shorter(uses):
    records.rewrite(uses.path, (Reference(float(n), f"s{n % 5}", ("a",)) for n in range(3 * COMPACT_AFTER)))
    code = f"""
        import sys
        from pathlib import Path
        from rune.echoes.uses import Uses
        uses = Uses(Path({str(uses.path)!r}), lambda: 1e9)
        for number in range(10):
            uses.note("s" + sys.argv[1], [f"{{sys.argv[1]}}-{{number}}"])
    """
    writers = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(n)]) for n in range(8)]
    while any(writer.poll() is None for writer in writers):
        uses.compact()
    assert [writer.returncode for writer in writers] == [0] * 8
    assert set(uses.read()) == {"a", *(f"{writer}-{n}" for writer in range(8) for n in range(10))}


def test_a_torn_last_line_of_a_dead_process_is_passed_over(uses):
    uses.note("s1", ["a"])
    with uses.path.open("a") as file:
        file.write('{"v": 1, "at"')
    uses.note("s2", ["a"])
    assert uses.read()["a"].references == 2
