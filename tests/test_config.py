import dataclasses
import json
import math

import pytest

from rune import config
from rune.config import Config
from rune.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return config.load(path)

    return load


def test_a_missing_file_means_the_defaults(tmp_path):
    assert config.load(tmp_path / "config.toml") == Config()


def test_what_is_given_is_taken_and_the_rest_stays(load):
    found = load(
        '[distil]\nrank = 4\nlearning_rate = 1\ntargets = ["q_proj"]\n[model]\nbase = "/models/mine"\n'
    )
    assert (found.distil.rank, found.distil.learning_rate, found.distil.targets) == (4, 1.0, ("q_proj",))
    assert found.model.base == "/models/mine"
    assert found.recall == Config().recall


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[distill]\nrank = 4", "did you mean distil?"),
        ("[distil]\nranks = 4", "distil.ranks is no setting of Rune; did you mean rank?"),
        ("[distil]\nzzz = 4", "known: rank, alpha"),
        ("rank = 4", "[rank] is no table of Rune"),
        ('[distil]\nrank = "four"', "distil.rank: expected a whole number, found 'four'"),
        ("[distil]\nrank = true", "distil.rank: expected a whole number, found True"),
        ("[recall]\nfloor = true", "recall.floor: expected a number, found True"),
        ("[distil]\ntargets = [1, 2]", "distil.targets: expected a list of strings, found [1, 2]"),
        ("[distil", "config.toml: "),
        ("[evolution]\nhalf_life_days = 0", "evolution.half_life_days: expected a number above 0, found 0"),
        ("[evolution]\nhalf_life_days = -1.5", "expected a number of at least 0, found -1.5"),
        (
            "[evolution]\nbudget_mb = nan",
            "evolution.budget_mb: expected a number of at least 0, found nan",
        ),
        ("[engine]\nqueue = -1", "engine.queue: expected a number of at least 0, found -1"),
        ("[recall]\nfloor = -2", "recall.floor: expected a number of at least -1, found -2"),
        ("[recall]\nfloor = nan", "recall.floor: expected a number of at least -1, found nan"),
        ('[evolution]\nmerge = "None"', "expected one of none, cat, linear, svd, ties, dare, found 'None'"),
        ('[daemon]\nlearner = "within process"', "expected one of auto, apart, within"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_valid_name(load, text, said):
    with pytest.raises(ConfigError) as raised:
        load(text)
    assert said in str(raised.value)


def test_what_means_never_or_none_is_taken(load):
    found = load(f"[evolution]\nidle_days = inf\n[recall]\nfloor = -1\n[engine]\nqueue = {10**400}")
    assert (found.evolution.idle_days, found.recall.floor) == (math.inf, -1.0)
    assert load("[distil]\nseed = -7").distil.seed == -7


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        config.load(tmp_path / "config.toml")


def test_every_setting_can_be_written_down_and_read_back(load):
    lines = []
    for part in dataclasses.fields(Config):
        default = getattr(Config(), part.name)
        lines.append(f"[{part.name}]")
        for field in dataclasses.fields(default):
            lines.append(f"{field.name} = {json.dumps(getattr(default, field.name))}")
    assert load("\n".join(lines)) == Config()


def test_configuration_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().distil.rank = 4
