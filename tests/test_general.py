from __future__ import annotations

import json

import pytest

from rune import files
from rune.records import general

QUESTIONS = ["What is JSON?", "Name three fruits."]


class Asked:
    """A base that counts how often it is asked."""

    def __init__(self, *answers):
        self.answers, self.times = list(answers), 0

    def __call__(self):
        self.times += 1
        return self.answers


def test_the_base_is_asked_once_for_all_processes(tmp_path):
    path, base = tmp_path / "general.json", Asked("A format.", "Apple, pear, plum.")
    first = general.ensure(path, "b1", QUESTIONS, base)
    assert general.ensure(path, "b1", QUESTIONS[::-1], base) == first[::-1]
    assert base.times == 1


@pytest.mark.parametrize(
    "kept",
    [
        b"", b"[]", b"{}", b"no json", b'{"v": 1, "base": "b1", "answers": []}', b"[" * 100_000,
        b'{"v": 2, "base": "b1", "answers": {"What is JSON?": "x", "Name three fruits.": "y"}}',
        b'{"v": 1, "base": "b2", "answers": {"What is JSON?": "x", "Name three fruits.": "y"}}',
        b'{"v": 1, "base": "b1", "answers": {"What is JSON?": "x"}}',
    ],
)  # fmt: skip
def test_what_is_damaged_or_of_another_base_or_not_all_is_asked_anew(tmp_path, kept):
    path, base = tmp_path / "general.json", Asked("A format.", "Apple.")
    path.write_bytes(kept)
    assert general.ensure(path, "b1", QUESTIONS, base) == ["A format.", "Apple."]
    assert json.loads(path.read_bytes())["answers"] == {"What is JSON?": "A format.", "Name three fruits.": "Apple."}


def test_a_full_disk_costs_no_distillation(tmp_path, monkeypatch, caplog):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replace", full)
    told = general.ensure(tmp_path / "general.json", "b1", QUESTIONS, Asked("A format.", "Apple."))
    assert told == ["A format.", "Apple."]
    assert "No space left" in caplog.text


def test_without_a_file_the_base_is_asked_every_time():
    base = Asked("A format.", "Apple.")
    for _ in range(2):
        general.ensure(None, "b1", QUESTIONS, base)
    assert base.times == 2
