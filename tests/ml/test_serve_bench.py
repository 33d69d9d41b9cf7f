"""The stages of ``rune bench serve`` on a base of a few thousand weights."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from rune.bench import results
from rune.bench.serve import against_vllm, cold, identical, mixed, neighbours, registry, stages, swap
from rune.bench.serve.scene import Scene
from rune.bench.stage import fresh
from rune.errors import NotSetUp, RuneError

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks


@pytest.fixture
def scene(tiny, tmp_path):
    return Scene(tiny, tmp_path / "adapters")


def test_mixed_batches_are_timed_beside_peft(scene, tiny_folder, monkeypatch):
    monkeypatch.setattr(mixed, "ROUNDS", 1)
    summary, rows = mixed.run(scene, tiny_folder)
    assert summary.keys() == set(mixed.KEYS)
    assert [row["arm"] for row in rows] == ["base", "all", "down", "peft mixed", "peft switch"]


def test_swaps_are_timed_beside_peft(scene, tiny_folder, monkeypatch):
    monkeypatch.setattr(swap, "RESIDENT", (1, 100, 1000))
    monkeypatch.setattr(swap, "PEFT_RESIDENT", (1, 100))
    monkeypatch.setattr(swap, "ROUNDS", 2)
    monkeypatch.setattr(scene, "adapters", few(scene.adapters))
    summary, rows = swap.run(scene, tiny_folder)
    assert summary.keys() == set(swap.KEYS)
    assert {row["arm"] for row in rows} == {"rune", "rune first", "peft"}


def few(adapters):
    """As many adapters as are asked for, but no more than thirty different ones."""

    def made(name, count, targets, rank=8):
        found = adapters(name, min(count, 30), targets, rank)
        return (found * (1 + count // len(found)))[:count]

    return made


def test_every_position_of_requests_that_join_and_leave_is_held_against_the_request_alone(scene, monkeypatch):
    monkeypatch.setattr(identical, "POSITIONS", 300)
    monkeypatch.setattr(identical, "PREFILL", 600)  # a letter is a token here
    summary, [row] = identical.run(scene, 1)
    assert row["positions"] >= 300
    assert row["prompts_read_together"] > 1
    assert summary["token_identical"] >= 0.999
    assert summary["largest_gap"] <= 1e-4


def test_a_registry_larger_than_the_budget_is_asked_in_every_mix(scene, monkeypatch):
    monkeypatch.setattr(registry, "ROUNDS", 1)
    monkeypatch.setattr(registry, "BUDGET_MB", 2)
    monkeypatch.setattr(scene, "adapters", few(scene.adapters))
    summary, rows = registry.run(scene, 1)
    assert summary.keys() == set(registry.KEYS)
    assert {row.get("mix") for row in rows} == {*registry.MIXES, None}


MIXES = [("identical", {1}), ("distinct", {12}), ("uniform", {11, 12})]


@pytest.mark.parametrize(("mix", "different"), MIXES)
def test_a_mix_names_as_many_adapters_as_its_name_says(mix, different):
    chosen = registry.chosen(mix, list(range(500)), random.Random(3))
    assert len(set(chosen)) in different


def test_a_stage_keeps_what_other_stages_and_other_means_have_found(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    path = tmp_path / "docs" / "results" / "serve.json"
    stages.write("swap", ({"swap_speedup_at_100": 7.0}, [{"stage": "swap", "arm": "peft"}]), "tiny")
    found = json.loads(path.read_text())
    assert found["summary"]["mixed8_over_base"] is None
    found["summary"]["recall_p95_busy_over_idle"] = 1.5
    path.write_text(json.dumps(found))
    stages.write("mixed", ({"mixed8_over_base": 0.9}, [{"stage": "mixed", "arm": "all"}]), "tiny")
    stages.write("swap", ({"swap_speedup_at_100": 8.0}, [{"stage": "swap", "arm": "rune"}]), "tiny")
    found = json.loads(path.read_text())
    kept = {key: value for key, value in found["summary"].items() if value is not None}
    assert kept == {"mixed8_over_base": 0.9, "swap_speedup_at_100": 8.0, "recall_p95_busy_over_idle": 1.5}
    assert [row["arm"] for row in found["rows"]] == ["all", "rune"]


def test_steps_are_timed_while_others_spin(tiny_folder, monkeypatch):
    monkeypatch.setattr(neighbours, "ROUNDS", 1)
    monkeypatch.setattr(neighbours, "STEPS", 3)
    monkeypatch.setattr(neighbours.os, "sched_getaffinity", lambda _: {0}, raising=False)
    summary, rows = neighbours.run(tiny_folder)
    assert summary.keys() == set(neighbours.KEYS)
    assert {(row["way"], row["spinning"] > 0) for row in rows} == {
        (way, busy) for way in ("ours", "torch") for busy in (False, True)
    }
    assert all(time > 0 for row in rows for time in row["step_ms"])


def test_a_process_that_fails_is_named():
    with pytest.raises(RuneError, match="run it by hand"):
        fresh("rune.bench.serve.alone", ["steps", "/nowhere", "1"])


def test_a_cold_start_is_timed_beside_peft(scene, tiny_folder, monkeypatch):
    monkeypatch.setattr(cold, "ROUNDS", 1)
    summary, rows = cold.run(scene, tiny_folder, None)
    assert summary.keys() == set(cold.KEYS)
    assert all((found is None) == ("gguf" in key) for key, found in summary.items())
    assert all(0 < row["seconds"][0] < 600 for row in rows)


PEER = """
import json, sys
print("ready" if len(sys.argv) == 13 else "not ready", flush=True)
for line in sys.stdin:
    turn, way = line.split()
    print(json.dumps({"seconds": 3.0 if way == "base" else 6.0, "tokens": 8 * int(sys.argv[4])}), flush=True)
"""
"""What the script in vLLM's environment says, with base, dtype, prompts, tokens and eight adapters."""


@pytest.fixture
def peer(tmp_path, monkeypatch):
    """``peer(text)`` puts another script in the place of the one that asks vLLM."""

    def put(text):
        path = tmp_path / "peer.py"
        path.write_text(text)
        monkeypatch.setattr(against_vllm, "PEER", path)

    monkeypatch.setattr(against_vllm, "ROUNDS", 2)
    monkeypatch.setattr(against_vllm, "TOKENS", 3)
    return put


def test_both_engines_answer_the_same_rounds_in_turns(scene, tiny_folder, peer):
    peer(PEER)
    summary, rows = against_vllm.run(scene, tiny_folder, Path(sys.executable))
    assert summary.keys() == set(against_vllm.KEYS)
    assert summary["vllm_mixed8_over_base"] == 0.5
    found = {(row["engine"], row["adapters"]): row for row in rows}
    assert found.keys() == {(one, kind) for one in ("rune", "vllm") for kind in ("all", "down", "base")}
    assert all(len(row["seconds"]) == 2 and row["dtype"] == "float32" for row in rows)
    assert found["vllm", "base"]["seconds"] == [3.0, 3.0]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("print('CUDA is missing')", "did not start"),
        (PEER.replace("8 * int", "7 * int"), "expected 24 tokens"),
    ],
)
def test_a_peer_that_does_not_start_or_says_too_little_is_no_result(scene, tiny_folder, peer, script, why):
    peer(script)
    with pytest.raises(RuneError, match=why):
        against_vllm.run(scene, tiny_folder, Path(sys.executable))


def test_without_an_environment_the_way_to_make_one_is_said(scene, tiny_folder, tmp_path):
    with pytest.raises(NotSetUp, match="make vllm"):
        against_vllm.run(scene, tiny_folder, tmp_path / "python")
