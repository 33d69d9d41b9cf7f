"""Sentences to vectors with a small encoder (all-MiniLM-L6-v2, all-mpnet-base-v2): a mean of length one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

from rune.errors import NotSetUp

MAX_TOKENS = 256
"""What the model was trained on; the rest of a longer text is not seen."""
_BATCH = 32


class MiniLM:
    """The sentence embedder of ``rune.ports.Embedder``, on CPU."""

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Raises:
            NotSetUp: the folder holds no model.
        """
        if not (folder / "config.json").is_file():
            raise NotSetUp(f"no sentence embedder in {folder}; run `rune setup`")
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self._model = model.eval()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text, in the order given."""
        vectors: list[list[float]] = [[] for _ in texts]
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(texts), _BATCH):
            places = by_length[start : start + _BATCH]
            for place, vector in zip(places, self._batch([texts[place] for place in places]), strict=True):
                vectors[place] = vector
        return vectors

    @torch.no_grad()
    def _batch(self, texts: list[str]) -> list[list[float]]:
        encoded = self._tokenizer(
            texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        hidden = self._model(**encoded).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        return torch.nn.functional.normalize(mean, dim=1).tolist()
