import pytest

from rune.echoes import settings
from rune.errors import ConfigError


def write(echoes, text):
    echoes.settings.parent.mkdir(parents=True, exist_ok=True)
    echoes.settings.write_text(text, "utf-8")


@pytest.mark.parametrize(
    "text", ["", "other: {key: 1}\n", "echoes:\n", "echoes: {fts_enabled: true}\n", "# nothing\n"]
)
def test_without_a_word_about_it_echoes_are_not_version_controlled(echoes, text):
    assert not settings.read(echoes).version_controlled
    write(echoes, text)
    assert not settings.read(echoes).version_controlled


@pytest.mark.parametrize(("word", "meant"), [("true", True), ("yes", True), ("false", False)])
def test_a_project_may_say_so(echoes, word, meant):
    write(echoes, f"review:\n  depth: 3\nechoes:\n  version_controlled: {word}\n")
    assert settings.read(echoes).version_controlled is meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echoes: [", r"rune-config\.yml: expected YAML"),
        ("echoes: true", "echoes: expected settings such as `version_controlled: true`, found True"),
        ("- echoes", "expected settings"),
        ("echoes: {version_controlled: maybe}", "version_controlled: expected true or false, found 'maybe'"),
        ("echoes: {version_controled: true}", "version_controled is no setting; did you mean version_c"),
    ],
)
def test_what_is_wrong_is_named(echoes, text, message):
    write(echoes, text)
    with pytest.raises(ConfigError, match=message):
        settings.read(echoes)
