"""The body of a request as a value. Pure.

A parameter that would change what comes back and that Rune does not know is refused: an answer that silently
ignores ``tools`` or ``n`` is worse than none. Those that only describe the request are left unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rune.endpoint.problems import Problem, invalid
from rune.records.tokens import Turn
from rune.serving.types import Sampling

UNREAD = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "parallel_tool_calls",
})  # fmt: skip
"""Say something about the request and nothing about the answer."""
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,), "best_of": (1,), "logprobs": (False,), "top_logprobs": (0,), "echo": (False,),
    "suffix": ("",), "frequency_penalty": (0,), "presence_penalty": (0,), "logit_bias": ({},),
    "tools": ([],), "tool_choice": ("none", "auto"), "functions": ([],), "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},), "modalities": (["text"],),
}  # fmt: skip
"""Parameters that Rune does not have, and the values that ask for nothing; null always does."""
READ = frozenset({
    "model", "stream", "stream_options", "stop", "seed", "temperature", "top_p", "max_tokens",
})  # fmt: skip
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
MOST_TURNS = 1000
MOST_STOPS = 16
LONGEST_STOP = 256
LONGEST_QUERY = 4000
"""Characters of a question that an adapter is looked for by."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for tokens."""

    model: str
    sampling: Sampling
    turns: tuple[Turn, ...] = ()
    """Of a chat."""
    prompt: str = ""
    """Of a completion."""
    stream: bool = False
    usage: bool = False
    """Whether a stream ends with the counts of tokens."""
    user: str = ""

    @property
    def query(self) -> str:
        """What an adapter is looked for by: the last thing that the person said."""
        said = [turn.content for turn in self.turns if turn.role == "user"]
        return (said[-1] if said else self.prompt)[-LONGEST_QUERY:]


def chat(raw: Any, max_tokens: int) -> Asked:
    """The body of ``/v1/chat/completions``.

    Args:
        raw: parsed JSON.
        max_tokens: where the request names none.

    Raises:
        Problem: 400, with the parameter.
    """
    body = _known(raw, {"messages", "max_completion_tokens"})
    messages = body.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MOST_TURNS:
        raise invalid("messages", f"expected 1 to {MOST_TURNS} messages")
    turns = tuple(_turn(f"messages[{n}]", one) for n, one in enumerate(messages))
    return _asked(body, max_tokens, turns=turns)


def completion(raw: Any, max_tokens: int) -> Asked:
    """The body of ``/v1/completions``: one prompt, as text.

    Raises:
        Problem: 400, with the parameter.
    """
    body = _known(raw, {"prompt"})
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise invalid("prompt", "expected one text; lists of texts or of tokens are not supported")
    return _asked(body, max_tokens, prompt=prompt)


def _known(raw: Any, more: set[str]) -> dict[str, Any]:
    """The parameters that say something, after a look at all."""
    if not isinstance(raw, dict):
        raise Problem(400, "expected a JSON object", "invalid_json")
    body = {name: value for name, value in raw.items() if value is not None and name not in UNREAD}
    for name, value in body.items():
        if name in NEUTRAL:
            if not any(value == one and type(value) is type(one) for one in _loose(NEUTRAL[name])):
                raise invalid(
                    name, f"{value!r} is not supported".replace("\n", " ")[:200], "unsupported_value"
                )
        elif name not in READ and name not in more:
            raise invalid(name, "unrecognized request argument", "unknown_parameter")
    return body | {"user": raw.get("user")}


def _loose(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Whole numbers also as numbers with a point."""
    return values + tuple(float(one) for one in values if type(one) is int)


def _asked(body: dict[str, Any], max_tokens: int, turns: tuple[Turn, ...] = (), prompt: str = "") -> Asked:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model", "expected the id of a model; GET /v1/models lists them")
    stream, user = body.get("stream", False), body.get("user")
    if not isinstance(stream, bool):
        raise invalid("stream", "expected true or false")
    return Asked(
        model, _sampling(body, max_tokens), turns, prompt, stream, _usage(body, stream),
        user if isinstance(user, str) else "",
    )  # fmt: skip


def _usage(body: dict[str, Any], stream: bool) -> bool:
    options = body.get("stream_options", {})
    if not isinstance(options, dict) or (options and not stream):
        raise invalid("stream_options", "expected an object, and stream: true")
    if unknown := set(options) - {"include_usage", "include_obfuscation"}:
        raise invalid("stream_options", f"unrecognized {', '.join(sorted(unknown))}", "unknown_parameter")
    return options.get("include_usage") is True


def _sampling(body: dict[str, Any], max_tokens: int) -> Sampling:
    temperature = _number(body, "temperature", 0.0, 0.0, 2.0)
    top_p = _number(body, "top_p", 1.0, 0.0, 1.0)
    if top_p == 0.0:  # the likeliest token alone, which is what temperature 0 is
        temperature, top_p = 0.0, 1.0
    seed = _whole(body, "seed", lambda n: -(2**63) <= n < 2**63)
    return Sampling(_most(body, max_tokens), temperature, top_p, seed, _stops(body))


def _most(body: dict[str, Any], default: int) -> int:
    names = ("max_tokens", "max_completion_tokens")
    given = {name: _whole(body, name, lambda n: 0 < n < 2**31) for name in names if name in body}
    wanted = set(given.values())
    if len(wanted) > 1:
        raise invalid("max_tokens", "differs from max_completion_tokens: send one of them")
    found = next(iter(wanted), None)
    return default if found is None else found


def _whole(body: dict[str, Any], name: str, right: Callable[[int], bool]) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not right(value):
        raise invalid(name, f"expected a whole number in range, found {value!r}"[:200])
    return value


def _number(body: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = body.get(name, default)
    if type(value) not in (int, float) or not least <= value <= most:
        raise invalid(name, f"expected a number from {least:g} to {most:g}, found {value!r}"[:200])
    return float(value)


def _stops(body: dict[str, Any]) -> tuple[str, ...]:
    given = body.get("stop", [])
    stops = [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or len(stops) > MOST_STOPS:
        raise invalid("stop", f"expected a text, or at most {MOST_STOPS} of them")
    if not all(isinstance(one, str) and 0 < len(one) <= LONGEST_STOP for one in stops):
        raise invalid("stop", f"expected texts of 1 to {LONGEST_STOP} characters")
    return tuple(dict.fromkeys(stops))


def _turn(where: str, raw: Any) -> Turn:
    if not isinstance(raw, dict):
        raise invalid(where, "expected an object")
    role = raw.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise invalid(f"{where}.role", f"expected one of {', '.join(ROLES)}; found {role!r}"[:200])
    if calls := {"tool_calls", "function_call", "audio"} & {name for name, value in raw.items() if value}:
        raise invalid(f"{where}.{min(calls)}", "tools and audio are not supported", "unsupported_value")
    return Turn(ROLES[role], _content(f"{where}.content", raw.get("content")))


def _content(where: str, content: Any) -> str:
    """Text, or text in parts; what is no text is refused."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise invalid(where, "expected a text or a list of text parts")
    return "".join(_part(f"{where}[{n}]", part) for n, part in enumerate(content))


def _part(where: str, part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind != "text":
        raise invalid(where, f"expected a part of type text, found {kind!r}"[:200], "unsupported_value")
    text = part.get("text")
    if not isinstance(text, str):
        raise invalid(f"{where}.text", "expected a text")
    return text
