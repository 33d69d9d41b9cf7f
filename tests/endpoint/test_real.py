"""Everything real: command, daemon, worker, base, engine; an adapter of noise shows that it is asked."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from openai import BadRequestError, OpenAI
from tests.conftest import end

from rune import cli, client
from rune.library import Library
from rune.records import model, recalled
from rune.testing import FakeSession

pytestmark = pytest.mark.model
BASE = "smollm2-135m-instruct"
ASKED = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture
def daemon(home, models):
    """The daemon as it is started for a person."""
    home.root.mkdir()
    home.models.symlink_to(models)
    home.config.write_text('[serve]\nport = 0\n[model]\nthreads = 1\nprecision = "float32"\n')
    process = subprocess.Popen([sys.executable, "-P", "-m", "rune", "daemon", "run"])
    deadline = time.monotonic() + 30
    while not client.running(home.socket):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    end(process)


@pytest.fixture
def noise(home, echoes, make_card, models):
    """The id of an adapter that lets the last layer say anything."""
    import torch
    from safetensors.torch import save_file

    library = Library(echoes, time.time)
    name = "base_model.model.model.layers.29.mlp.down_proj.lora_{}.weight"
    random = torch.Generator().manual_seed(3)
    with library.staging() as stage:
        factors = {name.format("A"): (2, 1536), name.format("B"): (576, 2)}
        save_file(
            {key: torch.randn(shape, generator=random) * 2 for key, shape in factors.items()},
            stage / "adapter_model.safetensors",
            {"format": "pt"},
        )
        settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["down_proj"],
                    "layers_to_transform": [29], "base_model_name_or_path": BASE}  # fmt: skip
        (stage / "adapter_config.json").write_text(json.dumps(settings))
        made = make_card(base=BASE, base_hash=model.base_hash(models / BASE, home), rank=2, alpha=4.0)
        return library.add(stage, made).id


def test_base_and_adapter_answer_at_once_each_as_itself(daemon, noise, project, home, echoes):
    FakeSession(home, project, "s2").prompt("Which capital is it?")
    printed = CliRunner().invoke(cli.main, ["serve", "--project", str(project), "--json"])
    told = json.loads(printed.output)
    with OpenAI(base_url=told["base_url"], api_key=told["api_key"], timeout=180) as openai:
        everything_is_right(openai, noise)
        in_s2 = {"X-Rune-Session": "s2"}
        openai.chat.completions.create(model=noise, messages=ASKED, max_tokens=4, extra_headers=in_s2)
    counted = [(use.session, use.adapter, use.answered) for use in recalled.read(echoes.recalls)]
    assert counted == [("s2", noise, True)] * 2


def everything_is_right(openai, noise):
    assert [one.id for one in openai.models.list()] == ["rune", BASE, noise]

    def ask(name: str):
        return openai.chat.completions.create(model=name, messages=ASKED, max_tokens=12, temperature=0)

    with ThreadPoolExecutor(3) as pool:
        base, adapter, again = pool.map(ask, [BASE, noise, BASE])
    assert "Paris" in base.choices[0].message.content
    assert again.choices[0].message.content == base.choices[0].message.content
    assert adapter.choices[0].message.content != base.choices[0].message.content
    assert adapter.model_extra["x_rune"]["adapter"] == noise
    assert base.usage.prompt_tokens == adapter.usage.prompt_tokens == 16
    stream = openai.chat.completions.create(model=BASE, messages=ASKED, max_tokens=12, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in stream) == base.choices[0].message.content
    with pytest.raises(BadRequestError, match="at most 2048 tokens"):
        openai.completions.create(model=BASE, prompt="word " * 9000)
