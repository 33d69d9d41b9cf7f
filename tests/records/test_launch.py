import json

import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import launch

ARGV = ("/venv/bin/python", "-P", "-m", "rune")


def test_what_is_written_is_read_again_and_private(tmp_path):
    path = tmp_path / "home" / "launch.json"
    assert launch.write(path, launch.Launch(ARGV))
    assert launch.read(path) == launch.Launch(ARGV)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_same_command_is_not_written_twice(tmp_path):
    path = tmp_path / "launch.json"
    launch.write(path, launch.Launch(ARGV))
    before = path.stat()
    assert not launch.write(path, launch.Launch(ARGV))
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert launch.write(path, launch.Launch(("/other", *ARGV[1:])))


def test_a_newer_file_is_refused(tmp_path):
    path = tmp_path / "launch.json"
    path.write_text('{"v": 2, "argv": ["x"]}')
    with pytest.raises(NewerVersion, match="update"):
        launch.read(path)


@pytest.mark.parametrize(
    "value", ["{", "[]", {"v": 1}, {"v": 1, "argv": []}, {"v": 1, "argv": "x"}, {"v": 1, "argv": [1]}]
)
def test_damage_is_named_with_the_way_out(tmp_path, value):
    path = tmp_path / "launch.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    with pytest.raises(FormatError, match="rune setup"):
        launch.read(path)
