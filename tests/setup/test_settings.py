import dataclasses

import pytest

from rune import config
from rune.config import ModelConfig
from rune.errors import ConfigError
from rune.setup import settings

OTHER = ModelConfig(base='/models/a "b"', precision="bfloat16")


def test_the_defaults_need_no_file(tmp_path):
    path = tmp_path / "config.toml"
    assert not settings.choose(path, ModelConfig(), ModelConfig())
    assert not path.exists()


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# mine\n[recall]\nfloor = 0.4 # strict\n",
        '[model] # which\nbase = "x" # old\nthreads = 2\n\n[daemon]\ntick_seconds = 1.0\n',
        '[daemon]\ntick_seconds = 1.0\n[model]\nprecision = "float32"',
    ],
)
def test_a_choice_is_written_and_everything_else_stays(tmp_path, before):
    path = tmp_path / "config.toml"
    path.write_text(before)
    now = config.load(path)
    assert settings.choose(path, now.model, dataclasses.replace(OTHER, threads=now.model.threads))
    after = config.load(path)
    assert (after.model.base, after.model.precision) == (OTHER.base, "bfloat16")
    assert dataclasses.replace(after, model=now.model) == now
    assert all(
        line in path.read_text() for line in before.splitlines() if "base" not in line and "prec" not in line
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_writing_the_same_choice_again_changes_nothing(tmp_path):
    path = tmp_path / "config.toml"
    settings.choose(path, ModelConfig(), OTHER)
    assert not settings.choose(path, config.load(path).model, OTHER)


@pytest.mark.parametrize("before", ['model = {base = "x"}\n', 'model.base = "x"\n'])
def test_a_file_written_in_another_way_is_left_to_its_owner(tmp_path, before):
    path = tmp_path / "config.toml"
    path.write_text(before)
    with pytest.raises(ConfigError, match="by hand"):
        settings.choose(path, config.load(path).model, OTHER)
    assert path.read_text() == before
