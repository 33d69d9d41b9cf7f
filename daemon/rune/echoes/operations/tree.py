"""``init``: the folders and headers of the text memory."""

from __future__ import annotations

from dataclasses import dataclass

from rune import files
from rune.echoes.store import Change
from rune.records import echo


@dataclass(frozen=True, slots=True)
class Begun:
    """What init found and made, by role."""

    made: tuple[str, ...]
    there: tuple[str, ...]


def begin(change: Change) -> Begun:
    """A MEMORY.md with its header and an archive for each role; what is there is left alone."""
    missing = tuple(role for role in echo.ROLES if change.read(change.echoes.memory(role)) is None)
    for role in missing:
        change.save(echo.empty(role))
    for role in echo.ROLES:
        files.private_folder(change.echoes.archive(role))
    return Begun(missing, tuple(role for role in echo.ROLES if role not in missing))


def render(begun: Begun, root: str, seen_by_git: bool, hint: str = "") -> str:
    """The report as text.

    Args:
        begun: what was made.
        root: the folder.
        seen_by_git: what the project's settings say.
        hint: why git does not see it all the same.
    """
    lines = [f"made   {role}/MEMORY.md" for role in begun.made]
    lines += [f"there  {role}/MEMORY.md" for role in begun.there]
    git = (
        "git sees nothing of it; echoes.version_controlled: true in .claude/rune-config.yml, "
        "and init once more, change that"
    )
    if seen_by_git:
        git = "echoes.version_controlled is true in .claude/rune-config.yml: "
        git += hint or "git sees the role folders"
    return "\n".join([f"The text memory in {root}", *lines, git])
