"""The daemon's second look finds what only detect-secrets knows, and leaves what is no secret."""

import pytest

from rune.redact import redact
from rune.scan import scan

FOUND = {
    "artifactory-credentials": "artifactory: AKC~p8abcdefghij0123",
    "discord-bot-token": "discord.login(M~Tk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs)",
    "octopus-key": "API-~ZVWMR3Y51GMRE73878RCX8QN3G",
    "firecrawl-key": "fc-~96c3e07ae8e68a7c4cdf850241095531",
    "airtable-token": "pat~Ab3dE5fG7hJ9kL." + "0123456789abcdef" * 4,
    "softlayer-credentials": "https://api.softlayer.com/soap/v3/" + "a1b2c3d4" * 8,
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_secret_that_only_detect_secrets_knows_is_taken_out(kind):
    text = FOUND[kind].replace("~", "")
    assert redact(text) == (text, {})
    clean, counts = scan(text)
    assert counts == {kind: 1}
    assert f"[redacted:{kind}]" in clean


def test_the_first_look_is_part_of_it_and_names_the_type():
    assert scan("DB_PASSWORD=hunter2") == ("DB_PASSWORD=[redacted:password]", {"password": 1})


@pytest.mark.parametrize(
    "text",
    [
        "commit 3f786850e387550fdab836ed7e6dc881de23001b\r\nAuthor: x\n",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "key 123e4567-e89b-12d3-a456-426614174000",
        "10.0.0.1:8080 and 192.168.1.20",
        "the password is checked in auth.py",
        " APCalculatorTest passed\x0bnext\u2028line\n\n",
        "class MobileNavigationMenuItemView.Inner1.something",
        "",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(text):
    assert scan(text) == (text, {})


def test_scanning_twice_changes_nothing():
    text = "\n".join(secret.replace("~", "") for secret in FOUND.values()) + "\nDB_PASSWORD=hunter2\n"
    once, _ = scan(text)
    assert scan(once) == (once, {})


def test_a_large_event_of_one_line_is_scanned_as_a_whole():
    secret = FOUND["discord-bot-token"].replace("~", "")
    clean, counts = scan("some words, key token 12 " * 8000 + secret)
    assert counts == {"discord-bot-token": 1}
    assert clean.endswith("discord.login([redacted:discord-bot-token])")
