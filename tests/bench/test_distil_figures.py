"""The bench of distillation: from pieces to figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rune.bench.distil import figures, first, growth, served, stages
from rune.bench.distil.scene import Scene, lot
from rune.bench.distil.work import Work
from rune.errors import FormatError, RuneError
from rune.records.trajectory import Trajectory


def answered(adapter: bool, set: str = "fact", literal: bool = True, sort: str = "file", **arms: bool) -> Any:
    return {
        "set": set, "kind": "said", "sort": sort, "literal": literal, "headline": set != "open",
        "covered": True, "question": "q", "keys": ["k"], "answers": {"adapter": "a"},
        "right": {"adapter": adapter, **arms},
    }  # fmt: skip


def trained(session: str, lessons: int = 4, seconds: float = 20.0) -> dict[str, Any]:
    return {
        "session": session, "lessons": lessons, "seconds": seconds, "bytes": 5_000_000, "peak_mb": 900.0,
        "adapter": "a" * 16, "probes_after": {"neutral_kl": 0.1, "unrelated": 0.5, "composed": None},
    }  # fmt: skip


def answers(session: str, *found: Any) -> dict[str, Any]:
    probes = [{**probe, "rag_tokens": 240} for probe in found]
    return {"session": session, "adapter": "a" * 16, "seconds": 3.0, "seconds_by_arm": {}, "probes": probes}


def recall(kind: str, answer: str, right: bool, found: str = "s1", set: str = "fact") -> dict[str, Any]:
    return {"kind": kind, "set": set, "session": "s1", "question": "q", "answer": answer, "right": right,
            "found": found, "answer_tokens": 10, "result_tokens": 90, "seconds": 0.5}  # fmt: skip


@pytest.fixture
def scene(tmp_path, events) -> Scene:
    pasts = tuple(Trajectory(name, "/p", "import", 0.0, events) for name in ("s1", "s2", "s3"))
    return Scene(Work(tmp_path), "development", pasts[:2], pasts[2:], (), ())


def test_headline_recall_counts_facts_and_templates_alone():
    made = figures.recalls([
        answered(True, base=False), answered(False, "template", literal=False, sort="word", base=True),
        answered(False, "open"), answered(True, sort="hash", base=False),
    ])  # fmt: skip
    assert made["heldout_recall"] == 0.6667
    assert made["base_recall"] == 0.3333
    assert (made["fact_recall"], made["template_recall"], made["open_recall"]) == (1.0, 0.0, 0.0)
    assert (made["literal_recall"], made["word_recall"], made["hash_recall"]) == (1.0, 0.0, 1.0)
    assert made["open_coverage"] == 1.0
    assert made["heldout_recall_low"] == figures.wilson(2, 3)


def test_what_was_not_asked_has_no_share():
    assert figures.recalls([])["heldout_recall"] is None
    assert figures.right([answered(True)], "rag") is None


def test_the_interval_of_a_share_lies_below_it():
    assert figures.wilson(320, 400) == pytest.approx(0.758, abs=1e-3)
    assert figures.wilson(10, 10) < 1.0


def test_seconds_that_grow_with_the_square_have_exponent_two():
    assert figures.exponent([5, 20, 80], [1, 16, 256]) == 2.0
    assert figures.exponent([5], [1]) is None


def test_an_answer_to_what_no_session_is_about_is_a_wrong_one():
    made = served.summary([
        recall("probe", "8080", True), recall("probe", "80", False, set="template"),
        recall("probe", "", False, found=""),
        recall("general", "Paris.", False), recall("elsewhere", "", False, found=""),
    ])  # fmt: skip
    assert (made["served_recall"], made["served_answered"]) == (0.333, 0.667)
    assert (made["precision"], made["precision_on_probes"]) == (0.333, 0.5)
    assert made["abstain_unrelated"] == 0.5
    assert (made["served_fact_recall"], made["served_fact_answered"]) == (0.5, 0.5)
    assert (made["served_fact_precision"], made["served_template_precision"]) == (1.0, 0.0)
    assert (made["answer_tokens"], made["result_tokens"], made["served_seconds"]) == (10.0, 90.0, 0.5)


def naive(session: str, slow: float, fast: float, lessons: int, *right: bool) -> dict[str, Any]:
    return {"session": session, "naive_seconds": slow, "our_seconds": fast, "lessons": lessons,
            "right": list(right), "threads": 2}  # fmt: skip


def test_naive_is_held_against_our_own_seconds_and_answers_to_the_same_sessions():
    rows = [naive("s1", 90.0, 30.0, 4, True, False), naive("s2", 60.0, 20.0, 6, False, False)]
    asked = [answered(False, adapter_short=True), answered(False, "open", adapter_short=True)]
    asked = [{**one, "session": "s1"} for one in asked] + [{**asked[0], "session": "s9"}]
    made = figures.rivals(rows, [*asked, {**answered(False, adapter_short=False), "session": "s2"}])
    assert (made["speedup_over_naive"], made["naive_recall"], made["naive_sessions"]) == (3.0, 0.25, 2)
    assert (made["seconds_per_lesson"], made["naive_threads"], made["recall_beside_naive"]) == (5.0, 2, 0.5)
    assert figures.rivals([], [])["speedup_over_naive"] is None


def test_few_epochs_are_held_against_the_naive_way_with_their_probes_and_without():
    rows = [
        {"naive_seconds": 90.0, "our_seconds": 40.0, "our_steps_seconds": 20.0, "lessons": 4,
         "epochs": 3, "threads": 2,
         "naive_right": [True, False], "our_right": [True, True]},
        {"naive_seconds": 30.0, "our_seconds": 20.0, "our_steps_seconds": 10.0, "lessons": 2,
         "epochs": 3, "threads": 2,
         "naive_right": [False, False], "our_right": [False, True]},
    ]  # fmt: skip
    made = figures.at_equal(rows)
    assert (made["equal_sessions"], made["equal_epochs"]) == (2, 3)
    assert (made["equal_recall"], made["equal_naive_recall"], made["equal_threads"]) == (0.75, 0.25, 2)
    assert made["equal_naive_recall_high"] < 1.0
    assert (made["equal_speedup"], made["equal_steps_speedup"]) == (2.0, 4.0)
    assert made["equal_seconds_per_lesson"] == 10.0
    assert set(figures.at_equal([]).values()) == {None}


def test_a_result_can_be_made_of_nothing_yet(scene):
    made = figures.result(scene)
    assert (made["summary"]["sessions"], made["summary"]["adapters"], made["summary"]["probes"]) == (0, 0, 0)
    assert made["summary"]["heldout_recall"] is None
    assert len(made["probes_sha256"]) == 64


def test_a_step_is_held_against_nothing_until_ours_was_measured():
    other = {"row": "step", "precision": "bfloat16", "ours": False, "seconds": {"packed": 5.0}}
    assert figures.ratios([other]) == []
    assert figures.quicker([other])["step_bfloat16_ratio"] is None


def test_a_result_is_made_of_what_is_there_and_says_how_much(scene):
    work = scene.work
    work.kept("train", "s1", lambda: trained("s1", 4, 20.0))
    work.kept("train", "s3", lambda: trained("s3", 9, 99.0))
    work.kept("answers", "s1", lambda: answers("s1", answered(True, rag=False)))
    step = {"row": "step", "precision": "float32", "ours": True, "seconds": {"packed": 2.0, "padded": 3.0}}
    other = {"row": "step", "precision": "bfloat16", "ours": False, "seconds": {"packed": 5.0}}
    work.kept("small", "float32", lambda: step)
    work.kept("small", "bfloat16", lambda: other)
    for size in growth.SIZES:
        work.kept("growth", str(size), lambda size=size: {"lessons": size, "seconds": 2.0 * size})
    made = figures.result(scene)
    expected = {
        "sessions": 1, "adapters": 2, "probes": 1, "heldout_recall": 1.0, "rag_recall": 0.0,
        "rag_tokens": 240.0, "lessons": 4, "neutral_kl": 0.1, "growth_exponent": 1.0,
        "receipt_unrelated": 0.5, "receipt_composed": None,
        "adapter_bytes": 5_000_000, "step_padded_ratio": 1.5, "step_masked_ratio": None,
        "step_float32_ratio": 1.0, "step_bfloat16_ratio": 2.5,
    }  # fmt: skip
    assert expected.items() <= made["summary"].items()
    assert all(isinstance(value, int | float | None) for value in made["summary"].values())
    assert made["summary"]["served_recall"] is None, "not measured yet"
    ratio = {"row": "step ratio", "precision": "float32", "ours": True, "packed": 1.0, "padded": 1.5}
    assert ratio in made["rows"]
    (told,) = [row for row in made["rows"] if row.get("stage") == "answers"]
    assert told["probes"][0]["answer"] == "a"
    assert told["probes"][0]["right"] == ["adapter"]


def written(path: Path, made: dict[str, Any], commit: str = "before") -> Path:
    path.write_text(json.dumps({"commit": commit, **made}), "utf-8")
    return path


def another(scene: Scene, folder: Path) -> Scene:
    """The same run in a folder that has nothing yet."""
    return replace(scene, work=Work(folder))


def test_a_run_goes_on_from_the_file_of_an_earlier_one(scene, tmp_path):
    opened = answered(False, "open")
    scene.work.kept("train", "s1", lambda: trained("s1", 4))
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True, base=False), opened))
    for size in growth.SIZES:
        scene.work.kept("growth", str(size), lambda size=size: {"lessons": size, "seconds": 2.0 * size})
    file = written(tmp_path / "distil.json", before := figures.result(scene))
    later = another(scene, tmp_path / "later")
    assert figures.result(later, file)["summary"] == before["summary"]
    later.work.kept("train", "s2", lambda: trained("s2", 5))
    later.work.kept("answers", "s2", lambda: answers("s2", answered(False, base=False)))
    later.work.kept("growth", "5", lambda: {"lessons": 5, "seconds": 1.0})
    made = figures.result(later, file)
    assert (made["summary"]["sessions"], made["summary"]["probes"], made["summary"]["lessons"]) == (2, 2, 9)
    assert (made["summary"]["heldout_recall"], made["summary"]["open_recall"]) == (0.5, 0.0)
    assert made["summary"]["growth_exponent"] == 1.0, "of the run that got further, not a row of each"
    commits = {row["session"]: row.get("commit") for row in made["rows"] if row.get("stage") == "train"}
    assert commits == {"s1": "before", "s2": None}


def test_growth_is_no_figure_before_the_largest_was_trained(scene):
    for size in growth.SIZES[:-1]:
        scene.work.kept("growth", str(size), lambda size=size: {"lessons": size, "seconds": 2.0 * size})
    assert figures.result(scene)["summary"]["growth_exponent"] is None


def served_at(answer: str, near: float) -> dict[str, Any]:
    told = {"kind": "probe", "set": "fact", "session": "s1", "found": "s1", "answer": answer,
            "right": bool(answer), "answer_tokens": 9, "result_tokens": 90, "seconds": 1.0}  # fmt: skip
    return {"adapters": ["a"], "settings": {"near": near}, "answers": [told]}


def test_what_was_served_under_other_thresholds_is_never_mixed_in(scene, tmp_path):
    for piece in ("000", "001"):
        scene.work.kept("served", piece, lambda: served_at("", 0.5))
    file = written(tmp_path / "distil.json", before := figures.result(scene))
    assert (before["summary"]["served_questions"], before["summary"]["served_adapters"]) == (2, 1)
    later = another(scene, tmp_path / "later")
    later.work.kept("served", "000", lambda: served_at("x", 0.1))
    made = figures.result(later, file)["summary"]
    assert (made["served_questions"], made["served_recall"]) == (1, 1.0)
    later.work.kept("served", "001", lambda: served_at("", 0.5))
    assert figures.result(later)["summary"]["served_questions"] == 1


def test_a_piece_that_is_in_the_file_already_keeps_its_commit(scene, tmp_path):
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    file = written(tmp_path / "distil.json", figures.result(scene), "first")
    (row,) = [row for row in figures.result(scene, file)["rows"] if row.get("stage") == "answers"]
    assert row["commit"] == "first"


def test_what_was_measured_anew_replaces_what_was_there(scene, tmp_path):
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(False)))
    file = written(tmp_path / "distil.json", figures.result(scene))
    later = another(scene, tmp_path / "later")
    later.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    assert figures.result(later, file)["summary"]["heldout_recall"] == 1.0


def test_answers_of_an_adapter_that_is_no_longer_the_session_s_are_not_taken(scene, tmp_path):
    scene.work.kept("train", "s1", lambda: trained("s1"))
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    file = written(tmp_path / "distil.json", figures.result(scene))
    later = another(scene, tmp_path / "later")
    later.work.kept("train", "s1", lambda: {**trained("s1"), "adapter": "b" * 16})
    assert figures.result(later, file)["summary"]["sessions"] == 0


def test_a_whole_stage_is_taken_from_the_run_that_got_further(scene, tmp_path):
    pair = {"adapter": "a" * 16, "answers": ["x"], "recalled": [["s1", "x"]]}
    for when in ("alone", "end"):
        scene.work.kept("first", when, lambda: pair)
    file = written(tmp_path / "distil.json", figures.result(scene))
    later = another(scene, tmp_path / "later")
    later.work.kept("first", "alone", lambda: pair)
    assert figures.result(later, file)["summary"]["session_one_unchanged"] == 1.0


def test_a_piece_keeps_the_commit_that_it_was_measured_at(scene, tmp_path):
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    later = another(scene, tmp_path / "later")
    file = written(tmp_path / "distil.json", figures.result(scene), "first")
    file = written(file, figures.result(later, file), "second")
    (row,) = [row for row in figures.result(later, file)["rows"] if row.get("stage") == "answers"]
    assert row["commit"] == "first"


def test_nothing_is_taken_from_a_session_that_this_run_does_not_have(scene, tmp_path):
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    file = written(tmp_path / "distil.json", figures.result(scene))
    fewer = replace(another(scene, tmp_path / "later"), probed=scene.probed[1:])
    assert figures.result(fewer, file)["summary"]["sessions"] == 0


@pytest.mark.parametrize("changed", [{"probes_sha256": ""}, {"settings": {"rank": 1}}, {"split": "other"}])
def test_nothing_is_taken_from_a_run_of_another_kind(scene, tmp_path, changed):
    scene.work.kept("answers", "s1", lambda: answers("s1", answered(True)))
    file = written(tmp_path / "distil.json", figures.result(scene) | changed)
    assert figures.result(another(scene, tmp_path / "later"), file)["summary"]["sessions"] == 0


def test_a_result_that_somebody_changed_is_an_error(scene, tmp_path):
    file = tmp_path / "distil.json"
    for text in ("{", "[]", '{"commit": "a"}'):
        file.write_text(text, "utf-8")
        with pytest.raises(FormatError, match=r"distil\.json: expected a result of distil"):
            figures.result(scene, file)


def test_fix_chains_are_counted_with_the_lessons_that_tell_of_them(scene):
    made = figures.chains(scene.probed)
    assert (made["chains"], made["with_lesson"]) == (2, 2)
    assert figures.named({"chains": 0, "with_lesson": 0})["fix_chains_with_lesson"] is None


def test_first_answers_are_compared_word_for_word():
    before = {"adapter": "a", "answers": ["one", "two"]}

    def own(after: dict[str, Any] | None) -> float | None:
        return first.unchanged(before, after)["session_one_unchanged"]

    assert own({"adapter": "a", "answers": ["one", "2"]}) == 0.5
    assert own({"adapter": "b", "answers": ["one", "two"]}) is None
    assert own(None) is None


def test_a_lot_is_the_same_every_time_and_keeps_the_order():
    some = list(range(50))
    assert lot(some, 9) == lot(some, 9) == sorted(lot(some, 9))
    assert lot(some, 99) == some


def test_a_work_folder_is_of_one_kind(scene, monkeypatch):
    stages.check_kind(scene)
    stages.check_kind(scene)
    monkeypatch.setattr(figures, "about", lambda _: {"split": scene.split, "settings": {"rank": 1}})
    with pytest.raises(RuneError, match="were made with another settings; move it away"):
        stages.check_kind(scene)
