import subprocess
from pathlib import Path

import platformdirs
import pytest

from rune import paths


def git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def test_a_subfolder_belongs_to_its_checkout(checkout):
    (checkout / "src" / "deep").mkdir(parents=True)
    assert paths.project_root(checkout / "src" / "deep") == checkout


def test_a_subfolder_that_is_gone_belongs_to_its_checkout(checkout):
    assert paths.project_root(checkout / "deleted" / "since") == checkout


def test_a_worktree_belongs_to_the_main_checkout(checkout, tmp_path):
    git(checkout, "worktree", "add", "-q", str(tmp_path / "elsewhere"), "-b", "topic")
    (tmp_path / "elsewhere" / "src").mkdir()
    assert paths.project_root(tmp_path / "elsewhere") == checkout
    assert paths.project_root(tmp_path / "elsewhere" / "src") == checkout


def test_a_worktree_inside_the_checkout_belongs_to_it_too(checkout):
    git(checkout, "worktree", "add", "-q", ".claude/worktrees/topic", "-b", "topic")
    assert paths.project_root(checkout / ".claude" / "worktrees" / "topic") == checkout


def test_a_submodule_is_a_project_of_its_own(checkout, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    git(inner, "commit", "-q", "--allow-empty", "-m", "first")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "vendored")
    assert paths.project_root(checkout / "vendored") == checkout / "vendored"


@pytest.mark.parametrize("content", [b"gitdir: /nowhere/at/all", b"\xff\xfe", b""])
def test_a_broken_git_file_leaves_its_folder_as_the_project(tmp_path, content):
    (tmp_path / ".git").write_bytes(content)
    assert paths.project_root(tmp_path) == tmp_path


def test_a_symbolic_link_leads_to_the_same_project(checkout, tmp_path):
    (tmp_path / "link").symlink_to(checkout)
    assert paths.project_root(tmp_path / "link") == checkout


def test_without_git_the_nearest_claude_folder_marks_the_project(tmp_path):
    (tmp_path / "plain" / ".claude").mkdir(parents=True)
    (tmp_path / "plain" / "src").mkdir()
    assert paths.project_root(tmp_path / "plain" / "src") == tmp_path / "plain"


def test_the_users_own_claude_folder_marks_no_project(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".claude").mkdir()
    (tmp_path / "notes").mkdir()
    assert paths.project_root(tmp_path / "notes") == tmp_path / "notes"


def test_a_folder_that_is_gone_leads_to_the_checkout_it_lay_in(checkout, tmp_path, monkeypatch):
    assert paths.standing(checkout / "deleted" / "since") == checkout
    assert paths.standing(tmp_path / "deleted") is None
    assert paths.standing(Path("deleted")) is None
    (tmp_path / "plain").mkdir()
    assert paths.standing(tmp_path / "plain") == tmp_path / "plain"
    monkeypatch.setenv("HOME", str(checkout))
    assert paths.standing(checkout / "deleted") is None


def test_rune_home_is_taken_from_the_environment_else_from_the_platform(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNE_HOME", str(tmp_path / "mine"))
    assert paths.home().root == tmp_path / "mine"
    monkeypatch.delenv("RUNE_HOME")
    assert paths.home().root == Path(platformdirs.user_data_dir("rune", appauthor=False))


def test_the_socket_is_in_the_home_unless_its_path_would_be_too_long():
    assert paths.Home(Path("/home/me/rune")).socket == Path("/home/me/rune/run/daemon.sock")
    deep = paths.Home(Path("/home") / ("deep" * 30))
    assert len(str(deep.socket)) <= paths.SOCKET_LIMIT
    assert deep.socket != paths.Home(Path("/home") / ("deep" * 31)).socket


@pytest.mark.parametrize(
    ("session", "name"),
    [
        ("0b3f6a1e-77aa", "0b3f6a1e-77aa"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a b/c", "a_b_c"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_session_id_becomes_a_plain_file_name(session, name):
    assert paths.safe_name(session) == name


def test_a_projects_files_lie_in_its_echoes_folder(tmp_path):
    echoes = paths.Echoes(tmp_path)
    assert echoes.trajectory("a/b") == tmp_path / ".claude" / "echoes" / "trajectories" / "a_b.jsonl"
    assert echoes.ledger.parent == echoes.adapters


def test_everything_of_a_role_lies_in_its_folder_and_nothing_else_does(tmp_path):
    echoes = paths.Echoes(tmp_path)
    role = echoes.root / "reviewer"
    inside = (echoes.memory, echoes.knowledge, echoes.archive, lambda name: echoes.findings(name, "ash"))
    assert all(path("reviewer").parent == role for path in inside)
    outside = (echoes.trajectories, echoes.adapters, echoes.journal, echoes.uses, echoes.lock, echoes.ignore)
    assert all(path.parent == echoes.root for path in outside)


def test_an_agents_name_leads_out_of_no_folder(tmp_path):
    echoes = paths.Echoes(tmp_path)
    assert echoes.findings("team", "../../x/y").parent == echoes.role("team")
