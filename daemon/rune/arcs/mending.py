"""What of a command line edits files so that a failure can be mended by it.

What keeps the output of a run, or moves it, mends nothing, nor does a run itself, but for one that tidies.
"""

from __future__ import annotations

from collections.abc import Collection

from rune.arcs import deeds, kinds
from rune.records.trajectory import Execution
from rune.running import editing, programs, shell, unfold


def edits(event: Execution, parts: Collection[int], family: str, failed: Execution, project: str) -> str:
    """The commands of a line that can mend a failure; empty where there is none.

    Args:
        event: the whole line.
        parts: the numbers of the parts that came to pass, and of which nothing else is known.
        family: of the run that failed.
        failed: that run: what stands in its command mends it no more, what it asked for does.
        project: the folder of the project.

    >>> run = Execution("e", 0.0, "Bash", "cd app && sed -i '3d' a.py && pytest | tee out.log", "", True)
    >>> edits(run, range(4), "pytest", Execution("f", 0.0, "Bash", "pytest", "1 failed", False), "")
    "cd app && sed -i '3d' a.py"
    """
    if event.tool != unfold.SHELL:
        return ""
    told: list[str] = []
    entered = ""
    for pipe in shell.pipes(event.command):
        head = pipe[0][1]
        text = " | ".join(part.whole for _, part in pipe)
        if head.words[:1] == ("cd",):
            entered = "" if project and head.words[1:] == (project,) else text
            continue
        running = bool(programs.family(head))  # what its output goes through mends nothing
        mends = any(
            number in parts
            and not (running and part is not head)
            and editing.able(part, fed, family, failed.text)
            and not _kept(event.command, number, project)
            for (number, part), (_, fed) in zip(pipe, [(0, None), *pipe], strict=False)
        )
        if mends and text not in failed.command:
            told += [*filter(None, [entered]), text]
            entered = ""
    return " && ".join(told)


def _kept(command: str, number: int, project: str) -> bool:
    """Whether all that a part of a command writes are results: logs, what was built, files elsewhere."""
    named = deeds.targets(command, number, project)
    return bool(named) and all(map(kinds.built, named))
