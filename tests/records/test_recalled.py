import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import recalled
from rune.records.recalled import Use

USES = [Use(1.0, "s1", "a", 0.7), Use(2.0, "s2", "b", 0.4, answered=False)]


def test_recalls_that_are_written_are_read_back(tmp_path):
    path = tmp_path / "recalls.jsonl"
    for use in USES:
        recalled.append(path, use)
    assert list(recalled.read(path)) == USES
    assert list(recalled.read(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ('{"v":2,"at":1,"session":"s","adapter":"a"}', NewerVersion, "version 2; this Rune knows 1"),
        ('{"v":1,"at":1,"session":"s"}', FormatError, "recalls.jsonl:1: no at, session or adapter"),
        ('{"v":1,"at":"noon","session":"s","adapter":"a"}', FormatError, "no at, session or adapter"),
        (f'{{"v":1,"at":1{"0" * 400},"session":"s","adapter":"a"}}', FormatError, "recalls.jsonl:1: no at"),
        (f'{{"v":1,"at":1,"score":{"9" * 400},"session":"s","adapter":"a"}}', FormatError, "jsonl:1: no at"),
        ('{"v":1,"at":NaN,"session":"s","adapter":"a"}', FormatError, "recalls.jsonl:1: no at"),
        ('{"v":1,"at":1,"session":null,"adapter":"a"}', FormatError, "recalls.jsonl:1: no at"),
    ],
)
def test_what_is_no_recall_is_refused_with_its_line(tmp_path, line, error, said):
    (tmp_path / "recalls.jsonl").write_text(line + "\n")
    with pytest.raises(error, match=said):
        list(recalled.read(tmp_path / "recalls.jsonl"))


def test_what_a_session_asked_is_taken_out_whatever_else_is_damaged(tmp_path):
    path = tmp_path / "recalls.jsonl"
    others = b'{"v":1,"session":"s2"}\n{"v": 1, "at": 2, "session": "s2", "adapter": "a"}\n{"v":1,"at"\n'
    path.write_bytes(b'{"v":1,"at":NaN,"session":"s1"}\n' + others + b'{"v":1,"at":3,"session":"s1","ad')
    recalled.forget(path, "s1")
    assert path.read_bytes() == others
    path.write_bytes(others + b'{"v":2,"session":"s2"}\n{"v":1,"session":"s1"}\n')
    before = path.read_bytes()
    with pytest.raises(NewerVersion):
        recalled.forget(path, "s1")
    assert path.read_bytes() == before
