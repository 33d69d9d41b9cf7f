import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rune import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def records(path: Path) -> list[dict]:
    return [value for _, value in files.objects(path)]


def test_folders_that_are_made_belong_to_their_owner_alone_missing_parents_too(tmp_path):
    made = files.private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(place) for place in (made, made.parent, made.parent.parent)] == [0o700] * 3


def test_a_folder_that_exists_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    files.private_folder(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("write", [lambda p: files.replace(p, b"x"), lambda p: files.append(p, {"x": 1})])
def test_files_can_be_read_by_their_owner_alone_whatever_the_umask(tmp_path, write):
    before = os.umask(0)
    try:
        write(tmp_path / "new" / "file")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new" / "file") == 0o600
    assert mode(tmp_path / "new") == 0o700


def test_replacing_leaves_the_old_content_and_no_debris_when_it_fails(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "inside").write_text("kept")
    with pytest.raises(OSError):
        files.replace(path, b"cannot replace a folder that is not empty")
    assert [found.name for found in tmp_path.iterdir() if found.name != "home"] == ["folder"]


def test_a_torn_last_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n{"a":')
    assert records(path) == [{"a": 1}]
    with path.open("ab") as file:
        file.write(b"2}\n")
    assert records(path) == [{"a": 1}, {"a": 2}]


def test_a_torn_line_does_not_swallow_what_is_appended_after_it(tmp_path, caplog):
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n{"a":')
    files.append(path, {"a": 3})
    assert records(path) == [{"a": 1}, {"a": 3}]
    assert f"{path}:2" in caplog.text


@pytest.mark.parametrize("line", [b"[1]", b"nonsense", b"\xff\xfe", b"[" * 100_000])
def test_a_line_that_is_no_object_is_named_and_passed_over(tmp_path, caplog, line):
    path = tmp_path / "log"
    path.write_bytes(line + b'\n{"a":1}\n')
    assert records(path) == [{"a": 1}]
    assert f"{path}:1: expected a JSON object" in caplog.text


def test_reading_from_an_offset_gives_what_came_after_it(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree\n")
    (first, _), *_ = files.whole_lines(path)
    assert list(files.whole_lines(path, first)) == [(8, b"two\n"), (14, b"three\n")]


def test_a_missing_file_has_no_objects(tmp_path):
    assert records(tmp_path / "nowhere") == []


def test_half_a_surrogate_pair_does_not_stop_a_line_from_being_written(tmp_path):
    files.append(tmp_path / "log", {"text": "cut \ud83d here"})
    assert records(tmp_path / "log") == [{"text": "cut ? here"}]


def test_several_writers_at_once_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "log"
    script = (
        "import sys, pathlib; from rune import files\n"
        "path, who, pad = pathlib.Path(sys.argv[1]), sys.argv[2], 'x' * 20000\n"
        "for n in range(20): files.append(path, {'who': who, 'n': n, 'pad': pad})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), str(who)]) for who in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = records(path)
    assert len(found) == 80
    assert all([f["n"] for f in found if f["who"] == str(who)] == list(range(20)) for who in range(4))


def test_a_disk_that_is_full_takes_the_half_line_back(tmp_path):
    path = tmp_path / "log"
    files.append(path, {"kept": True})
    size = path.stat().st_size
    script = (
        "import resource, signal, sys, pathlib; from rune import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 10}, {size + 10}))\n"
        "try: files.append(pathlib.Path(sys.argv[1]), {'text': 'x' * 100})\n"
        "except OSError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert "were taken back" in done.stdout
    assert records(path) == [{"kept": True}]
    assert path.stat().st_size == size


def test_a_lock_lets_one_in_at_a_time(tmp_path):
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with files.locked(tmp_path / "lock"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path):
    script = (
        "import os, signal, sys, pathlib; from rune import files\n"
        "with files.locked(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "lock")]).returncode == -9
    with files.locked(tmp_path / "lock"):
        pass


def test_a_folder_of_read_only_files_can_be_removed_and_removing_nothing_is_fine(tmp_path):
    folder, inner = tmp_path / "adapter", tmp_path / "adapter" / "inner"
    inner.mkdir(parents=True)
    for place in (inner, folder):
        (place / "weights").write_text("w")
        (place / "weights").chmod(0o400)
        place.chmod(0o500)
    files.remove_folder(folder)
    files.remove_folder(folder)
    assert not folder.exists()


def test_the_hash_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert (
        files.sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_appended_lines_are_compact_json(tmp_path):
    files.append(tmp_path / "log", {"name": "größe", "n": 1})
    assert (tmp_path / "log").read_text("utf-8") == '{"name":"größe","n":1}\n'
    assert json.loads((tmp_path / "log").read_bytes())["name"] == "größe"
