import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import installation


def test_an_installation_gets_its_id_once(tmp_path):
    path = tmp_path / "home" / "installation.json"
    made = installation.ensure(path)
    assert len(made) == 32
    assert installation.ensure(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert installation.ensure(tmp_path / "other" / "installation.json") != made


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("{", FormatError, "remove it"),
        ('{"v": 1}', FormatError, "remove it"),
        ('{"v": 1, "id": ""}', FormatError, "expected 32 hexadecimal digits"),
        ('{"v": 2, "id": ""}', NewerVersion, "this Rune knows 1"),
    ],
)
def test_what_is_no_id_is_refused_and_stays(tmp_path, text, error, said):
    path = tmp_path / "installation.json"
    path.write_text(text)
    with pytest.raises(error, match=said):
        installation.ensure(path)
    assert path.read_text() == text
