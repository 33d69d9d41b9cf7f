"""The daemon's second look for secrets: ``rune.redact``, then the precise detectors of detect-secrets.

Covered: what ``rune.redact`` covers, and services that only detect-secrets knows (Artifactory, Azure storage,
Cloudant, Discord bots, IBM, SoftLayer).
Not covered: detect-secrets' entropy, keyword, basic-auth and IP detectors are left out, as they take commit
hashes, prose and addresses for secrets. Nothing is verified over the network.
"""

from __future__ import annotations

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


def scan(text: str) -> tuple[str, dict[str, int]]:
    """The text without secrets, and how many of each type were taken out; the same shape as ``redact``."""
    text, counts = redact(text)
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
