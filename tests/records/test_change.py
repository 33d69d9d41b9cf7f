import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import change as records


def test_a_change_is_read_as_it_was_written(tmp_path):
    files = (records.Touched("a/MEMORY.md", "ab" * 32, ""), records.Touched("docs/ü.md", "", "cd" * 32))
    made = records.Change(7, 1795176000.25, "prune reviewer", files, undoes=6)
    path = tmp_path / "change.json"
    path.write_bytes(records.dump(made))
    assert records.read(path) == made


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", FormatError, "expected a change"),
        ('{"v": 2}', NewerVersion, "version 2; this Rune knows 1"),
        ('{"v": 1, "files": 3}', FormatError, "files: found 3"),
        ('{"v": 1, "files": [{"path": 1}]}', FormatError, "path: found 1"),
        ('{"v": 1, "files": [], "number": "7"}', FormatError, "number: found '7'"),
    ],
)
def test_a_record_of_another_shape_is_named(tmp_path, text, error, message):
    path = tmp_path / "change.json"
    path.write_text(text)
    with pytest.raises(error, match=message):
        records.read(path)
