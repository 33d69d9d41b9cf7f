"""What a fresh process does, for stages that compare whole processes: decode under neighbours, start cold.

``python -m rune.bench.serve.alone steps <base> <count>`` decodes and prints each step's seconds; ``... engine
<base> <adapter>`` and ``... peft <base> <adapter>`` answer one question with an adapter and print the seconds
at which the first token was there, counted by the system's clock from the start of the process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil

QUESTION = "Which command runs the tests of the ledger?"
WARM = 8
"""Steps that are not counted."""


def steps(folder: Path, count: int) -> list[float]:
    """Seconds of so many decoding steps of the bare base."""
    import torch  # noqa: PLC0415 - its import is what is measured elsewhere
    from transformers import DynamicCache  # noqa: PLC0415

    from rune.config import ModelConfig  # noqa: PLC0415
    from rune.ml import base  # noqa: PLC0415

    loaded = base.load(folder, "", ModelConfig())
    ids = torch.tensor([loaded.prompt(QUESTION)])
    cache = DynamicCache(config=loaded.model.config)
    found = []
    with torch.inference_mode():
        for _ in range(count + WARM):
            began = time.perf_counter()
            out = loaded.model(input_ids=ids, past_key_values=cache, logits_to_keep=1)
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            found.append(time.perf_counter() - began)
    return found[WARM:]


def engine(folder: Path, adapter: Path) -> float:
    """Seconds from the process's start to the first token, by Rune's loader and engine."""
    from rune.config import ModelConfig  # noqa: PLC0415
    from rune.ml import base  # noqa: PLC0415
    from rune.ml.engine import Engine  # noqa: PLC0415

    Engine(base.load(folder, "", ModelConfig())).answer(QUESTION, adapter, 1)
    return since_start()


def peft(source: Path, adapter: Path) -> float:
    """The same by transformers and PEFT, as their documentation does it.

    ``source`` is a model's folder, or a GGUF file, which is dequantised at every start.
    """
    import torch  # noqa: PLC0415
    from peft import PeftModel  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    folder, how = (source, {}) if source.is_dir() else (source.parent, {"gguf_file": source.name})
    tokenizer = AutoTokenizer.from_pretrained(folder, **how)
    bare = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **how)
    model = PeftModel.from_pretrained(bare, adapter)
    asked, prompt = [{"role": "user", "content": QUESTION}], QUESTION
    if tokenizer.chat_template:
        prompt = str(tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False))
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
    model.generate(input_ids=ids, max_new_tokens=1, do_sample=False)
    return since_start()


def since_start() -> float:
    """Seconds since this process was started."""
    return time.time() - psutil.Process().create_time()


def main(arguments: list[str]) -> None:
    """Do one of the three and print it as JSON."""
    what, folder, last = arguments
    if what == "steps":
        print(json.dumps(steps(Path(folder), int(last))))
    else:
        print(json.dumps({"engine": engine, "peft": peft}[what](Path(folder), Path(last))))


if __name__ == "__main__":
    main(sys.argv[1:])
