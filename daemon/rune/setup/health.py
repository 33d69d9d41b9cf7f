"""``rune doctor``: what setup left undone or what broke since, each with its way out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from rune import client
from rune.config import ModelConfig
from rune.errors import RuneError
from rune.paths import Home
from rune.records import launch, model
from rune.setup import quantising

AGAIN = "run `rune setup`"
_WAYS_OUT = (AGAIN, "update rune-memory")
_HARMLESS = "another daemon lives already"
"""What the second of two daemons says before it leaves."""
_SHOWN = 6
"""Lines of a log."""


class Problem(NamedTuple):
    """Something that setup left undone or that broke since."""

    what: str
    way_out: str


def doctor(home: Home, chosen: ModelConfig, settings: Path) -> list[Problem]:
    """Everything that is wrong; ``settings`` is the client's file that says which plugins are enabled."""
    found = [daemon_problem(home), twins_problem(_json(settings), settings)]
    found.append(quantising_problem(chosen))
    return [*check(home, chosen, deep=True), *(problem for problem in found if problem)]


def client_settings() -> Path:
    """Where the client keeps the settings of its user."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / "settings.json"


def check(home: Home, chosen: ModelConfig, *, deep: bool = False) -> list[Problem]:
    """What is wrong with what setup made; ``deep`` hashes the models, which takes a second or two."""
    found = [_model_problem(home, name, deep=deep) for name in (chosen.base, chosen.embedder)]
    found += [_launch_problem(home), _privacy_problem(home)]
    return [problem for problem in found if problem]


def daemon_problem(home: Home) -> Problem | None:
    """What the last daemon that a hook started said before it left; none while one runs."""
    path = home.logs / "launch.log"
    try:
        said = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return None
    if not [line for line in said if line.strip() != _HARMLESS] or client.running(home.socket):
        return None
    end = "".join(f"\n    {line}" for line in said[-_SHOWN:])
    what = f"no daemon runs; the last one that a hook started said ({path}):{end}"
    return Problem(what, "mend that, then `rune daemon start`")


def quantising_problem(chosen: ModelConfig) -> Problem | None:
    """Weights that this machine cannot keep as configured: bitsandbytes went away, or the home moved."""
    if not (said := quantising.problem(chosen)):
        return None
    what, _, way_out = said.rpartition(": ")
    return Problem(what, way_out)


def twins(settings: Any) -> list[str]:
    """The plugins called rune that the client has enabled, where there are several: each captures everything.

    >>> twins({"enabledPlugins": {"rune@rune-memory": True, "rune@other": True, "runes@x": True}})
    ['rune@other', 'rune@rune-memory']
    """
    enabled = settings.get("enabledPlugins") if isinstance(settings, dict) else None
    if not isinstance(enabled, dict):
        return []
    found = sorted(name for name, on in enabled.items() if name.startswith("rune@") and on)
    return found if len(found) > 1 else []


def twins_problem(settings: Any, path: Path) -> Problem | None:
    """Two plugins called rune, and which commands leave one."""
    found = twins(settings)
    if not found:
        return None
    return Problem(
        f"{path} enables {len(found)} plugins called rune: {', '.join(found)}",
        "disable all but one with `claude plugin disable <name>`",
    )


def _json(path: Path) -> Any:
    """The client's own file: where it cannot be read, that is not Rune's to report."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _problem(error: RuneError) -> Problem:
    """Errors that are shown alone end with their way out; here it has a place of its own."""
    what, _, way_out = str(error).rpartition(": ")
    return Problem(what, way_out) if way_out in _WAYS_OUT else Problem(str(error), AGAIN)


def _model_problem(home: Home, name: str, *, deep: bool) -> Problem | None:
    try:
        folder = model.locate(home, name)
        model.base_hash(folder, home)
        ours = (folder / model.NAME).is_file()
        broken = model.damage(folder, model.read(folder), deep=deep) if ours else None
    except RuneError as error:
        return _problem(error)
    return Problem(broken, AGAIN) if broken else None


def _launch_problem(home: Home) -> Problem | None:
    try:
        python = launch.read(home.launch).argv[0]
    except FileNotFoundError:
        return Problem(f"{home.launch} is missing: hooks cannot start the daemon", AGAIN)
    except RuneError as error:
        return _problem(error)
    if not os.access(python, os.X_OK):
        return Problem(f"{home.launch} names {python}, which cannot be run", AGAIN)
    return None


def _privacy_problem(home: Home) -> Problem | None:
    if home.root.is_dir() and (mode := home.root.stat().st_mode & 0o077):
        return Problem(f"{home.root} is open to others (mode {mode:03o} too much)", f"chmod 700 {home.root}")
    return None
