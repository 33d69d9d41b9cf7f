"""A question that waits for the person's answer, as it lies on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import question
from rune.records.question import Question

ASKED = Question("7f3a1c", "/home/me/shop", ("reset", "reviewer"), 1795176000.2)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    question.write(tmp_path, ASKED)
    assert question.read(tmp_path / "7f3a1c.json") == ASKED


@pytest.mark.parametrize(
    "text", ["", "[]", '{"v": 1}', '{"v": 1, "code": "a", "project": "p", "words": "reset", "at": 1}',
             '{"v": 1, "code": "a", "project": "p", "words": [1], "at": 1}',
             '{"v": 1, "code": "a", "project": "p", "words": [], "at": "noon"}'],
)  # fmt: skip
def test_what_is_no_question_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, "utf-8")
    with pytest.raises(FormatError, match=r"x\.json"):
        question.read(path)


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"v": 2, "code": "a", "project": "p", "words": [], "at": 1}', "utf-8")
    with pytest.raises(NewerVersion, match="update Rune"):
        question.read(path)
