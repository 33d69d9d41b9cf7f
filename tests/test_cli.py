"""The command line says what went wrong in one line, and fails."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rune import cli


@pytest.fixture
def rune(tmp_path, monkeypatch):
    """``rune(home, "daemon", "start")`` runs a command with that home."""

    def run(home: Path, *words: str) -> Result:
        monkeypatch.setenv("RUNE_HOME", str(home))
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(cli.main, words)

    return run


def test_a_daemon_that_cannot_start_says_why(rune, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("[distill]\n")
    result = rune(tmp_path / "home", "daemon", "start")
    assert result.exit_code == 1
    assert "ended at once" in result.output
    assert "did you mean distil?" in result.output


@pytest.mark.parametrize("words", [("daemon", "start"), ("doctor",), ("recall", "x")])
def test_a_home_that_is_no_folder_is_named_without_a_traceback(rune, tmp_path, words):
    (tmp_path / "home").write_text("")
    result = rune(tmp_path / "home", *words)
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert str(tmp_path / "home") in result.output
    assert "Traceback" not in result.output


def test_where_nothing_has_run_there_are_no_logs_and_that_is_said(rune, tmp_path):
    result = rune(tmp_path / "home", "logs")
    assert result.exit_code == 0
    assert "no daemon has run yet" in result.output


@pytest.mark.parametrize(
    "words", [("recall", "x", "--limit", "-5"), ("logs", "-n", "0"), ("import", "--limit", "0")]
)
def test_a_count_below_one_is_refused(rune, tmp_path, words):
    result = rune(tmp_path / "home", *words)
    assert result.exit_code == 2
    assert "is not in the range x>=1" in result.output


@pytest.mark.parametrize("query", ["", "  ", "\n"])
def test_a_question_without_words_is_refused(rune, tmp_path, query):
    result = rune(tmp_path / "home", "recall", query)
    assert result.exit_code == 2
    assert "the question is empty: ask one" in result.output
    assert not (tmp_path / "home").exists(), "no daemon is started for it"
