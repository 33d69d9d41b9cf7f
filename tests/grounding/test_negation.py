"""What a text denies, and whether a sentence denies the same of it."""

from __future__ import annotations

import time

import pytest

from rune.grounding.negation import contradicts, headed


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
        ("Push to `main`.", "Pushing to `main` is forbidden."),
        ("Push to `main`.", "Pushing to `main` isn't allowed here."),
        ("Delete the cache before a release.", "Deleting the cache before a release is never okay."),
        ("Mock the clock in tests.", "Refrain from mocking the clock in tests."),
        ("Use `rm -rf build`.", "Avoid `rm -rf build`."),
        ("Avoid `print` in handlers.", "Use `print` in handlers."),
        ("We run `make lint` before commits.", "We stopped running `make lint` before commits."),
        ("Reset the database.", "It is prohibited to reset the database."),
        (
            "Reset the database in tests.",
            "We do not want anybody on the whole team to reset the database in tests.",
        ),
        ("The cache evicts old entries.", "The cache fails to evict old entries."),
        ("The cache has an index on the key.", "The cache lacks an index on the key."),
        (
            "Amend published commits.",
            "Please do not, however small the change may look, amend published commits.",
        ),
        ("Amend published commits.", "Amend published commits: never."),
        ("Amend published commits.", "Amend published commits: no, never."),
        ("Amend published commits.", "Things that must not be done: amend published commits."),
        ("The queue is blocking.", "The queue is non-blocking."),
        ("The config is valid.", "The config is invalid."),
        ("It is uncommitted, from this commit.", "It is uncommitted, not from this commit."),
        ("Use `eval` in templates.", "Using `eval` in templates is a bad idea."),
        ("`pip install a` failed: module named b.", "$ pip install a\nIt failed: no module named b."),
        ("The build succeeds on Windows.", "The build fails on Windows."),
        ("The header is required.", "The header is optional."),
        ("Restart the worker after a deploy.", "A restart of the worker after a deploy is unnecessary."),
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
        ("Use uv instead of pip.", "Do not use pip but uv."),
        ("It is not from this commit but uncommitted.", "The errors are uncommitted, not from this commit."),
        ("Use uv rather than pip to install.", "Use uv to install. Do not use pip."),
        ("Use `make clean`.", "Avoid `rm -rf build`, use `make clean` instead."),
        ("Use `git push`.", "Never use `git push --force`, use `git push`."),
        ("Do not push to `main`.", "Pushing to `main` is forbidden."),
        ("The cache does not evict old entries.", "The cache fails to evict old entries."),
        ("The flag is optional.", "The flag is not required."),
        ("Run the migration.", "Don't forget to run the migration."),
        ("Stop the worker before the deploy.", "Before the deploy, stop the worker."),
        ("Reading it is safe.", "Reading it is safe, writing it is not safe."),
        ("The test fails without `DEBUG`.", "The test fails if `DEBUG` is not set."),
        ("It broke as `a.toml` was missing.", "Error: failed to load a.toml: missing, so it broke"),
        ("The tests pass again.", "The tests pass again after they failed."),
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


def test_code_is_denied_with_its_verb_and_as_a_whole():
    said = "Never use `git push --force`, use `git push`."
    assert contradicts("Use `git push --force`.", [said])
    assert not contradicts("Use `git push`.", [said])
    assert contradicts("Use `requests`.", ["Use `httpx`. Never `requests`."])
    assert not contradicts(
        "Read `gen/api.py` first.", ["Do not edit `gen/api.py` by hand; read `gen/api.py` first."]
    )


def test_a_question_that_is_answered_with_no_is_denied():
    assert contradicts("Amend published commits.", ["Amend published commits? Never!"])
    assert contradicts("Amend published commits.", ["Amend published commits? No, use a new one."])
    assert not contradicts("Amend published commits.", ["Amend published commits? Yes, always."])


@pytest.mark.parametrize(
    "heading", ["Don't:", "Never:", "## Don'ts", "**Avoid**", "Not allowed:", "Do not run:", "- Forbidden:"]
)
def test_a_heading_denies_its_list(heading):
    found = headed([heading, "  - Push", "", "  1. Pull", "And so on.", "  - Fetch"])
    assert found == [heading, "  - never: Push", "", "  1. never: Pull", "And so on.", "  - Fetch"]


@pytest.mark.parametrize(
    "heading", ["Do:", "Notes", "It must not be empty", "It does not work on Windows:", "Without a fix:"]
)
def test_another_heading_denies_nothing(heading):
    assert headed([heading, "- Push"]) == [heading, "- Push"]


@pytest.mark.parametrize("mark", ["=", ".", "/", ":", "-", "`", "_", "a.", "no ", "1,", "' ", ";\n", " ("])
def test_what_repeats_itself_is_soon_read(mark):
    began = time.process_time()
    contradicts("It is not " + mark * 8000, ["It is not " + mark * 8000])
    assert time.process_time() - began < 2.0
