from __future__ import annotations

import dataclasses

from rune.ml.base import Base

TOLD = [("system", "Be short."), ("user", "Why?"), ("assistant", "So."), ("user", "Really?")]


def test_a_conversation_has_a_mark_around_each_turn_and_is_ready_for_the_answer(tiny: Base) -> None:
    assert tiny.rendered(TOLD) == (
        "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\nSo.<|im_end|>\n<|im_start|>user\nReally?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_single_question_is_rendered_as_adapters_are_taught_it(tiny: Base) -> None:
    """No system turn is added, whatever the base's own template does."""
    text = tiny.rendered([("user", "Why?")])
    assert text == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    assert tiny.prompt("Why?") == tiny.tokenizer.encode(text, add_special_tokens=False)


def test_a_base_with_other_marks_uses_its_own_template(tiny: Base) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    spelling = Tokenizer(models.BPE(vocab={"<unk>": 0}, merges=[], unk_token="<unk>"))
    other = PreTrainedTokenizerFast(tokenizer_object=spelling, unk_token="<unk>")
    other.chat_template = (
        "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    made = dataclasses.replace(tiny, tokenizer=other)
    assert made.rendered(TOLD[:2]) == "[system] Be short. [user] Why? [assistant]"
