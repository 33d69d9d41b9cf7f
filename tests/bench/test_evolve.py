"""The measurement of evolution: the simulated project, and the figures out of the pieces."""

from __future__ import annotations

import json
import random

import pytest

from rune.bench.distil import train
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Work
from rune.bench.evolve import arms as measuring
from rune.bench.evolve import drift, families, gated, kill, stages
from rune.errors import FormatError, RuneError
from rune.ml import merge
from rune.records import ledger
from rune.records.trajectory import Note, Trajectory
from rune.testing import FakeEmbedder, parts


@pytest.fixture(scope="module")
def arms():
    """Forty sessions, with and without evolution, searched with the fake embedder."""
    return {evolving: drift._arm(FakeEmbedder(), evolving, 40) for evolving in (True, False)}


def test_both_arms_see_the_same_sessions_and_are_asked_the_same(arms):
    asked = {
        evolving: [(answer["question"], answer["changes"]) for answer in row["answers"]]
        for evolving, row in arms.items()
    }
    assert asked[True] == asked[False]
    assert len(asked[True]) > 20
    assert any(changes for _, changes in asked[True])


def test_with_evolution_no_answer_is_stale_and_without_it_some_are(arms):
    found = {evolving: drift.summary(row) for evolving, row in arms.items()}
    assert arms[True]["children"] > 0 == arms[False]["children"], "quiet hours are part of it"
    assert found[True]["stale"] == 0.0
    assert found[False]["stale"] > 0.0
    assert found[True]["answered"] == pytest.approx(found[False]["answered"], abs=0.1)


def test_a_change_is_told_in_the_session_that_makes_it():
    facts = [drift.Fact(kind, subject) for kind in drift.KINDS for subject in kind.subjects]
    for fact in facts:
        fact.change(1)
    for number in range(40):
        past = drift._session(number, facts, random.Random(number), iter(range(100, 999)))
        told = " ".join(getattr(event, "text", "") + getattr(event, "command", "") for event in past.events)
        changed = [fact for fact in facts if len(fact.values) > 1]
        if changed:
            assert changed[0].values[-1] in told
            return
    pytest.fail("nothing changed in forty sessions")


def marks(*right: int) -> list[dict[str, object]]:
    """Ten answers of each session, so many of them right."""
    return [
        {"session": f"s{n}", "set": "fact", "right": place < number}
        for n, number in enumerate(right)
        for place in range(10)
    ]


def test_the_figures_come_with_intervals_and_are_null_where_nothing_was_measured():
    rows = [
        {"row": "keep", "sessions": 4, "right": 30, "asked": 40, "bytes": 20, "seconds": [1.5, 1.7, 1.6],
         "answers": marks(8, 7)},
        {"row": "gated", "sessions": 4, "right": 31, "asked": 40, "bytes": 10, "seconds": [1.4],
         "interference": 0.05, "leakage": 0.0, "answers": marks(9, 7), "children": 3, "refused": ["x"],
         "complete": False},
    ]  # fmt: skip
    found = measuring.summary(rows)
    assert (found["gated_children"], found["gated_refused"], found["gated_complete"]) == (3, 1, 0.0)
    assert (found["gated_fact_recall"], found["keep_fact_recall"]) == (0.8, 0.75)
    assert (found["gated_sessions"], found["gated_recall"], found["keep_recall"]) == (4, 0.775, 0.75)
    assert found["keep_recall_low"] < 0.75 < found["keep_recall_high"]
    assert (found["gated_bytes_over_keep"], found["interference"]) == (0.5, 0.05)
    assert (found["keep_seconds"], found["keep_seconds_low"], found["keep_seconds_high"]) == (1.6, 1.5, 1.7)
    assert found["gated_minus_keep_low"] <= 0.05 <= found["gated_minus_keep_high"]
    assert found["gated_minus_keep"] == 0.05
    assert found["cat_seconds"] is None
    assert found["cat_recall"] is found["cat_recall_low"] is found["cat_leakage"] is None
    assert measuring.summary([])["gated_bytes_over_keep"] is None


def test_of_all_families_it_is_told_what_each_way_of_making_a_child_knows():
    def judged(right, accepted):
        return {"right": right, "accepted": accepted}

    rows = [
        {"asked": 30, "parents_right": 28,
         "ways": {way: judged(20, way == "learnt") for way in ("learnt", *merge.WAYS)}},
        {"asked": 10, "parents_right": 10,
         "ways": {way: judged(4, False) for way in ("learnt", *merge.WAYS)}},
    ]  # fmt: skip
    found = families.summary(rows)
    assert (found["families"], found["families_parents_recall"]) == (2, 0.95)
    assert (found["families_learnt_recall"], found["families_learnt_accepted"]) == (0.6, 1)
    assert (found["families_dare_recall"], found["families_dare_accepted"]) == (0.6, 0)
    assert families.summary([])["families_learnt_recall"] is None


def two(events) -> tuple[Trajectory, ...]:
    """The session of the fixture, and one about the same test."""
    port = Note("n1", 99.0, "Use `pytest tests/test_invoice.py` on port 8443; src/invoice.py reads it.")
    told = {"s1": events, "s2": (port,)}
    return tuple(Trajectory(name, "/p", "import", 1.0, some, "end") for name, some in told.items())


def test_real_sessions_are_learnt_evolved_in_a_copy_and_asked_in_both_and_a_rerun_does_nothing_new(
    home, tmp_path, events
):
    home.root.mkdir(exist_ok=True)
    home.config.write_text("[evolution]\nsimilar = 0.01\nsame = 1.1\n")
    pasts = two(events)
    probes = (
        Probe("s1", "fact", "Why did the invoice test fail?", ("EUR",), "", "repair", True, ()),
        Probe("s2", "fact", "What about tests/test_invoice.py, which port?", ("8443",), "", "note", True, ()),
    )  # fmt: skip
    scene = Scene(Work(tmp_path / "work"), "heldout", pasts, (), (), probes)
    gated.measure(scene, parts(home), ())
    rows = {row["row"]: row for row in measuring.rows(scene.work)}
    assert {name: row["adapters"] for name, row in rows.items()} == {"keep": 2, "gated": 1}
    assert {name: (row["asked"], row["right"]) for name, row in rows.items()} == {
        "keep": (2, 2),
        "gated": (2, 2),
    }
    assert rows["gated"]["bytes"] < rows["keep"]["bytes"]
    assert (rows["gated"]["interference"], rows["keep"]["interference"]) == (0.0, 0.0)
    assert measuring.summary(list(rows.values()))["gated_recall"] == 1.0
    assert {name: len(row["seconds"]) for name, row in rows.items()} == {"keep": 2, "gated": 2}
    (family,) = scene.work.all("merged")
    assert family["parents_right"] == family["asked"] > 0
    assert set(family["ways"]) == {"learnt", *merge.WAYS}
    assert {one["right"] for one in family["ways"].values()} == {family["asked"]}
    assert not (scene.work.folder / "merging").exists()
    gated.measure(scene, parts(home), ())
    assert {row["row"]: row for row in measuring.rows(scene.work)} == rows
    assert scene.work.all("merged") == [family]
    again = Scene(Work(tmp_path / "again"), "heldout", pasts[:1], pasts[1:], (), probes)
    gated.adopt(again, scene.work.folder)
    learnt = again.work.all("train")
    gated.measure(again, parts(home), ())  # learns nothing, and evolves on its own
    assert again.work.all("train") == learnt == scene.work.all("train")
    assert [row["sessions"] for row in again.work.all("arms")] == [2, 2]
    gated.adopt(again, scene.work.folder)  # what is here stays


def test_it_does_not_go_on_while_another_process_still_learns(home, tmp_path, events):
    scene, other = Scene(Work(tmp_path), "heldout", two(events), (), (), ()), Work(tmp_path)
    with other.claimed("train", "s1"), pytest.raises(RuneError, match="1 sessions are not learnt yet"):
        gated.measure(scene, parts(home), ())
    assert [scene.is_trained(session) for session in ("s1", "s2")] == [False, True]
    assert scene.work.all("arms") == []


def test_only_sessions_of_the_run_are_taken_over_and_not_what_became_of_them(home, tmp_path, events):
    pasts = two(events)
    other = Scene(Work(tmp_path / "other"), "heldout", pasts, (), (), ())
    train.run(other, parts(home))
    first, second = (other.card(past.session) for past in pasts)
    for id in (first.id, second.id):
        ledger.record(
            other.echoes.ledger, ledger.Entry(id, "retired", 2.0, {"lessons": [0], "by": second.id})
        )
    own = Scene(Work(tmp_path / "own"), "heldout", pasts[:1], (), (), ())
    gated.adopt(own, other.work.folder)
    assert [card.id for card in own.library.cards()] == [first.id]
    assert own.library.states()[first.id].retired == {}
    assert own.library.states().keys() == {first.id}
    assert own.library.verify(first.id) == first
    assert [row["session"] for row in own.work.all("train")] == ["s1"]
    assert [path.stem for path in own.echoes.trajectories.iterdir()] == ["s1"]


def test_a_run_that_learnt_none_of_these_sessions_is_refused(tmp_path, events):
    scene, other = Scene(Work(tmp_path / "own"), "heldout", two(events), (), (), ()), Work(tmp_path / "other")
    other.kept("train", "s9", lambda: {"session": "s9"})
    with pytest.raises(RuneError, match="some of the 2 sessions of this run, found none"):
        gated.adopt(scene, other.folder)


def test_evolution_that_was_cut_short_says_so_and_goes_on(home, tmp_path, events):
    home.root.mkdir(exist_ok=True)
    home.config.write_text("[evolution]\nsimilar = 0.01\nsame = 1.1\n")
    scene = Scene(Work(tmp_path), "heldout", two(events), (), (), ())
    found = []
    for rounds in (0, gated.ROUNDS):
        gated.measure(scene, parts(home), (), rounds)
        row = scene.work.get("arms", "gated-2")
        found.append((row["complete"], row["adapters"], row["children"]))
    assert found == [(False, 2, 0), (True, 1, 1)]


def test_two_processes_do_not_evolve_the_same(home, tmp_path, events):
    scene, other = Scene(Work(tmp_path), "heldout", two(events), (), (), ()), Work(tmp_path)
    with other.claimed("arms", "all"), pytest.raises(RuneError, match="another process is evolving"):
        gated.measure(scene, parts(home), ())


KILLED = {
    "row": "kill", "plan": kill.PLAN, "way": "learnt", "steps": 9, "lost": 0, "lost_after": [], "same": 9,
}  # fmt: skip
WHENCE = {"commit": "abc1234", "machine": "a box"}


def test_a_result_goes_on_from_what_an_earlier_one_holds_and_says_whence(tmp_path):
    path, work = tmp_path / "evolve.json", Work(tmp_path / "work")
    merged = {**KILLED, "way": "merged", "steps": 2, "same": 2}
    short = {"row": "drift", "plan": drift.PLAN, "evolving": True, "sessions": 40, "answers": []}
    older = {**KILLED, "plan": kill.PLAN - 1, "steps": 50}
    path.write_text(json.dumps({**WHENCE, "rows": [KILLED, merged, short, older, {"row": "retrieval"}]}))
    found = stages.result(work, path)
    assert (found["summary"]["kill_steps"], found["summary"]["stale_answers"]) == (11, None)
    assert found["rows"][:2] == [{**WHENCE, **KILLED}, {**WHENCE, **merged}]
    path.write_text(json.dumps({"commit": "def5678", "machine": "another", **found}))
    assert stages.result(work, path)["rows"] == found["rows"], "whence is told of the measurement"
    work.kept("kill", "0", lambda: {**KILLED, "steps": 3, "same": 3})
    assert stages.result(work, path)["summary"]["kill_steps"] == 5, "what is measured now takes its place"


def test_a_result_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "evolve.json"
    odd = ([{"rows": "kill"}], [3], [{"row": "kill", "plan": kill.PLAN}], [{"row": "drift"}], [{}], {}, "")
    for text in ("{}", "[]", "{", "[" * 100_000, *(json.dumps({**WHENCE, "rows": rows}) for rows in odd)):
        path.write_text(text)
        with pytest.raises(FormatError, match=r"expected a result of evolve, found .*git checkout"):
            stages.result(Work(tmp_path / "work"), path)
