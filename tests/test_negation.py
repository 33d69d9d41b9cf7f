"""What a text denies, and whether a sentence denies the same of it."""

from __future__ import annotations

import time

import pytest

from rune.negation import contradicts


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Never run `make deploy` before Friday.", "Run `make deploy` before Friday."),
        ("Run `make deploy` before Friday.", "Never run `make deploy` before Friday."),
        ("Run `make deploy` on staging.", "Do not ever execute `make deploy` on staging."),
        ("The migration must not run before the backup.", "The migration must run before the backup."),
        ("The migration must run before the backup.", "The migration must not\nrun before the backup."),
        ("The migration drops no table.", "The migration drops the table."),
        ("The upload works without the token.", "The upload works with the token."),
        ("The upload works with the token.", "The upload works without the token."),
        ("The tests fail on Windows.", "The tests no longer fail on Windows."),
        ("You can restart it during an upload.", "You can’t restart it during an upload."),
        ("None of the uploads arrive.", "All of the uploads arrive."),
        ("Use pip, not uv.", "Use uv, not pip."),
        ("Use pip.", "Use uv rather than pip."),
        ("It is safe, but never on staging.", "It is safe on staging."),
        ("Never, under any circumstances, run it.", "Under any circumstances, run it."),
        ("Starte `make deploy` vor Freitag.", "Starte `make deploy` nicht vor Freitag."),
        ("Der Parser läuft.", "Der Parser läuft nicht."),
        ("Никогда не запускайте `make test`.", "Запускайте `make test`."),
    ],
)
def test_the_opposite_contradicts(sentence, text):
    assert contradicts(sentence, [text])
    assert not contradicts(text.replace("\n", " "), [text])
    assert not contradicts(sentence, [text, sentence])


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Use uv.", "Use uv, not pip."),
        ("Use uv, not pip.", "Use uv instead of pip."),
        ("The cache isn't used by the gateway.", "The gateway does not use the cache."),
        ("The gateway retries.", "The gateway retries. It never logs. Nothing else happens."),
        ("`tz` was UTC.", "The tests did not fail on Windows because `tz` was UTC."),
        ("Run `make test`.", "$ make test\x00\nnever run make test twice"),
        ("It returns `None` when the token is missing.", "if not token: return None"),
        ("Replace `if not x:` with `if x:`.", "if not x:\n    return\nif x:\n    return"),
        ("No tests failed.", "12 passed, 0 failed"),
        ("The tests run.", "0 tests failed in this run"),
        ("It serves files.", "It does not only serve files."),
        ("Run `git push --no-verify`.", "run git push --no-verify"),
        ("The port is 80.", "No, the port is 80."),
        ("Say whether it works.", "Say whether or not it works."),
        ("", ""),
    ],
)
def test_what_denies_something_else_does_not(sentence, text):
    assert not contradicts(sentence, [text])


def test_what_is_nearest_decides_wherever_it_stands():
    far = "The migration of the users ran before the backup of the cluster."
    near = "The migration must never run before the backup."
    assert contradicts("The migration must run before the backup.", [far, near])
    assert not contradicts("The migration must never run before the backup.", [far, near])


@pytest.mark.parametrize("mark", ["=", ".", "/", ":", "-", "`", "_", "a.", "no ", "1,", "' ", ";\n", " ("])
def test_what_repeats_itself_is_soon_read(mark):
    began = time.process_time()
    contradicts("It is not " + mark * 8000, ["It is not " + mark * 8000])
    assert time.process_time() - began < 2.0
