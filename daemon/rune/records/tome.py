"""A TOME.md: the report of a review or an audit, read for its findings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a report."""

    severity: str
    """P1, P2 or P3."""
    title: str
    file: str = ""
    lines: str = ""
    """``12-15`` or ``12``; empty where the report names none."""
    text: str = ""
    id: str = ""
    """``SEC-001`` where the report numbers its findings."""


def findings(text: str, path: object) -> tuple[Finding, ...]:
    """Every finding of a TOME.md, in its order."""
    raise NotImplementedError
