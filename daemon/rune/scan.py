"""The daemon's second look for secrets: ``rune.redact``, then the precise detectors of detect-secrets.

Covered: what ``rune.redact`` covers, services that only detect-secrets knows (Artifactory, Azure storage,
Cloudant, Discord bots, IBM, SoftLayer), and keys with a shape but no literal that is rare enough for a hook.
Not covered: detect-secrets' entropy, keyword, basic-auth and IP detectors are left out, as they take commit
hashes, prose and addresses for secrets. Nothing is verified over the network.
"""

from __future__ import annotations

import re

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from rune.redact import redact
from rune.redact.plausible import MARK, strong
from rune.redact.shapes import START

_NAMES = ("key", "pass", "pwd", "token", "secret")
_DETECTORS: tuple[tuple[tuple[str, ...], type[RegexBasedDetector]], ...] = (
    (("akc", "ap"), ArtifactoryDetector),
    (("akia", "a3t", "abia", "acca", "asia", "aws"), AWSKeyDetector),
    (("accountkey=",), AzureStorageKeyDetector),
    (("cloudant", "cl"), CloudantDetector),
    (("m", "n", "o"), DiscordBotTokenDetector),
    (("gh",), GitHubTokenDetector),
    (("gl",), GitLabTokenDetector),
    (_NAMES, IbmCloudIamDetector),
    (_NAMES, IbmCosHmacDetector),
    (("-us",), MailchimpDetector),
    (("authtoken",), NpmDetector),
    (("t3blbkfj",), OpenAIDetector),
    (("pypi-", "ageichlwas5vcmc", "agendg"), PypiTokenDetector),
    (("sg.",), SendGridDetector),
    (("xox", "hooks.slack.com"), SlackDetector),
    (("softlayer", "sl"), SoftlayerDetector),
    (("sq0csp-",), SquareOAuthDetector),
    (("k_live_",), StripeDetector),
    ((":",), TelegramBotTokenDetector),
    (("ac", "sk"), TwilioKeyDetector),
)
"""Each detector with lower-case literals, one of which every finding of it contains."""

_SHAPES = (
    ("1password-key", ("A3-",), r"A3-[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}(?![\w-])"),
    ("airtable-token", ("pat",), r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}(?!\w)"),
    ("dropbox-token", ("sl.",), r"sl\.[\w=-]{130,}"),
    ("firecrawl-key", ("fc-",), r"fc-[0-9a-f]{32}(?![\w-])"),
    ("harness-token", ("pat.", "sat."), r"[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}(?!\w)"),
    ("infracost-key", ("ico-",), r"ico-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32}(?![\w-])"),
    ("octopus-key", ("API-",), r"API-(?=[A-Z]*[0-9])[A-Z0-9]{25,26}(?![\w-])"),
    ("yandex-key", ("YC",), r"YC(?=[\w-]*[0-9])(?=[\w-]*[a-z])[\w-]{38}(?![\w-])"),
)
"""Name, literals one of which is in every such key, and shape."""
_OWN = tuple((name, literals, re.compile(START + shape, re.ASCII)) for name, literals, shape in _SHAPES)


def scan(text: str) -> tuple[str, dict[str, int]]:
    """The text without secrets, and how many of each type were taken out; the same shape as ``redact``."""
    text, counts = redact(text)
    for name, literals, shape in _OWN:
        if any(literal in text for literal in literals):
            text, number = shape.subn(f"{MARK}{name}]", text)
            if number:
                counts[name] = counts.get(name, 0) + number
    lower = text.lower()
    detectors = [made() for triggers, made in _DETECTORS if any(trigger in lower for trigger in triggers)]
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if any(c.isdigit() for c in line):  # a secret without a digit is none of theirs
            lines[number] = _line(line, detectors, counts)
    return "".join(lines), counts


def _line(line: str, detectors: list[RegexBasedDetector], counts: dict[str, int]) -> str:
    for detector in detectors:
        for secret in set(detector.analyze_string(line)):
            found = secret.strip(" \t\"'=:")
            if strong(found) and MARK not in found and found in line:
                name = str(detector.secret_type).lower().replace(" ", "-")
                counts[name] = counts.get(name, 0) + line.count(found)
                line = line.replace(found, f"{MARK}{name}]")
    return line
