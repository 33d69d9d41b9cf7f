"""Hypernetworks on disk: what was written is what is read, and what is wrong is named."""

from __future__ import annotations

import json

import pytest
import torch
from torch.testing import assert_close

from rune.errors import FormatError, NewerVersion
from rune.ml.hypernet import checkpoint
from rune.ml.hypernet.network import Hypernetwork


def test_what_is_written_is_read_back(network, tmp_path):
    said = checkpoint.write(tmp_path, network, "ab" * 32, {"steps": 3})
    read, known = checkpoint.read(tmp_path)
    assert known == said
    assert known.shape == network.shape
    for name, weight in network.state_dict().items():
        assert torch.equal(read.state_dict()[name], weight)
    assert not any(weight.requires_grad for weight in read.parameters())


def test_half_precision_loses_only_precision(network, tmp_path):
    checkpoint.write(tmp_path, network, "", {}, torch.bfloat16)
    read, _ = checkpoint.read(tmp_path)
    for name, weight in network.state_dict().items():
        assert_close(read.state_dict()[name], weight, rtol=2**-7, atol=1e-6)


def test_large_tensors_travel_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PIECE", 400)
    tensors = {"long": torch.randn(50, 7), "small": torch.randn(3), "whole": torch.tensor(2.0)}
    pieces = checkpoint.pack(tensors, tmp_path, "some")
    assert len(pieces) > 2
    back = checkpoint.unpack(tmp_path, pieces)
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)


def test_a_damaged_piece_is_refused_by_its_name(network, tmp_path):
    checkpoint.write(tmp_path, network, "", {})
    [path] = tmp_path.glob("weights-1-*")
    path.write_bytes(path.read_bytes()[:-4] + b"oops")
    with pytest.raises(FormatError, match=path.name):
        checkpoint.read(tmp_path)


def test_old_pieces_stay_until_the_new_description_stands(network, tmp_path, monkeypatch):
    checkpoint.write(tmp_path, network, "", {})
    before = checkpoint.read(tmp_path)[0].head
    with torch.no_grad():
        network.head.mul_(2)
    monkeypatch.setattr(checkpoint.files, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        checkpoint.write(tmp_path, network, "", {})
    assert torch.equal(checkpoint.read(tmp_path)[0].head, before)
    monkeypatch.undo()
    checkpoint.write(tmp_path, network, "", {})
    assert torch.equal(checkpoint.read(tmp_path)[0].head, 2 * before)
    assert len(list(tmp_path.glob("weights-*"))) == 1


@pytest.mark.parametrize(("change", "said"), [
    ({"v": 99}, "99"), ({"shape": None}, "description"), ({"dtyp": 1}, "description"),
])  # fmt: skip
def test_a_description_that_is_not_understood_is_refused(network, tmp_path, change, said):
    checkpoint.write(tmp_path, network, "", {})
    path = tmp_path / checkpoint.NAME
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), "utf-8")
    with pytest.raises(FormatError, match=said) as caught:
        checkpoint.about(tmp_path)
    assert isinstance(caught.value, NewerVersion) == ("v" in change)


@pytest.mark.parametrize(("name", "value", "said"), [
    ("head", None, "head is missing"), ("head", torch.zeros(3), "expected"),
    ("other", torch.zeros(1), "other is unknown"), ("projection.up.weight", torch.nan, "not finite"),
    ("scale_b.down_proj", 0.0, "no adapter would change anything"),
])  # fmt: skip
def test_wrong_weights_are_named(tiny, network, name, value, said):
    weights = dict(network.state_dict())
    if value is None:
        del weights[name]
    else:
        weights[name] = value if isinstance(value, torch.Tensor) else torch.full_like(weights[name], value)
    with pytest.raises(FormatError, match=said):
        checkpoint.check(weights, Hypernetwork(network.shape), "somewhere")
