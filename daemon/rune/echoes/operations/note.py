"""``note``: what an agent found out in the middle of its work; it waits among its findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rune.echoes import filter, findings
from rune.echoes.operations import etch
from rune.echoes.operations.etch import Draft
from rune.echoes.store import Store
from rune.errors import EchoError
from rune.records.echo import Entry

SURE = 0.7
"""As sure as what was written down with rune_ingest."""
WORKFLOWS = {"planner": "plan", "reviewer": "review", "auditor": "audit"}
"""Role -> what it does; the others work."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What was written."""

    role: str
    entry: Entry
    path: str
    redacted: Mapping[str, int]
    """Secrets that were taken out before writing, by type."""


def write(store: Store, role: str, agent: str, draft: Draft) -> Noted:
    """Add a traced entry to what an agent has found; also while sessions are at work.

    Raises:
        OnlyTheLead: another agent wants to write for the team.
        EchoError: there is no such role, no learning or no evidence.
    """
    title, learning = etch.split(draft.text)
    if not learning:
        raise EchoError("learning", "`Title: the learning in one to three sentences`", draft.text)
    clean = filter.clean(
        Entry(
            "traced", title, store.today, learning, draft.evidence, _source(store, role, agent), SURE,
            supersedes=draft.supersedes, label=draft.label, fields=draft.fields,
        )
    )  # fmt: skip
    path = findings.record(store, role, agent, [clean.entry])
    return Noted(role, clean.entry, path.relative_to(store.echoes.project).as_posix(), clean.removed)


def _source(store: Store, role: str, agent: str) -> str:
    """The session at work, so that forgetting it reaches the note; the agent where that is not just one."""
    sessions = {phase.session for phase in store.active()}
    return f"rune:{WORKFLOWS.get(role, 'work')} {sessions.pop() if len(sessions) == 1 else agent}"


def render(done: Noted) -> str:
    """Where it lies, and until when."""
    secrets = ", ".join(f"{count} {kind}" for kind, count in sorted(done.redacted.items()))
    return "\n".join([
        f"noted    {done.path}: {done.entry.label}: {done.entry.title}",
        *([f"taken out before writing: {secrets}"] if secrets else []),
        f"it is taken into the memory of {done.role} when the session ends",
    ])  # fmt: skip
