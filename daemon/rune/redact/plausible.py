"""Whether a value under a secret-looking name is a secret: the judgement behind ``rune.redact.assigned``.

Kept are types, code, paths, templates, placeholders and prose. Standard library, Python 3.9.
"""

import binascii

MARK = "[redacted:"
"""What every replacement starts with."""

NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
"""Characters of a name."""
SPACE = frozenset(" \t\r\n\f\v")
LITERAL = frozenset(("env", "json", "flag", "url", "xml"))
"""Forms whose values are data and never code."""
WORDS = frozenset(
    """
    none null nil true false undefined str string bytes bytearray int integer number float bool boolean any
    object optional required unknown void char varchar text secretstr password passwd secret token key value
    default empty unset changeme change-me placeholder redacted hidden example sample dummy todo tbd yes no
    on off input output prompt stdin env environ self this data user username email config settings args
    kwargs params request response body form field name line result raw plain hash hashed encrypted cookie
    header headers session getpass process auth credentials credential apikey api_key file path see is the
    and or not in to of for from with must should missing invalid incorrect wrong valid expired const let
    var return await async new type generated
    """.split()  # noqa: SIM905  a list would fill a page
)
_PROSE = frozenset(
    """
    must required is are should invalid incorrect enter your the least characters cannot please not was has
    have a an to wrong expired missing for field of
    """.split()  # noqa: SIM905  a list would fill a page
)
_TEMPLATES = (
    "<", "${", "$(", "#{", "{", "%(", "%{", "%s", "[", "...", "…", "***", "env(", "process.env", "enc[",
)  # fmt: skip
_CODE = frozenset("[](){}<>/\\: ")
_MADE_UP = ("your", "insert", "replace", "example", "my-", "my_", "test-", "test_", "fake", "dummy", "enter")


def is_secret(sort: str, value: str, form: str = "json", alone: bool = False) -> bool:
    """Whether a value under a name of this sort is a secret, and not a type, a path, a template or prose.

    ``form`` says how it is written (env, json, flag, url, xml, quoted, bare), ``alone`` that nothing follows.
    """
    value = value.strip()
    if not value or value.lower() in WORDS or placeholder(value) or path(value):
        return False
    if not any(c.isalnum() for c in value):
        return False
    if sort in ("password", "pass"):
        return _is_password(value, form, alone) and (sort == "password" or form != "bare")
    if any(c in SPACE for c in value) or not value.isascii():  # keys are made by machines
        return False
    if sort == "hinted" and (form == "quoted" or form in LITERAL):
        return len(value) >= 8 and strong(value) and not any(c in _CODE for c in value)
    if sort in ("key", "hinted"):
        hashed = all(c in "0123456789abcdef" for c in value)
        return len(value) >= 20 and (jumbled(value) or (value.isalnum() and strong(value) and not hashed))
    if sort in ("auth", "authorization"):
        return form != "bare" and (_is_basic(value) or (len(value) >= 16 and strong(value)))
    if sort == "cookie":
        return form != "bare" and len(value) >= 8 and strong(value.partition("=")[2])
    if strong(value) or jumbled(value):
        return True
    if alone and sort != "token" and len(value) >= 12 and mixed(value) and value.isalnum():
        return True
    if form in LITERAL and sort != "token":
        return len(value) >= 6
    if form in LITERAL:
        return len(value) >= 6 and mixed(value) and value.isalnum()
    return form == "quoted" and value.isalnum() and len(value) >= (16 if sort == "token" else 12)


def _is_password(value: str, form: str, alone: bool) -> bool:
    if any(c in SPACE for c in value):
        words = [word.strip(".,:;!?'\"()") for word in value.lower().split()]
        return len(words) <= 8 and not any(word in _PROSE for word in words)
    if form == "quoted" or form in LITERAL:
        return True
    if any(c.isdigit() for c in value):
        return len(value) >= 5
    if value[0] == "!" and value[1:].isalpha():
        return False  # a tag of YAML
    if all(c in NAME for c in value):
        plain = value.isalpha() and value == value.lower() and len(value) >= 5
        return alone and (plain or ("-" in value and len(value) >= 8))
    encoded = alone and len(value) >= 8 and value[-1] == "=" and mixed(value)  # as Kubernetes keeps secrets
    return encoded or (len(value) >= 4 and any(c in "!@#$%^~?" for c in value))


def _is_basic(value: str) -> bool:
    """Whether this is ``user:password`` in base64, as Docker and Basic authentication write it."""
    try:
        return len(value) >= 8 and b":" in binascii.a2b_base64(value)
    except ValueError:
        return False


def is_cookie(value: str) -> bool:
    """Whether one of the cookies of this header looks random."""
    return any(is_secret("cookie", part, "quoted") for part in value.split(";", 32)[:32])


def strong(value: str) -> bool:
    """Letters and digits in one run that no identifier has; or a long run of hexadecimal digits."""
    if len(value) < 8 or not any(c.isdigit() for c in value):
        return False
    if not any(c.isalpha() for c in value):
        return len(value) >= 16 and value.isdigit()
    pieces = value.replace("-", "_").replace(".", "_").replace(":", "_").replace("/", "_").split("_")
    return not all(_wordy(piece) for piece in pieces)


def _wordy(piece: str) -> bool:
    letters = piece.rstrip("0123456789")
    return (letters.isalpha() or not letters) and len(piece) - len(letters) <= (4 if not letters else 3)


def jumbled(value: str) -> bool:
    """Small letters, capitals and digits that follow each other as they do in no word: a random value."""
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "o" for c in value]
    changes = sum(one != other for one, other in zip(kinds, kinds[1:]))
    if not {"u", "l"} <= set(kinds) or len(value) < (10 if "d" in kinds else 24):
        return False
    return changes * 20 >= 9 * (len(value) - 1)


def mixed(value: str) -> bool:
    """Letters with digits, or capitals inside of small letters: no plain word."""
    digits, letters = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    return letters and (digits or (value[1:] != value[1:].lower() and value != value.upper()))


def placeholder(value: str) -> bool:
    """Whether this stands for a value: a template, a variable, a mask or an obvious stand-in."""
    low = value.lower()
    if low.startswith(_TEMPLATES) or not low.strip("*.-_•#0 ") or (len(low) > 2 and not low.strip("x*.-_ ")):
        return True
    if value[0] == "$" and all(c in NAME or c in "${}:/" for c in value) and not value[1:2].isdigit():
        return True
    opening = value.find("{")
    inner = value[opening + 1 : value.find("}", opening)] if opening >= 0 else ""
    if inner and all(c in NAME or c in "(){$ '[]\"" for c in inner):
        return True
    return low.startswith(_MADE_UP) and not any(c.isdigit() for c in value)


def path(value: str) -> bool:
    """Whether this reads like a path or an address."""
    if "://" in value or value[1:3] == ":\\":
        return True
    if value.startswith(("./", "../", "~/")):
        return True
    if value[0] == "/" and "+" not in value and "=" not in value and not jumbled(value):
        return True
    last = value.rpartition("/")[2]
    return "/" in value and last.rpartition(".")[2].isalpha() and last.rfind(".") > 0 and "+" not in value
