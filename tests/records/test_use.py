import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import use as records
from rune.records.use import Reference


def test_references_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "uses.jsonl"
    first, second = Reference(5.0, "s1", ("ab", "cd")), Reference(6.5, "ü", ())
    records.rewrite(path, [first])
    records.append(path, second)
    assert list(records.read(path)) == [first, second]
    assert list(records.read(tmp_path / "missing.jsonl")) == []


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ('{"v": 2}', NewerVersion, "uses.jsonl:1: version 2; this Rune knows 1"),
        ('{"v": 1, "at": "now", "workflow": "s1"}', FormatError, "expected a time and a workflow"),
        (
            '{"v": 1, "at": 1, "workflow": "s1", "echoes": [1]}',
            FormatError,
            r"echoes: expected a list of dig",
        ),
    ],
)
def test_a_line_of_another_shape_is_named(tmp_path, line, error, message):
    path = tmp_path / "uses.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(error, match=message):
        list(records.read(path))
