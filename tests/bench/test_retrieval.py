"""The bench of retrieval: a small project searched by the product and its rivals; words stand for meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rune.bench import retrieval
from rune.bench.retrieval import corpus, project, rivals
from rune.bench.retrieval.scene import built, place
from rune.index.words import tokens
from rune.library import Library
from rune.paths import Echoes
from rune.testing import FakeEmbedder


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    found = corpus.tasks("development", None, 25, seed=3)
    scene = built(tmp_path_factory.mktemp("work"), found, FakeEmbedder())
    yield scene
    scene.index.close()


def test_the_splits_share_no_place_and_no_trouble():
    for kind in ("place", "trouble"):
        ours, theirs = ({one.said for one in corpus.told(split, kind)} for split in corpus.PROJECTS)
        assert len(ours) == len(theirs) == 30
        assert not ours & theirs


def test_the_same_seed_gives_the_same_tasks_and_without_data_there_are_900():
    assert corpus.tasks("heldout", None, 40, 1) == corpus.tasks("heldout", None, 40, 1)
    assert corpus.tasks("heldout", None, 40, 1) != corpus.tasks("heldout", None, 40, 2)
    many = corpus.tasks("development", None, 1000, 1)
    assert len({task.query for task in many}) > 890
    assert len({task.past.events[0].text for task in many}) == len(many) == 900


def test_a_paraphrased_task_keeps_few_of_the_sessions_words():
    tasks = [task for task in corpus.tasks("heldout", None, 200, 1) if task.form == "paraphrased"]
    shares = []
    for task in tasks:
        asked = set(tokens(task.query))
        shares.append(len(asked & set(tokens(task.past.events[0].text))) / len(asked))
    assert sum(shares) / len(shares) < 0.2


def test_every_session_is_a_card_with_lessons_that_the_library_lists(scene):
    library = Library(Echoes(scene.folder), lambda: 0.0)
    assert {card.id for card in library.cards()} == set(scene.ids)
    assert all(card.lessons for card in library.cards())


def test_the_product_is_asked_and_finds_what_shares_words(scene):
    literal = [replace(task, query=task.past.events[0].text) for task in scene.tasks]
    ranks = [place(scene.find(task.query), id) for task, id in zip(literal, scene.ids, strict=True)]
    row = retrieval.arm("ours", ranks, literal)
    assert row["recall_at_1"] >= 0.9
    assert row["recall_at_1_low"] <= row["recall_at_1"] <= row["recall_at_1_high"]
    assert place(scene.find("zebra"), "nobody") == 0


def test_every_rival_ranks_every_task(scene):
    found = dict(rivals.rankings(scene, project.Once(FakeEmbedder())))
    assert list(found) == ["bm25", "grep", "embedding", "rank_fusion"]
    assert all(len(ranks) == 25 and 1 <= min(ranks) <= max(ranks) <= 25 for ranks in found.values())


def test_several_questions_may_be_for_one_session_and_some_sessions_are_asked_nothing(tmp_path):
    found = corpus.tasks("development", None, 12, seed=4)
    asked = [replace(task, query=task.past.events[0].text, form="fact") for task in (*found[:3], found[0])]
    scene = built(tmp_path, asked, FakeEmbedder(), [task.past for task in found])
    assert (len(scene.ids), len(set(scene.ids)), len(scene.pasts)) == (4, 3, 12)
    ranks = [place(scene.find(task.query), id) for task, id in zip(asked, scene.ids, strict=True)]
    rows = retrieval.compared(scene, ranks, project.Once(FakeEmbedder()), "people", "people_")
    scene.index.close()
    names = ["people", "people_bm25", "people_grep", "people_embedding", "people_rank_fusion"]
    assert [row["arm"] for row in rows] == names
    assert rows[0]["recall_at_1"] == rows[0]["recall_at_1 fact"] == 1.0
    ours = {**rows[0], "arm": "ours"}
    floors = [{"floor": floor, "abstain_unrelated": floor} for floor in retrieval.FLOORS]
    told = retrieval.summary([ours, *rows, *floors], 1.0, 12)
    assert (told["people_recall_at_1"], told["recall_at_1_fact"]) == (1.0, 1.0)
    assert "people_bm25_recall_at_1" in told
    assert "people_recall_at_1_low" not in retrieval.summary([ours, *floors], 1.0, 12)


def test_a_rival_that_cannot_tell_sessions_apart_puts_the_right_one_in_the_middle():
    assert rivals.places(np.zeros((5, 5), np.float32), range(5)) == [3] * 5
    assert rivals.places(np.eye(4, 3, dtype=np.float32), [0, 1, 1, 2]) == [1, 1, 2, 2]


def test_the_listing_is_timed_in_a_process_of_its_own(scene):
    assert 0 < retrieval.metadata(scene.folder) < 10_000


def test_latency_is_that_of_a_project_of_the_size_and_leaves_nothing(scene, tmp_path):
    row = retrieval.latency(tmp_path / "size", 30, scene.tasks, FakeEmbedder())
    assert (row["adapters"], row["p50_ms"] <= row["p95_ms"]) == (30, True)
    assert not (tmp_path / "size").exists()


def test_a_higher_floor_is_silent_more_often_and_asks_less(scene):
    asked = [scene.find(task.query) for task in scene.tasks]
    strange = [scene.find("the capital of Australia", 3)]
    ranks = [place(found, id) for found, id in zip(asked, scene.ids, strict=True)]
    low, high = (retrieval.at_floor(floor, ranks, asked, strange) for floor in (0.0, 0.9))
    assert low["right_and_asked"] >= high["right_and_asked"]
    assert low["abstain_unrelated"] <= high["abstain_unrelated"]
