"""The bench of imports: which sessions are taken, what is asked and counted; the whole with real models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rune import scan, transcripts
from rune.bench import importing
from rune.errors import RuneError
from rune.records.card import Lesson

RECORDED = Path(__file__).parents[1] / "data" / "transcripts" / "recorded"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sub-folders of transcripts of different sizes; the longest is ``b/5.jsonl``."""
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        for number in range(6):
            (tmp_path / place / f"{number}.jsonl").write_text("x" * number * (2 if place == "b" else 1))
    return tmp_path


def chosen(folder: Path, wanted: int) -> list[str]:
    found = importing.choose(transcripts.find([folder]), wanted)
    return [str(path.relative_to(folder)) for path in found]


def lesson(kind: str, number: int = 0, *, keys: tuple[str, ...] = ("x",), probe: bool = True) -> Lesson:
    probes = (f"{kind} {number}, again?",) if probe else ()
    return Lesson(kind, f"{kind} {number} x", (f"{kind} {number}?",), probes, (), keys)


def test_the_longest_comes_first_and_the_others_in_turn_from_each_folder(folder: Path) -> None:
    names = chosen(folder, 5)
    assert names[0] == "b/5.jsonl"
    assert [name[0] for name in names[1:]] == ["a", "b", "a", "b"]
    assert len(set(names)) == 5


def test_the_same_sessions_are_chosen_every_time(folder: Path) -> None:
    assert chosen(folder, 5) == chosen(folder, 5)
    assert chosen(folder, 3) == chosen(folder, 5)[:3]


def test_more_wanted_than_there_is_gives_what_there_is(folder: Path) -> None:
    assert len(chosen(folder, 99)) == 12
    assert chosen(folder, 0) == []


def test_a_subagents_file_is_no_session_of_its_own() -> None:
    (only,) = importing.choose(transcripts.find([RECORDED]), 5)
    assert only.parent == RECORDED


def test_a_folder_without_transcripts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuneError, match="expected transcripts"):
        importing.run(tmp_path)


def test_questions_go_to_a_fix_and_a_cause_first_then_to_other_kinds() -> None:
    found = [lesson("goal"), lesson("repair"), lesson("repair", 1), lesson("file"), lesson("cause")]
    assert [one.kind for one in importing.spread(found, 3)] == ["repair", "cause", "goal"]
    assert [one.kind for one in importing.spread(found, 5)] == ["repair", "cause", "goal", "file", "repair"]


def test_lessons_that_cannot_be_judged_are_not_asked() -> None:
    found = [lesson("repair", keys=()), lesson("cause", probe=False), lesson("file")]
    assert [one.kind for one in importing.spread(found, 3)] == ["file"]


def test_a_fix_chain_counts_when_a_lesson_on_its_cause_or_fix_rests_on_its_failure() -> None:
    found = importing.totals(transcripts.read(RECORDED, scan.scan))
    assert found.sessions == 1
    assert found.chains >= found.taught >= 1
    assert sum(found.lessons.values()) >= found.lessons["repair"] >= 1


def test_recorded_sessions_of_other_people_have_lessons_on_most_fix_chains(shared_data: Path) -> None:
    found = importing.totals(transcripts.read(shared_data / "claude_code", scan.scan))
    assert found.sessions >= 40
    assert found.taught / found.chains > 0.8


@pytest.mark.model
def test_a_transcript_becomes_an_adapter_and_every_answer_is_kept_as_it_came(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "persons-home"
    home.mkdir()
    (home / "models").symlink_to(models)
    monkeypatch.setenv("RUNE_HOME", str(home))
    quick = "max_epochs = 2\nleast_steps = 4\nmax_lessons = 6\nrank = 2"
    (home / "config.toml").write_text(f"[daemon]\nlearner_nice = 0\n[distil]\n{quick}\n")
    folder = Path(shutil.copytree(RECORDED, tmp_path / "past"))
    result = importing.run(folder, 1)
    everything, row = result["rows"]
    assert everything["folder"]["sessions"] == 1
    assert row["adapter"]
    assert row["captured"]["execution"] > 0
    assert 1 <= len(row["questions"]) <= importing.QUESTIONS
    assert all(question["answer"] or question["abstained"] for question in row["questions"])
    assert result["summary"]["sessions"] == 1
    assert result["summary"]["questions_asked"] == len(row["questions"])
    assert result["summary"]["peak_mb_max"] > 0
    assert sorted(path.name for path in home.iterdir()) == ["config.toml", "models"]
