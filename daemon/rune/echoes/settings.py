"""The project's ``.claude/rune-config.yml``, as far as it concerns the text memory.

    echoes:
      version_controlled: true

The file is shared with other plugins: what Rune does not know there is none of its business.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import yaml

from rune.errors import ConfigError
from rune.paths import Echoes

KEY = "version_controlled"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says about its echoes."""

    version_controlled: bool = False
    """Role folders are kept in git; sessions, adapters and the rest never are."""


def read(echoes: Echoes) -> Settings:
    """The project's settings; a missing file or section means the defaults.

    Raises:
        ConfigError: no YAML, or a value of another type; file and key are named.
    """
    path = echoes.settings
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: expected YAML: {' '.join(str(error).split())}") from None
    section = raw.get("echoes") if isinstance(raw, dict) else raw
    if section is None:
        return Settings()
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: echoes: expected settings such as `{KEY}: true`, found {section!r}")
    value = section.get(KEY, False)
    if not isinstance(value, bool):
        raise ConfigError(f"{path}: echoes.{KEY}: expected true or false, found {value!r}")
    if KEY not in section and (near := difflib.get_close_matches(KEY, map(str, section), 1, 0.8)):
        raise ConfigError(f"{path}: echoes.{near[0]} is no setting; did you mean {KEY}?")
    return Settings(value)
