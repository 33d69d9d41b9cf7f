"""LoRA: shapes, attachment to the frozen base, and the PEFT files.

h = W0 x + (alpha / r) B A x with A in R^{r x k} and B in R^{d x r} (Hu et al. 2021, arXiv:2106.09685). A
layer without an adapter runs exactly the base's own code, so that detaching restores its logits bit for
bit. Shapes: I in, O out, R rank, T tokens.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rune.errors import AdapterError

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
PREFIX = "base_model.model."


@dataclass(slots=True)
class Factors:
    """One layer's part of an adapter: ``a`` is [R, I], ``b`` is [O, R]; or [N, R, I] and [N, O, R], where
    each row of a batch has its own."""

    a: Tensor
    b: Tensor


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA weights for any number of layers, by layer name."""

    rank: int
    alpha: float
    factors: Mapping[str, Factors]

    @property
    def scale(self) -> float:
        """alpha / r."""
        return self.alpha / self.rank

    def parameters(self) -> Iterator[Tensor]:
        """Every factor."""
        for part in self.factors.values():
            yield part.a
            yield part.b


class LoraLinear(nn.Module):
    """A frozen linear layer with a socket for one adapter at a time, and a port for one adapter a row."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.factors: Factors | None = None
        self.scale = 1.0
        self.port: Callable[[Tensor, Tensor], Tensor] | None = None
        """Input and output of the layer to its output; see ``rune.ml.serve.rows``."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., I] to [..., O]; without factors this is the base layer and nothing else."""
        out: Tensor = self.base(x)
        if self.port is not None:
            out = self.port(x, out)
        if self.factors is None:
            return out
        low = x @ self.factors.a.to(x.dtype).mT
        return torch.add(out, low @ self.factors.b.to(x.dtype).mT, alpha=self.scale)


def instrument(model: nn.Module) -> dict[str, LoraLinear]:
    """Give every linear layer inside the transformer blocks a socket; return them by name."""
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and ".layers." in name
    ]
    sockets = {}
    for name, module in found:
        parent = model.get_submodule(name.rpartition(".")[0])
        socket = LoraLinear(module)
        setattr(parent, name.rpartition(".")[2], socket)
        sockets[name] = socket
    return sockets


@contextmanager
def attached(layers: Mapping[str, LoraLinear], adapter: Adapter | None) -> Iterator[None]:
    """Plug an adapter in for the length of the block; None runs the bare base.

    Raises:
        AdapterError: it was made for another architecture.
    """
    if adapter is None:
        yield
        return
    if foreign := adapter.factors.keys() - layers.keys():
        raise AdapterError(f"the adapter has weights for layers that the base lacks: {sorted(foreign)[:3]}")
    try:
        for name, part in adapter.factors.items():
            layers[name].factors, layers[name].scale = part, adapter.scale
        yield
    finally:
        for name in adapter.factors:
            layers[name].factors = None


def fresh(
    layers: Mapping[str, LoraLinear], targets: tuple[str, ...], rank: int, alpha: float, seed: int
) -> Adapter:
    """A trainable adapter that changes nothing yet: A uniform as in Kaiming's rule, B zero.

    Raises:
        AdapterError: no layer of the base has one of the target names.
    """
    random = torch.Generator().manual_seed(seed)
    factors = {}
    for name, layer in layers.items():
        if name.rpartition(".")[2] not in targets:
            continue
        device, (out, inner) = layer.base.weight.device, (layer.base.out_features, layer.base.in_features)
        bound = 1 / math.sqrt(inner)
        a = (torch.rand(rank, inner, generator=random) * 2 - 1) * bound
        factors[name] = Factors(
            a.to(device).requires_grad_(), torch.zeros(out, rank, device=device).requires_grad_()
        )
    if not factors:
        known = ", ".join(sorted({name.rpartition(".")[2] for name in layers}))
        raise AdapterError(f"the base has no layer named {', '.join(targets)}; known: {known}")
    return Adapter(rank, alpha, factors)


def trainable(adapter: Adapter) -> Adapter:
    """The same weights as a starting point for gradient steps; its rank, padding included, stays."""
    factors = {
        name: Factors(part.a.clone().requires_grad_(), part.b.clone().requires_grad_())
        for name, part in adapter.factors.items()
    }
    return Adapter(adapter.rank, adapter.alpha, factors)


def zeroed(adapter: Adapter) -> Adapter:
    """The same shapes with nothing in them: a control that must answer like the base."""
    empty = {n: Factors(torch.zeros_like(f.a), torch.zeros_like(f.b)) for n, f in adapter.factors.items()}
    return Adapter(adapter.rank, adapter.alpha, empty)


def of_rows(adapter: Adapter | None, rows: Tensor) -> Adapter | None:
    """The adapters of some rows of a batch; what is one for all rows stays."""
    if adapter is None or all(part.a.dim() == 2 for part in adapter.factors.values()):
        return adapter
    factors = {name: Factors(part.a[rows], part.b[rows]) for name, part in adapter.factors.items()}
    return Adapter(adapter.rank, adapter.alpha, factors)


def save(adapter: Adapter, folder: Path, base_name: str, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write the two files that ``PeftModel.from_pretrained`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, part in adapter.factors.items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = part.a.detach().to("cpu", dtype).contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = part.b.detach().to("cpu", dtype).contiguous()
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    targets = sorted({name.rpartition(".")[2] for name in adapter.factors})
    blocks = sorted({int(found[1]) for name in adapter.factors if (found := re.search(r"\.(\d+)\.", name))})
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,  # type: ignore[arg-type]
        target_modules=targets,
        layers_to_transform=blocks or None,
        task_type="CAUSAL_LM",
        base_model_name_or_path=base_name,
        inference_mode=True,
    )
    config.save_pretrained(str(folder))


def load(folder: Path, device: torch.device, dtype: torch.dtype | None = None) -> Adapter:
    """Read PEFT files back; without ``dtype`` the factors stay as they were saved.

    Raises:
        AdapterError: a file is missing or a key is not of this format.
    """
    try:
        config = json.loads((folder / SETTINGS).read_text("utf-8"))
        tensors = load_file(folder / WEIGHTS, device=str(device))
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise AdapterError(f"{folder}: expected {SETTINGS} and {WEIGHTS} in PEFT format: {error}") from None
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, kind = key.removeprefix(PREFIX).removesuffix(".weight").rpartition(".lora_")
        if kind not in ("A", "B") or not key.startswith(PREFIX):
            raise AdapterError(f"{folder / WEIGHTS}: key {key!r} is no lora_A or lora_B weight")
        parts.setdefault(name, {})[kind] = tensor.to(dtype or tensor.dtype)
    if half := sorted(name for name, both in parts.items() if len(both) != 2):
        raise AdapterError(f"{folder / WEIGHTS}: expected lora_A and lora_B of {half[0]}, found one of them")
    return Adapter(rank, alpha, {name: Factors(both["A"], both["B"]) for name, both in parts.items()})
