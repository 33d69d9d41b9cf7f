import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import FormatError, NewerVersion
from rune.records import api_key
from rune.records.api_key import ApiKey


@pytest.fixture
def path(tmp_path):
    return tmp_path / "api-keys.json"


def test_before_the_first_use_there_is_no_key(path):
    assert api_key.read(path) == ()


def test_a_key_is_made_once_for_each_project_and_read_back(path):
    shop, none = api_key.ensure(path, "/shop", 1.0), api_key.ensure(path, "", 2.0)
    assert api_key.ensure(path, "/shop", 3.0) == shop
    assert api_key.read(path) == (shop, none)
    assert shop.key != none.key
    assert len(shop.key) > 40


def test_the_file_is_for_its_owners_eyes_only_and_refused_where_it_is_not(path):
    api_key.ensure(path, "", 1.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(FormatError, match="others can read the keys"):
        api_key.read(path)


def test_a_new_key_leaves_the_old_one_without_effect_and_others_alone(path):
    old, other = api_key.ensure(path, "/shop", 1.0), api_key.ensure(path, "/blog", 1.0)
    new = api_key.rotate(path, "/shop", 2.0)
    keys = api_key.read(path)
    assert api_key.known(keys, old.key) is None
    assert api_key.known(keys, new.key) == new
    assert api_key.known(keys, other.key) == other


def test_many_who_need_the_first_key_at_once_get_the_same(path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: api_key.ensure(path, "/shop", 1.0), range(16)))
    assert len(set(made)) == 1


@given(st.text())
def test_nothing_else_is_a_key(given):
    keys = (ApiKey("rune-" + "x" * 40),)
    assert api_key.known(keys, given) is None
    assert api_key.known(keys, keys[0].key) == keys[0]


def test_its_name_gives_the_key_away_to_nobody():
    one = ApiKey("rune-" + "x" * 40)
    assert one.name not in one.key
    assert len(one.name) == 8


@pytest.mark.parametrize(
    "said",
    [
        "", "[]", "3", "null", "[" * 100_000, '{"v": 1}', '{"v": 1, "keys": 3}', '{"v": 1, "keys": [3]}',
        '{"v": 1, "keys": [{"key": "short", "project": "", "created": 1}]}',
        json.dumps({"v": 1, "keys": [{"key": "k" * 40, "project": 3, "created": 1}]}),
    ],
)  # fmt: skip
def test_what_is_no_file_of_keys_is_refused_and_left(path, said):
    path.write_text(said)
    path.chmod(0o600)
    with pytest.raises(FormatError):
        api_key.ensure(path, "", 1.0)
    assert path.read_text() == said


def test_a_newer_file_is_refused(path):
    path.write_text('{"v": 2, "keys": []}')
    path.chmod(0o600)
    with pytest.raises(NewerVersion, match="update rune-memory"):
        api_key.read(path)
