"""Quantisation back ends: how the weights of the base lie in memory, and what training needs for that.

``none`` keeps them as bfloat16 or float32. ``nf4`` keeps the linear layers of the blocks in four bits with
double quantisation (QLoRA, Dettmers et al. 2023, arXiv:2305.14314), through bitsandbytes; embeddings, norms
and whatever is computed stay bfloat16, unless ``precision`` says float32. Everything else of Rune sees a base
and does not ask how it is kept: sockets, training and answers are the same code, held by the same tests.

Setup asks this module as a process of its own, ``python -m rune.ml.quantize nf4 auto``, so that a machine
that cannot quantise is told before anything is written.
"""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from rune.errors import ConfigError, QuantizeError, RuneError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_ERROR = 0.15
"""Mean error that a standard normal matrix may come back with; NF4's is half of this."""


class Backend(Protocol):
    """How a base model's weights are kept."""

    @property
    def name(self) -> str:
        """As ``quantize`` in config.toml has it."""
        ...

    def dtype(self, precision: str, device: torch.device) -> torch.dtype:
        """What the model computes in; ``precision`` is auto, float32 or bfloat16."""
        ...

    def load(self, folder: Path, dtype: torch.dtype, device: torch.device) -> Any:
        """A frozen causal language model on the device.

        Raises:
            QuantizeError: this machine cannot keep weights this way.
        """
        ...

    def require(self, device: torch.device) -> None:
        """Try it out on the device, in a moment and without a model.

        Raises:
            QuantizeError: this machine cannot keep weights this way.
        """
        ...

    def optimizer(
        self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], device: torch.device
    ) -> torch.optim.Optimizer:
        """AdamW without weight decay over an adapter's factors."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Weights as they are, in float32 or bfloat16."""

    name: str = "none"

    def dtype(self, precision: str, device: torch.device) -> torch.dtype:
        """bfloat16 where the machine multiplies it natively (twice as fast); emulated, it is slower."""
        if precision == "auto":
            fast = device.type == "cuda" or _native_bfloat16()
            return torch.bfloat16 if fast else torch.float32
        return _explicit(precision)

    def load(self, folder: Path, dtype: torch.dtype, device: torch.device) -> Any:
        """Every weight in ``dtype``."""
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        return model.to(device).eval().requires_grad_(False)

    def require(self, device: torch.device) -> None:
        """Any machine can."""

    def optimizer(
        self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], device: torch.device
    ) -> torch.optim.Optimizer:
        """PyTorch's own."""
        return torch.optim.AdamW(parameters, lr=lr, betas=betas, weight_decay=0.0)


@dataclass(frozen=True, slots=True)
class Nf4:
    """Linear layers in four bits, double quantisation, through bitsandbytes."""

    name: str = "nf4"

    def dtype(self, precision: str, device: torch.device) -> torch.dtype:
        """bfloat16 as in QLoRA: the layers are dequantised for every product, and that way it is least."""
        return torch.bfloat16 if precision == "auto" else _explicit(precision)

    def load(self, folder: Path, dtype: torch.dtype, device: torch.device) -> Any:
        """Linear layers of the blocks quantised while they are read, the rest in ``dtype``."""
        self.require(device)
        wanted = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )  # fmt: skip
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, quantization_config=wanted, dtype=dtype, device_map={"": device}, local_files_only=True
        )
        for module in model.modules():
            # On processors with AVX512-BF16, bitsandbytes repacks a layer at its first inference into a form
            # that has no gradient. A recall between two steps of a distillation would end all learning.
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        for weight in model.parameters():
            if device.type == "cpu" and weight.is_floating_point():
                # a view into the mapped file of the source would keep all of that resident
                weight.data = weight.data.clone()
        return model.eval().requires_grad_(False)

    def require(self, device: torch.device) -> None:
        """Quantise a small matrix and read it back: whatever bitsandbytes lacks here shows in that."""
        if importlib.util.find_spec("bitsandbytes") is None:
            raise QuantizeError(_message("bitsandbytes is not installed"))
        try:
            from bitsandbytes import functional  # noqa: PLC0415 - absent on some systems

            given = torch.randn(64, 64, generator=torch.Generator().manual_seed(1)).to(device)
            kept, state = functional.quantize_4bit(given, quant_type="nf4", compress_statistics=True)
            error = float((functional.dequantize_4bit(kept, state) - given).abs().mean())
        except (ImportError, OSError, RuntimeError, AttributeError, ValueError) as problem:
            said = str(problem).strip().splitlines() or [type(problem).__name__]
            raise QuantizeError(_message(f"bitsandbytes says: {said[0]}")) from problem
        if not error < _ERROR:
            raise QuantizeError(_message(f"bitsandbytes gave a matrix back that is off by {error:.2f}"))

    def optimizer(
        self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], device: torch.device
    ) -> torch.optim.Optimizer:
        """On a GPU a paged one, whose state moves to main memory when a long row needs its place."""
        if device.type != "cuda":
            return PLAIN.optimizer(parameters, lr, betas, device)
        from bitsandbytes import optim  # noqa: PLC0415 - absent on some systems

        paged: torch.optim.Optimizer = optim.PagedAdamW(  # type: ignore[attr-defined]
            parameters, lr=lr, betas=betas, weight_decay=0.0
        )
        return paged


PLAIN = Whole()
BACKENDS: dict[str, Backend] = {one.name: one for one in (PLAIN, Nf4())}


def backend(name: str) -> Backend:
    """A back end by its name in config.toml.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in BACKENDS:
        known = " or ".join(BACKENDS)
        raise ConfigError(f"model.quantize: expected {known}, found {name!r}: mend config.toml")
    return BACKENDS[name]


def device_of(wanted: str) -> torch.device:
    """The device of ``device`` in config.toml."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def bound(base_hash: str, kept: Backend) -> str:
    """What adapters are bound to: the hash of the source model, and how it is kept where that is lossy.

    A low rank learnt against rounded weights corrects their rounding too. Measured on the embedded base: an
    adapter of the bfloat16 base, served on NF4, answered its own training questions with other numbers and
    paths. So it is refused, as one of another base is.
    """
    source = base_hash.partition("+")[0]
    return source if kept.name == "none" else f"{source}+{kept.name}"


def optimizer(
    parameters: Iterable[Tensor],
    lr: float,
    kept: Backend,
    device: torch.device,
    betas: tuple[float, float] = (0.9, 0.99),
) -> torch.optim.Optimizer:
    """The optimizer for an adapter of a base that is kept this way on this device."""
    return kept.optimizer(parameters, lr, betas, device)


@contextlib.contextmanager
def checkpointed(model: Any, device: torch.device) -> Iterator[None]:
    """On a GPU, training steps inside the block keep no activations of the blocks and compute them twice.

    A GPU is short of memory and quick; a CPU is the opposite, and there nothing changes. The backward pass
    runs the blocks again: the adapter must stay attached until it is done. ``train`` is what transformers
    asks for before it checkpoints; in models without dropout it changes nothing else.
    """
    if device.type != "cuda":
        yield
        return
    was = model.training
    # transformers 5 renames the pair on its way to 6; older ones have the second name alone
    names = ("activation_checkpointing", "gradient_checkpointing")
    name = next(name for name in names if hasattr(model, f"{name}_enable"))
    getattr(model, f"{name}_enable")({"use_reentrant": False})
    model.train()
    try:
        yield
    finally:
        getattr(model, f"{name}_disable")()
        model.train(was)


def weight_bytes(model: Any) -> int:
    """Bytes of all weights and buffers of a loaded model, with the scales of quantised ones, each once."""
    seen: dict[int, int] = {}
    for tensor in _tensors(model):
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
    return sum(seen.values())


def gpu_bytes() -> int:
    """What PyTorch holds on the GPU."""
    return torch.cuda.memory_allocated()


def _tensors(model: Any) -> Iterator[Tensor]:
    yield from model.buffers()
    for weight in model.parameters():
        yield weight.data
        state = getattr(weight, "quant_state", None)
        while state is not None:  # double quantisation: the scales have scales
            yield from (part for part in (state.absmax, state.code, state.offset) if isinstance(part, Tensor))
            state = state.state2


def _explicit(precision: str) -> torch.dtype:
    if precision not in _DTYPES:
        known = ", ".join(_DTYPES)
        raise ConfigError(
            f"model.precision: expected auto, {known}, found {precision!r}: mend config.toml"
        )
    return _DTYPES[precision]


def _native_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _message(came: str) -> str:
    where = f"{platform.system()} {platform.machine()}"
    return (
        f'quantize = "nf4": expected bitsandbytes with four-bit kernels, but {came} ({where}): '
        "run `rune setup --quantize none`, or on Linux `pip install --upgrade bitsandbytes`"
    )


def main(arguments: list[str]) -> int:
    """``python -m rune.ml.quantize <back end> <device>``: 0 if this machine can, else 1 and the reason."""
    try:
        backend(arguments[0]).require(device_of(arguments[1]))
    except RuneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
