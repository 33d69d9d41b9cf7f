"""Operations as the commands run them: planned, confirmed with the plan's code, done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rune.echoes.operations import proposal
from rune.echoes.operations.proposal import Operation, Proposal
from rune.echoes.store import Change, Store


@pytest.fixture
def plan(store: Store) -> Callable[..., Proposal[Any]]:
    """``plan(lambda change: ...)``: what it would do; nothing is written."""
    return lambda make, **options: proposal.propose(store, Operation("try", make, **options))


@pytest.fixture
def do(store: Store) -> Callable[..., Any]:
    """``do(lambda change: ...)``: its report, after it was confirmed and done."""

    def run(make: Callable[[Change], Any], **options: Any) -> Any:
        operation = Operation("try", make, **options)
        planned = proposal.propose(store, operation)
        proposal.carry_out(store, operation, planned.code)
        return planned.report

    return run
