"""Whole batches of requests through vLLM, run by the Python of an environment that has it, not Rune.

``python vllm_peer.py <base> <dtype> <prompts> <tokens> [<adapter folder> ...]``: ``prompts`` is a JSON file
with a list of rounds, each a list of texts. For each line on stdin, ``<round> base`` or ``<round> adapters``,
one round is answered greedily with exactly ``tokens`` tokens a request, with no adapter or with one for each
request, and the seconds are printed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def engine(model: str, dtype: str, loras: int) -> Any:
    """vLLM with room for all adapters at once, and without a cache of prompts."""
    from vllm import LLM  # noqa: PLC0415

    return LLM(
        model=model, dtype=dtype, max_model_len=512, max_num_seqs=8, enforce_eager=True,
        enable_prefix_caching=False, enable_lora=loras > 0, max_loras=max(loras, 1), max_lora_rank=8,
    )  # fmt: skip


def main(model: str, dtype: str, prompts: str, tokens: str, *folders: str) -> None:
    """Answer until stdin ends."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # nothing between us and its engine
    said = os.dup(1)
    os.dup2(2, 1)  # what vLLM prints is not an answer
    from vllm import SamplingParams  # noqa: PLC0415
    from vllm.lora.request import LoRARequest  # noqa: PLC0415

    rounds = json.loads(Path(prompts).read_text("utf-8"))
    llm = engine(model, dtype, len(folders))
    sampling = SamplingParams(temperature=0, max_tokens=int(tokens), min_tokens=int(tokens), ignore_eos=True)
    loras = [LoRARequest(f"a{number}", number + 1, folder) for number, folder in enumerate(folders)]
    with os.fdopen(said, "w") as out:
        print("ready", file=out, flush=True)
        for line in sys.stdin:
            number, way = line.split()
            texts = rounds[int(number)]
            began = time.perf_counter()
            answers = llm.generate(
                texts, sampling, use_tqdm=False, lora_request=loras if way == "adapters" else None
            )
            seconds = time.perf_counter() - began
            made = sum(len(one.outputs[0].token_ids) for one in answers)
            print(json.dumps({"seconds": seconds, "tokens": made}), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
