from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes.filter import clean, clean_text
from rune.records import echo
from rune.records.echo import Entry

AWS = "AKIA" + "Z7Q2M4XK9P3RT8VW"
GITHUB = "ghp_" + "a8Kd03jfLq92mNbX7vTz5RwYc1HsGu4Pe6Zo"
PASSWORD = "hunter2" + "Rocks!9"
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7qK2x9V1fJ" * 2 + "\n-----END RSA PRIVATE KEY-----"
)


@pytest.fixture
def told(entry):
    """``told(field=...)`` is an entry without secrets but for that field."""
    plain = entry("Retry the upload", evidence=("`up.py:3-9` — retried",))
    return lambda **changes: replace(plain, **changes)


def test_an_entry_without_secrets_is_the_same_to_the_byte(told):
    raw = echo.print_entry(told()).replace("- **layer**", "* **Layer**")
    [read] = echo.parse(raw, "x").entries
    kept = clean(read)
    assert kept.entry is read
    assert (kept.removed, echo.print_entry(kept.entry)) == ({}, raw)


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [
        ("learning", f"Set the key {AWS} in the job.", "aws-access-key"),
        ("learning", f"Send `Authorization: Bearer {GITHUB}` along.", "github-token"),
        ("learning", f"password: {PASSWORD} opens the staging box.", "password"),
        ("learning", "Connect to postgres://app:" + "s3cr3tPw99@db/app.", "url-password"),
        ("learning", f"The file is\n{KEY}\nand nothing else.", "private-key"),
        ("title", f"Retry with {GITHUB}", "github-token"),
        ("source", f"rune:work --token={GITHUB}", "github-token"),
        ("supersedes", f"Retry with {AWS}", "aws-access-key"),
    ],
)
def test_a_learning_is_kept_and_its_secret_becomes_its_type(told, field, text, kind):
    kept = clean(told(**{field: text}))
    said = getattr(kept.entry, field)
    assert f"[redacted:{kind}]" in said
    assert said.split()[0] == text.split()[0]
    assert kept.removed == {kind: 1}
    printed = echo.print_entry(kept.entry)
    assert not any(secret in printed for secret in (AWS, GITHUB, PASSWORD, "s3cr3tPw99", KEY[40:80]))


def test_what_was_found_at_a_place_goes_and_the_place_stays(told):
    kept = clean(
        told(evidence=(f"`ci/deploy.yml:12-14` — AWS_KEY={AWS} in plain sight", "`up.py:3` — retried"))
    )
    assert kept.entry.evidence == ("`ci/deploy.yml:12-14` — [redacted:aws-access-key]", "`up.py:3` — retried")
    assert kept.entry.learning == told().learning


@pytest.mark.parametrize(
    ("evidence", "left"),
    [
        (f"CI logs — token {GITHUB} printed", "[redacted:github-token]"),
        (f"`curl -H 'X-Key: {AWS}' https://x` — 403", "[redacted:aws-access-key]"),
        (
            f"src/up.py:3-9 — {AWS}, {GITHUB}",
            "src/up.py:3-9 — [redacted:aws-access-key] [redacted:github-token]",
        ),
    ],
)
def test_evidence_without_a_clean_place_is_its_types_alone(told, evidence, left):
    assert clean(told(evidence=(evidence,))).entry.evidence == (left,)


def test_evidence_is_never_empty_after_filtering(told):
    echo.check_evidence(clean(told(evidence=(AWS,))).entry)


def test_a_named_bullet_whose_name_announces_a_secret_loses_its_value(told):
    kept = clean(
        told(fields=(("symptom", "403 on upload"), ("api_key", "f3a9c1d27b88e0"), ("tags", "s3, ci")))
    )
    assert [name for name, _ in kept.entry.fields] == ["symptom", "api_key", "tags"]
    assert dict(kept.entry.fields)["api_key"].startswith("[redacted:")
    assert dict(kept.entry.fields)["tags"] == "s3, ci"


def test_a_private_key_that_is_spread_over_the_evidence_is_gone(told):
    kept = clean(told(evidence=("`a.pem:1-4` — committed", *KEY.split("\n"))))
    assert "MIIE" not in echo.print_entry(kept.entry)
    assert kept.entry.evidence[0] == "`a.pem:1-4` — committed"


# e-mail


ADDRESS = "`users.csv:7` — rita.m@example.org fails"


@pytest.mark.parametrize(
    "learning",
    [
        "Addresses with a plus are rejected by the e-mail validator.",
        "The mailer retries twice.",
        "SMTP answers 550 for unknown users.",
    ],
)
def test_addresses_stay_in_evidence_where_the_learning_is_about_email(told, learning):
    entry = told(learning=learning, evidence=(ADDRESS,))
    assert clean(entry).entry is entry


@pytest.mark.parametrize(
    "learning",
    ["The importer drops the last row.", "The row of rita@mail.example.org is dropped, user_email too."],
)
def test_elsewhere_they_go(told, learning):
    kept = clean(told(learning=learning, evidence=(ADDRESS,)))
    assert kept.entry.evidence == ("`users.csv:7` — [redacted:email]",)
    assert kept.removed == {"email": 1}
    assert kept.entry.learning == learning


def test_a_secret_goes_even_where_the_learning_is_about_email(told):
    kept = clean(told(title="SMTP login", evidence=(f"`mail.py:3` — login as a@b.org with {GITHUB}",)))
    assert kept.entry.evidence == ("`mail.py:3` — [redacted:github-token]",)


# always


WORDS = st.sampled_from(
    [
        "retry",
        AWS,
        GITHUB,
        f"password={PASSWORD}",
        "rita@example.org",
        "`a.py:3`",
        "—",
        "\n",
        "9f86d081884c7d659a2feaa0c55ad015",
        "SMTP",
    ]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(learning=TEXTS, evidence=st.lists(TEXTS, min_size=1, max_size=3), symptom=TEXTS)
def test_filtering_twice_changes_nothing_and_no_secret_is_left(learning, evidence, symptom):
    day = date(2026, 11, 1)
    entry = Entry("traced", "Login", day, learning, tuple(evidence), fields=(("symptom", symptom),))
    once = clean(entry).entry
    assert clean(once) == clean(clean(once).entry)
    assert clean(once).entry is once
    printed = echo.print_entry(once)
    assert not any(secret in printed for secret in (AWS, GITHUB, PASSWORD))
    assert clean_text(printed)[1] == {}


def test_what_stands_between_the_parts_of_an_entry_is_not_printed_again_either(told):
    raw = echo.print_entry(told()) + f"\n<!-- {GITHUB} -->\n"
    entries = echo.parse(raw, "x").entries
    assert not any(GITHUB in echo.print_entry(clean(entry).entry) for entry in entries)
