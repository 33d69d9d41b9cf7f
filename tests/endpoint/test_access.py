import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.endpoint import access
from rune.endpoint.problems import Problem
from rune.records.api_key import ApiKey

KEY = ApiKey("rune-" + "k" * 43, "/shop")
OTHER = ApiKey("rune-" + "o" * 43)
GOOD = {"host": "127.0.0.1:7863", "authorization": f"Bearer {KEY.key}"}


def refused(**changes: str | None) -> Problem:
    headers = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(Problem) as found:
        access.let_in(headers, 7863, [OTHER, KEY])
    return found.value


@pytest.mark.parametrize("host", ["127.0.0.1:7863", "localhost:7863", "LocalHost:7863", "[::1]:7863"])
def test_who_calls_loopback_by_name_with_a_key_is_let_in(host):
    assert access.let_in({**GOOD, "host": host}, 7863, [OTHER, KEY]) == KEY


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:7863", "127.0.0.1", "127.0.0.1:80", "localhost.:7863",
     "127.0.0.1:7863.evil.example", "localhost:7863@evil.example", "127.0.0.1:07863", "0.0.0.0:7863"],
)  # fmt: skip
def test_a_name_that_was_bound_anew_to_loopback_is_refused_whatever_the_key(host):
    problem = refused(host=host)
    assert (problem.status, problem.code) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    "origin", ["null", "", "https://evil.example", "http://localhost", "http://localhost:3000",
               "https://127.0.0.1:7863", "http://127.0.0.1:7863.evil.example"],
)  # fmt: skip
def test_a_page_of_somebody_else_is_refused_whatever_the_key(origin):
    problem = refused(origin=origin)
    assert (problem.status, problem.code) == (403, "origin_not_allowed")


def test_our_own_origin_is_no_stranger():
    assert access.let_in({**GOOD, "origin": "http://localhost:7863"}, 7863, [KEY]) == KEY


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic abc", KEY.key])
def test_without_a_key_it_says_where_to_get_one(given):
    problem = refused(authorization=given)
    assert (problem.status, problem.code) == (401, "missing_api_key")
    assert problem.headers == {"WWW-Authenticate": "Bearer"}
    assert "rune serve" in str(problem)


@given(st.text())
def test_any_other_key_is_refused_and_not_repeated(given):
    problem = refused(authorization=f"Bearer x{given}")
    assert problem.status == 401
    assert problem.body["error"]["message"] == str(refused(authorization="Bearer x"))


def test_how_bearer_is_written_does_not_matter():
    assert access.let_in({**GOOD, "authorization": f"bearer  {KEY.key} "}, 7863, [KEY]) == KEY
