import json

import pytest

from rune import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mFAILED\x1b[0m", "FAILED"),
        ("\x1b[1;38;5;208mbold\x1b[m\x1b[K", "bold"),
        ("\x1b[?25lhidden\x1b[?25h", "hidden"),
        ("\x9b31mC1", "C1"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b(Btext\x1b7", "text"),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("\x1b]never ended\nnext", "never ended\nnext"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\x00b\x07c\x08d\x7fe\x85f", "abcdef"),
        ("left \u202eright", "left right"),
        ("half \ud83d", "half "),
    ],
)
def test_what_a_terminal_would_act_on_is_left_out(text, shown):
    assert printable.lines(text) == shown


@pytest.mark.parametrize(
    "text",
    ["", "plain\ttext\n", "a[31m", "list[0]", "naïve 日本 — “x”", "👩\u200d👧", "a\u00a0b", "שלום\u200f"],
)
def test_all_else_stays(text):
    assert printable.lines(text) == text
    assert printable.escaped(text) == text


def test_json_says_the_same():
    said = {"a": "".join(map(chr, range(0x2100))) + "\ud800 \ufffe"}
    text = printable.escaped(json.dumps(said, ensure_ascii=False, indent=1))
    assert json.loads(text) == said
    assert printable.lines(text) == text
