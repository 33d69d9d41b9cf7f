import pytest

from rune.setup.proposal import GIB, free_gpu_bytes, propose


@pytest.mark.parametrize(
    ("free", "base", "precision"),
    [
        (None, "smollm2-135m-instruct", "auto"),
        (0, "smollm2-135m-instruct", "bfloat16"),
        (6 * GIB - 1, "smollm2-135m-instruct", "bfloat16"),
        (6 * GIB, "Qwen/Qwen2.5-Coder-1.5B-Instruct", "bfloat16"),
        (12 * GIB, "Qwen/Qwen3-4B-Instruct-2507", "bfloat16"),
        (24 * GIB, "Qwen/Qwen2.5-Coder-7B-Instruct", "bfloat16"),
        (139 * GIB, "Qwen/Qwen2.5-Coder-14B-Instruct", "bfloat16"),
    ],
)
def test_the_proposal_is_the_largest_base_that_leaves_room_to_learn(free, base, precision):
    proposal = propose(free)
    assert (proposal.base, proposal.precision) == (base, precision)


def test_the_reason_names_the_free_memory():
    assert "24 GiB are free" in propose(24 * GIB).why


def test_without_the_driver_s_tool_there_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert free_gpu_bytes() is None
