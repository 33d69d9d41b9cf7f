"""Secrets that prose tells and that commands take as an argument, behind the name of what they are.

Standard library, Python 3.9; see ``rune.redact.assigned``.
"""

from rune.redact import reading
from rune.redact.plausible import MARK, SPACE, is_secret, jumbled, mixed, path, placeholder, strong

_ALGORITHMS = ("sha", "md5", "base64", "utf", "bcrypt", "argon", "oauth", "aes", "rsa", "x509")
_SPOKEN_STOP = reading.BARE_STOP - {"&"}
_SIGNS = "!@#$%^&*~?"
"""What passwords have inside, and words only around them."""
_VERBS = (
    " is now ", " now is ", " is set to ", " was set to ", " was changed to ", " changed to ", " set to ",
    " is: ", " is ", " was ", " will be ", " to ",
)  # fmt: skip
_ABOUT = (" for ", " of ", " on ")
_PLAIN_NAMES = ("password", "passwd", "secret", "token", "apikey")
_PLAIN_SORTS = ("password", "secret", "token", "api-key", "aws-secret-key")
_NOTHING = (0, 0, "")


def argument(text: str, left: int, right: int, sort: str) -> tuple[int, int, str]:
    """``aws configure set aws_secret_access_key wJa...``; ``ENV SECRET_KEY 9f8...`` of a Dockerfile."""
    name = text[left:right]
    start, end = right + 1, reading.run(text, right + 1, reading.ENV_STOP)
    constant = sort == "aws-secret-key" or ("_" in name and name == name.upper())
    value = text[start:end]
    fits = constant and text[right : right + 1] == " " and len(value) >= 16 and MARK not in value
    fits = fits and mixed(value) and strong(value) and is_secret(sort, value)
    return (start, end, sort) if fits else _NOTHING


def spoken(text: str, lower: str, left: int, right: int) -> "tuple[int, int, str] | None":
    """``login me password hunter2`` (.netrc); ``the password is hunter2``, ``password hunter2x!``."""
    if lower[max(0, left - 200) : left].split()[-2:-1] in (["login"], ["account"], ["machine"]):
        start = right + len(text[right : right + 32]) - len(text[right : right + 32].lstrip())
        end = reading.run(text, start, SPACE)
        fits = start > right and end > start and not text.startswith(MARK, start)
        return (start, end, "password") if fits else None
    if lower.startswith((" is the ", " as the "), left - 8):
        return _before(text, left - 8)
    start = _verb_end(lower, right)
    named = not start and lower[left:right] in ("password", "passphrase", "passcode")
    if not start and not (named and text[right : right + 1] == " "):
        return None
    least = 6 if lower.startswith((" is ", " is: ", " was "), right) else 8
    start = start or right + 1
    if text[start : start + 1] in ('"', "'", "`"):
        start, end, _ = reading.value_at(text, start, "bare")
        value = text[start:end]
        told = len(value) >= 4 and is_secret("password", value, "quoted")
        fits = _blurted(value, 8) if least == 8 else told
    else:
        end = reading.trimmed(text, start, reading.run(text, start, _SPOKEN_STOP))
        value = text[start:end]
        code = text[end : end + 1] in ("(", "[", "{")
        code = code or (named and (("=" in value and not jumbled(value)) or not value[:1].isalnum()))
        fits = not code and _blurted(value, least)
    return (start, end, "password") if fits and MARK not in value else None


def compared(text: str, left: int, sort: str) -> "tuple[int, int, str] | None":
    """``if ("hunter2" == password)``; None where nothing is compared."""
    end = left - 1
    while end > max(0, left - 6) and text[end] in " =!":
        end -= 1
    operator, quote = text[end + 1 : left].strip(), text[end : end + 1]
    if operator not in ("==", "===", "!=", "!==") or quote not in ('"', "'"):
        return None
    start = text.rfind(quote, max(0, end - 200), end) + 1
    value = text[start:end]
    fits = start > 0 and "\n" not in value and MARK not in value and is_secret(sort, value, "quoted")
    return (start, end, sort) if fits and sort in _PLAIN_SORTS else None


def called(text: str, left: int, right: int, sort: str) -> "tuple[int, int, str] | None":
    """``.password("Hunter2024")`` and ``password "Hunter2024";``; None where nothing is passed."""
    name = text[left:right].rpartition(".")[2].lower().replace("_", "")
    opening, closing = text[right : right + 1], (")", ",") if text[right : right + 1] == "(" else (";",)
    if name not in _PLAIN_NAMES or opening not in ("(", " ") or text[right + 1 : right + 2] not in ('"', "'"):
        return None
    start, end, _ = reading.value_at(text, right + 1, "bare")
    value = text[start:end]
    random = len(value) >= 8 and (strong(value) or jumbled(value)) and MARK not in value
    fits = random and is_secret(sort, value, "quoted") and text[end + 1 : end + 2] in closing
    return (start, end, sort) if fits else None


def _before(text: str, end: int) -> "tuple[int, int, str] | None":
    """``hunter2x is the password``."""
    end -= text[end - 1 : end] in ("`", '"', "'")
    start = end
    while start > max(0, end - 64) and text[start - 1] not in _SPOKEN_STOP:
        start -= 1
    start += len(text[start:end]) - len(text[start:end].lstrip("/#"))
    return (start, end, "password") if _blurted(text[start:end], 8) else None


def _verb_end(lower: str, right: int) -> int:
    """Where the value starts behind `` is ``, `` is now ``, `` to `` or `` for the key is ``; else 0."""
    verb = next((verb for verb in _VERBS if lower.startswith(verb, right)), "")
    if verb:
        return right + len(verb)
    if not lower.startswith(_ABOUT, right):
        return 0
    clause = lower[right : right + 60].partition("\n")[0].partition(". ")[0]
    ends = [clause.find(verb) + len(verb) for verb in (" is ", " was ", ": ") if verb in clause]
    return right + min(ends) if ends else 0


def _blurted(value: str, least: int) -> bool:
    """Whether a word of prose is a password: letters and digits, or signs inside; no name or algorithm."""
    if not value or any(c in SPACE for c in value) or placeholder(value):
        return False
    if value.lower().startswith(_ALGORITHMS):
        return False
    signs, digits = any(c in _SIGNS for c in value.strip(_SIGNS)), any(c.isdigit() for c in value)
    if "." in value.rpartition("@")[2] and "@" in value and not jumbled(value):
        return False  # somebody's address
    if any(c in "./:_-" for c in value):
        return len(value) >= 8 and digits and not path(value) and (signs or jumbled(value) or _phrase(value))
    return len(value) >= least and mixed(value) if digits else len(value) >= 8 and signs


def _phrase(value: str) -> bool:
    """``correct-horse-battery-42``."""
    *words, number = value.split("-")
    return len(words) > 1 and number.isdigit() and len(number) > 1 and all(word.isalpha() for word in words)
