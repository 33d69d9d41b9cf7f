"""Who may ask: the right Host and Origin, and a key. Pure: headers in, a key or a refusal out.

A page in a browser can send requests to loopback, and by rebinding a name of its own to 127.0.0.1 it can
even read the answers. Such a request names that page's host, and its origin: only our own are let in.
Programs send no Origin. What a browser sends without asking first (a form, an image) carries no key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rune.endpoint.problems import Problem
from rune.records import api_key
from rune.records.api_key import ApiKey

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""How loopback is called in a Host header."""
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def let_in(headers: Mapping[str, str], port: int, keys: Sequence[ApiKey]) -> ApiKey:
    """The key that a request carries.

    Args:
        headers: names in lower case.
        port: where we listen.
        keys: those that open something.

    Raises:
        Problem: 403 for a foreign Host or Origin, 401 without a known key.
    """
    ours = {f"{name}:{port}" for name in NAMES}
    host, origin = headers.get("host", "").lower(), headers.get("origin")
    if host not in ours:
        said = f"Host {host!r} is not this endpoint: use http://127.0.0.1:{port}"
        raise Problem(403, said, "host_not_allowed")
    if origin is not None and origin.lower() not in {f"http://{name}" for name in ours}:
        raise Problem(403, f"Origin {origin!r} may not ask here", "origin_not_allowed")
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        said = "no API key: send `Authorization: Bearer ...`; `rune serve` prints the key"
        raise Problem(401, said, "missing_api_key", None, "authentication_error", CHALLENGE)
    key = api_key.known(keys, given.strip())
    if key is None:
        said = "this API key opens nothing; `rune serve` prints the one that does"
        raise Problem(401, said, "invalid_api_key", None, "authentication_error", CHALLENGE)
    return key
