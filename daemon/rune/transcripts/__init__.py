"""Past sessions, read from the client's own transcripts and made into trajectories like live ones.

A transcript is one JSONL file per session under ``~/.claude/projects/<folder>/``; what subagents did lies in
``<session>/subagents/agent-<id>.jsonl`` beside it (``isSidechain``). A tool call and its result are two
lines; together they hold what a hook would have been given, so ``rune.events`` makes the same events of them.
"""

from rune.transcripts.importing import Imported, ImportReport, import_all
from rune.transcripts.sessions import Session, default_folder, find, read, reflections_from_transcript

__all__ = [
    "ImportReport",
    "Imported",
    "Session",
    "default_folder",
    "find",
    "import_all",
    "read",
    "reflections_from_transcript",
]
