from __future__ import annotations

import pytest

from rune import files
from rune.records import general

ANSWERS = {"What is JSON?": "A format.", "Name three fruits.": "Äpfel, pear, plum."}


def test_what_the_base_said_is_there_for_the_next_process(tmp_path):
    path = tmp_path / "general.json"
    assert general.read(path, "b1") == {}
    general.keep(path, "b1", ANSWERS)
    assert general.read(path, "b1") == ANSWERS
    assert general.read(path, "b2") == {}
    general.keep(path, "b2", {})
    assert general.read(path, "b1") == {}


@pytest.mark.parametrize(
    "kept",
    [
        b"", b"[]", b"{}", b"no json", b'{"v": 1, "base": "b1", "answers": []}', b"[" * 100_000, b"\xff",
        b'{"v": 2, "base": "b1", "answers": {"What is JSON?": "x"}}',
    ],
)  # fmt: skip
def test_what_is_damaged_or_of_another_version_is_asked_anew(tmp_path, kept):
    path = tmp_path / "general.json"
    path.write_bytes(kept)
    assert general.read(path, "b1") == {}
    general.keep(path, "b1", ANSWERS)
    assert general.read(path, "b1") == ANSWERS


def test_what_cannot_be_read_is_asked_anew(tmp_path, caplog):
    path = tmp_path / "general.json"
    path.mkdir()
    assert general.read(path, "b1") == {}
    assert "cannot be read" in caplog.text


def test_a_full_disk_costs_no_distillation(tmp_path, monkeypatch, caplog):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replace", full)
    general.keep(tmp_path / "general.json", "b1", ANSWERS)
    assert "No space left" in caplog.text
