"""Every path Rune touches, from two roots: the machine's home and the project's echoes folder.

Hooks may not import this package (they run before anything is installed), so ``hooks/_link.py`` repeats
four facts of this file: the home, the spool file of a session, the socket, and the launch file.
``tests/test_hooks.py`` holds both against each other.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

SOCKET_LIMIT = 100
"""Bytes of a Unix socket path that every platform takes (Linux 108, macOS 104)."""


@dataclass(frozen=True, slots=True)
class Home:
    """What belongs to the machine and not to a project (``RUNE_HOME``)."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings a person may write."""
        return self.root / "config.toml"

    @property
    def models(self) -> Path:
        """Base models and the embedder, one folder each."""
        return self.root / "models"

    @property
    def hypernets(self) -> Path:
        """Hypernetworks, one folder each."""
        return self.root / "hypernets"

    def hypernet(self, name: str) -> Path:
        """The folder of one: a name in ``hypernets``, or a folder elsewhere."""
        return self.hypernets / Path(name).expanduser()

    @property
    def fetched(self) -> Path:
        """Adapters from a shared store, one folder each; may be deleted."""
        return self.root / "fetched"

    @property
    def spool(self) -> Path:
        """What hooks have written and nobody has drained yet."""
        return self.root / "spool"

    @property
    def jobs(self) -> Path:
        """The durable journal of distillations."""
        return self.root / "jobs.jsonl"

    @property
    def projects(self) -> Path:
        """The projects whose sessions were captured, one line each."""
        return self.root / "projects.jsonl"

    @property
    def index(self) -> Path:
        """Derived search data; may be deleted."""
        return self.root / "index"

    @property
    def installation(self) -> Path:
        """The id of this installation; there once search data lie on a server."""
        return self.root / "installation.json"

    @property
    def general(self) -> Path:
        """What the base says to general questions; may be deleted."""
        return self.root / "general.json"

    @property
    def run(self) -> Path:
        """Lock and socket of the daemon."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Logs of daemon and worker."""
        return self.root / "logs"

    @property
    def launch(self) -> Path:
        """How hooks and the MCP entry start Rune's Python: ``{"argv": [...]}``, written by ``rune setup``."""
        return self.root / "launch.json"

    @property
    def api_keys(self) -> Path:
        """Who may use the HTTP endpoint; its owner's eyes only."""
        return self.root / "api-keys.json"

    @property
    def socket(self) -> Path:
        """The daemon's socket; moved to the temporary folder where the home's path is too long for one."""
        path = self.run / "daemon.sock"
        if len(os.fsencode(path)) <= SOCKET_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"rune-{os.getuid()}" / f"{digest}.sock"


@dataclass(frozen=True, slots=True)
class Echoes:
    """What belongs to one project: ``<project>/.claude/echoes``."""

    project: Path

    @property
    def root(self) -> Path:
        """The folder itself."""
        return self.project / ".claude" / "echoes"

    @property
    def trajectories(self) -> Path:
        """One JSONL file per session."""
        return self.root / "trajectories"

    @property
    def adapters(self) -> Path:
        """One read-only folder per adapter."""
        return self.root / "adapters"

    @property
    def ledger(self) -> Path:
        """Append-only: scores, outcomes and state changes of adapters."""
        return self.adapters / "ledger.jsonl"

    @property
    def outlines(self) -> Path:
        """What a listing needs of every card; derived, may be deleted."""
        return self.adapters / ".outlines.json"

    @property
    def recalls(self) -> Path:
        """Which adapter answered in which session; append-only."""
        return self.adapters / "recalls.jsonl"

    def trajectory(self, session: str) -> Path:
        """The file of one session."""
        return self.trajectories / f"{safe_name(session)}.jsonl"

    @property
    def lock(self) -> Path:
        """Held by whoever changes the text memory."""
        return self.root / ".lock"

    @property
    def journal(self) -> Path:
        """The last changes of the text memory, one folder each, with the bytes before them."""
        return self.root / "journal"

    @property
    def uses(self) -> Path:
        """Which echoes were recalled, in which session; append-only."""
        return self.root / "uses.jsonl"

    @property
    def gathered(self) -> Path:
        """Which sessions and reports the text memory was filled from; append-only."""
        return self.root / "gathered.jsonl"

    @property
    def ignore(self) -> Path:
        """What keeps the folder out of git."""
        return self.root / ".gitignore"

    @property
    def settings(self) -> Path:
        """The project's settings, shared with other plugins: ``.claude/rune-config.yml``."""
        return self.project / ".claude" / "rune-config.yml"

    @property
    def solutions(self) -> Path:
        """Remembrance documents, for people: one folder per category."""
        return self.project / "docs" / "solutions"

    def role(self, role: str) -> Path:
        """The text memory of one role."""
        return self.root / role

    def memory(self, role: str) -> Path:
        """What a role has learnt."""
        return self.role(role) / "MEMORY.md"

    def knowledge(self, role: str) -> Path:
        """What a role's older entries were compressed into."""
        return self.role(role) / "knowledge.md"

    def archive(self, role: str) -> Path:
        """What left a role's memory, and its backups; never loaded."""
        return self.role(role) / "archive"

    def findings(self, role: str, agent: str) -> Path:
        """What one agent has found since the last consolidation."""
        return self.role(role) / f"{safe_name(agent)}-findings.md"


def home() -> Home:
    """``$RUNE_HOME``, or the platform's folder for user data."""
    given = os.environ.get("RUNE_HOME")
    return Home(Path(given) if given else Path(platformdirs.user_data_path("rune", appauthor=False)))


def packed(folder: Path, digest: str) -> Path:
    """The packed file of an adapter, beside its folder: whoever deletes the one deletes the other."""
    return folder.parent / ".packed" / f"{digest}.lora"


def safe_name(session: str) -> str:
    """A session id as a file name: letters, digits, dot, dash and underscore stay; at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", session).lstrip(".")[:80] or "unnamed"


def project_root(folder: Path) -> Path:
    """The one project that a folder belongs to: worktrees and subfolders lead to the main checkout.

    Without git, the nearest folder upwards that has a ``.claude`` folder (never the user's home, whose
    ``.claude`` belongs to the client), else the folder itself.
    """
    folder = folder.resolve()
    for place in (folder, *folder.parents):
        marker = place / ".git"
        if marker.is_dir():
            return place
        if marker.is_file():
            return _main_checkout(marker) or place
    users_home = Path.home().resolve()
    for place in (folder, *folder.parents):
        if place != users_home and (place / ".claude").is_dir():
            return place
    return folder


def standing(folder: Path) -> Path | None:
    """The folder; where it is gone, the git checkout that it lay in; None where none of them exists.

    A worktree or subfolder is often gone before its session is read. The user's home is no such checkout,
    even under version control: a project that was moved away would leave its sessions there.
    """
    if folder.is_dir():
        return folder
    users_home = Path.home().resolve()
    parents = folder.parents if folder.is_absolute() else ()
    return next((place for place in parents if place != users_home and (place / ".git").exists()), None)


def _main_checkout(marker: Path) -> Path | None:
    """The checkout that owns a worktree, read from its ``.git`` file; None for a submodule or broken file."""
    try:
        text = marker.read_text("utf-8").strip()
        git_dir = (marker.parent / text.removeprefix("gitdir:").strip()).resolve()
        common = (git_dir / (git_dir / "commondir").read_text("utf-8").strip()).resolve()
    except (OSError, ValueError):
        return None
    return common.parent if common.name == ".git" else None
