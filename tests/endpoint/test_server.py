"""The port: whose it is, when it opens and closes."""

import contextlib
import socket

import httpx
import pytest

from rune import redact
from rune.backends.local import Local
from rune.capture import Capture
from rune.config import CaptureConfig, ServeConfig
from rune.endpoint.api import Api
from rune.endpoint.door import Door
from rune.endpoint.server import Endpoint
from rune.errors import ConfigError
from rune.model_process import ModelProcess
from rune.remember import Completions


@pytest.fixture
async def endpoint(home):
    """``endpoint(host="::1")``: closed, with no worker behind it; closed again after the test."""
    made: list[Endpoint] = []

    def make(**config) -> Endpoint:
        local = Local(ModelProcess(("false",), home.logs / "worker.log"), 1.0)
        settings = ServeConfig(**{"port": 0, **config})
        capture = Capture(home, CaptureConfig(), lambda: 0.0, redact.redact, lambda path: [])
        api = Api(local, local, Completions(capture), "base", 9)
        made.append(Endpoint(api.app(), home.api_keys, settings))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


async def status(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{url}/models")).status_code


async def test_it_opens_closes_and_opens_again(endpoint):
    one = endpoint()
    assert one.url == ""
    url = await one.start()
    assert (one.url, await one.start()) == (url, url)
    assert await status(url) == 401
    await one.stop()
    assert one.url == ""
    with pytest.raises(httpx.ConnectError):
        await status(url)
    assert await status(await one.start()) == 401


@pytest.mark.parametrize("host", ["localhost", "::1"])
async def test_loopback_has_other_names(endpoint, host):
    if host == "::1":
        with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                pytest.skip("no IPv6 here")
    assert await status(await endpoint(host=host).start()) == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.com", ""])
async def test_no_other_machine_is_ever_served(endpoint, host):
    with pytest.raises(ConfigError, match=r"loopback|expected 127"):
        await endpoint(host=host).start()


async def test_a_taken_port_is_named_with_the_way_out(endpoint):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f":{port} .*--port"):
            await endpoint(port=port).start()


async def test_an_open_endpoint_does_not_move(endpoint):
    one = endpoint()
    url = await one.start()
    port = int(url.rpartition(":")[2].removesuffix("/v1"))
    assert await one.start(port) == url
    with pytest.raises(ConfigError, match="rune serve --stop"):
        await one.start(port + 1)


async def test_a_file_of_keys_that_others_can_read_opens_nothing(endpoint, home):
    one = endpoint()
    url = await one.start()
    home.api_keys.parent.mkdir(exist_ok=True)
    home.api_keys.write_text('{"v": 1, "keys": []}')
    home.api_keys.chmod(0o644)
    assert await status(url) == 500


async def test_nothing_is_built_before_the_door_is_opened(endpoint):
    built = []
    door = Door(lambda: built.append(endpoint()) or built[-1])
    await door.stop()
    assert (door.url, built) == ("", [])
    assert await door.start() == door.url
    await door.stop()
    await door.start()
    assert len(built) == 1
