"""The secrets corpus: what is planted can be found and missed, and clean texts hold nothing."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from tests.conftest import SHARED_DATA

from rune.bench import secrets
from rune.bench.corpus import look_alikes, planted, session_lines, values
from rune.bench.corpus.planted import Item
from rune.errors import RuneError


def corpus(seed: int = 3, number: int = 400) -> list[Item]:
    return planted.items(random.Random(seed), number)


def test_the_same_seed_makes_the_same_corpus_and_another_seed_another_one() -> None:
    assert corpus(3) == corpus(3)
    assert {item.text for item in corpus(3)} & {item.text for item in corpus(4)} == set()


def test_every_kind_has_its_share_and_each_text_holds_its_secret_once_as_it_is() -> None:
    made = corpus()
    assert {item.kind for item in made} == set(planted.SHARES)
    for item in made:
        assert item.secrets
        assert item.leaked(item.text)
        assert not item.leaked("[redacted:jwt]")


def test_a_piece_of_a_secret_that_is_left_is_a_leak_and_a_type_is_none() -> None:
    item = Item("x", "token=abcdefgh12345678", ("abcdefgh12345678",))
    assert item.leaked("token=abcd[redacted:token]efgh12345678")
    assert not item.leaked("token=[redacted:token]678")
    assert Item("x", "", ("hunter2",)).leaked("try hunter2")
    assert not Item("x", "", ("rubygems_00ff00ff",)).leaked("[redacted:rubygems-key]")


def test_look_alikes_are_distinct_and_those_with_an_at_sign_are_evidence() -> None:
    made = look_alikes.look_alikes(random.Random(5), 500)
    assert len({item.text for item in made}) == 500
    assert all(item.evidence == (item.kind == "evidence with @") for item in made)
    assert not any(item.secrets for item in made)


def test_development_sees_no_held_out_place() -> None:
    hidden, clean = secrets.development(None)
    assert not any(item.unseen for item in (*hidden, *clean))
    assert any(planted.held_out(line) for line in planted.rows(planted.places.PASSWORDS))


def test_rune_takes_out_nearly_every_secret_of_the_corpus_and_touches_nearly_no_clean_text() -> None:
    hidden = corpus(99, 1500)
    clean = look_alikes.look_alikes(random.Random(99), 1500)
    assert sum(map(secrets.found, hidden)) >= 0.98 * len(hidden)
    assert sum(map(secrets.touched, clean)) <= 0.01 * len(clean)


@pytest.mark.parametrize(
    ("text", "evidence", "rejected"),
    [
        ("the api key is abcdefghij0123456789", False, True),
        ("commit 3f786850e387550fdab836ed7e6dc881de23001b", False, False),
        ("password: field must not be empty", False, True),
        ("bearer of bad news", False, True),
        ("postgres://me:pw@db/x", False, True),
        ("ask me@acme.com", True, True),
        ("ask me@acme.com", False, False),
    ],
)
def test_the_seeds_patterns_reject_what_its_rule_says(text: str, evidence: bool, rejected: bool) -> None:
    assert secrets.seed_matches(Item("x", text, evidence=evidence)) is rejected


def test_wilsons_interval_holds_the_rate_and_narrows_with_the_number() -> None:
    few, many = secrets.Count(9, 10).interval(), secrets.Count(900, 1000).interval()
    assert few[0] < many[0] < 0.9 < many[1] < few[1]
    assert secrets.Count(0, 0).row() == {"hits": 0, "of": 0, "rate": 0.0, "interval": (0.0, 1.0)}
    assert secrets.Count(5, 5).interval()[1] == 1.0


def sessions(folder: Path, *lines: str) -> Path:
    with gzip.open(folder / "trajectories.dev.jsonl.gz", "wt") as out:
        out.write(json.dumps({"events": [{"text": "\n".join(lines)}]}) + "\n")
    return folder


def test_a_tempting_line_is_for_development_or_for_the_figures_never_for_both(tmp_path: Path) -> None:
    data = sessions(tmp_path, "plain words", "", *(f"token number {number}" for number in range(40)))
    one, other = (
        {item.text for item in session_lines.tempting(data, 1, 99, development=early)}
        for early in (True, False)
    )
    assert one | other == {f"token number {number}" for number in range(40)}
    assert not one & other


def test_a_line_that_holds_a_credential_is_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sessions(tmp_path, "password='something'", "def f(): pass")
    monkeypatch.setattr(session_lines, "HELD", frozenset((session_lines.digest("password='something'"),)))
    assert session_lines.clean(data) == ["def f(): pass"]


def test_a_folder_without_sessions_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RuneError, match="--data"):
        session_lines.clean(tmp_path)


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the recorded sessions are not here")
def test_lines_of_real_sessions_stay_as_they_are() -> None:
    lines = session_lines.tempting(SHARED_DATA, 5, 2000)
    assert len(lines) == 2000
    assert [item.text for item in lines if secrets.touched(item)] == []


def test_a_hole_is_filled_from_its_alphabet_and_braces_of_code_stay() -> None:
    made = values.fill(random.Random(1), "{h4} {n2-3} {other} {}")
    assert made.endswith(" {other} {}")
    digits, number = made.split()[:2]
    assert set(digits) <= set("0123456789abcdef")
    assert (len(digits), number.isdigit(), len(number) in (2, 3)) == (4, True, True)
