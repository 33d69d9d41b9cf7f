import re
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes import gitignore
from rune.errors import FormatError
from rune.paths import Echoes
from rune.records.echo import ROLES

PRIVATE = (
    "trajectories/s1.jsonl",
    "adapters/ab12/card.json",
    "adapters/ledger.jsonl",
    "uses.jsonl",
    ".lock",
    "journal/000001/0.before",
    "journal/000001/change.json",
    ".uses.lock",
    "anything-else.md",
    "reviewer/ash-findings.md",
    "team/lead-findings.md",
    "gathered.jsonl",
    "team/archive/lead-findings-2026-11-20-2.md",
    ".gitignore",
)
SEEN = tuple(
    f"{role}/{name}"
    for role in ROLES
    for name in ("MEMORY.md", "knowledge.md", "archive/MEMORY-2026-11-20.md")
)

LINES = st.sampled_from(
    [b"", b"*", b"*.pyc", b"node_modules/", b".claude/echoes/", b"!/planner/", b"# a comment", b"\t", b".*"]
)
TEXTS = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda lines, end, last: end.join([*lines, last]),
        st.lists(LINES),
        st.sampled_from([b"\n", b"\r\n"]),
        LINES,
    ),
)


@pytest.fixture
def checkout(tmp_path):
    """A real checkout with every file that there could be."""
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    made = Echoes(root)
    for name in (*PRIVATE, *SEEN):
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name != ".gitignore":
            path.write_text("x")
    return made


def ignored(echoes: Echoes) -> set[str]:
    names = "\0".join(f".claude/echoes/{name}" for name in (*PRIVATE, *SEEN))
    told = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        input=names,
        cwd=echoes.project,
        capture_output=True,
        text=True,
        check=False,
    )
    return {name.removeprefix(".claude/echoes/") for name in told.stdout.split("\0") if name}


def staged(echoes: Echoes) -> set[str]:
    """What ``git add -A`` takes."""
    subprocess.run(["git", "add", "-A", ".claude"], cwd=echoes.project, check=True)
    told = subprocess.run(
        ["git", "ls-files", "-z", ".claude"], cwd=echoes.project, capture_output=True, text=True, check=True
    )
    return {name.removeprefix(".claude/echoes/") for name in told.stdout.split("\0") if name}


# what git sees


def test_by_default_git_sees_nothing(checkout):
    gitignore.apply(checkout, version_controlled=False)
    assert ignored(checkout) == {*PRIVATE, *SEEN}
    assert staged(checkout) == set()


def test_version_controlled_means_role_folders_alone(checkout):
    gitignore.apply(checkout, version_controlled=True)
    assert ignored(checkout) == set(PRIVATE)
    assert staged(checkout) == set(SEEN)


@pytest.mark.parametrize(
    "line",
    [".claude/echoes", ".claude/echoes/", "/.claude/echoes/", "**/.claude/echoes/**", ".claude/echoes/*"],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_project_that_names_the_folder_itself_gets_a_way_in_and_loses_it_again(checkout, line, end):
    theirs = checkout.project / ".gitignore"
    before = f"*.pyc\n{line}{end}".encode()
    theirs.write_bytes(before)
    changed = gitignore.apply(checkout, version_controlled=True)
    assert changed == (checkout.ignore, theirs)
    assert (ignored(checkout), staged(checkout)) == (set(PRIVATE), set(SEEN))
    assert theirs.read_bytes().startswith(before)
    gitignore.apply(checkout, version_controlled=False)
    assert theirs.read_bytes() == before
    assert ignored(checkout) == {*PRIVATE, *SEEN}


def test_a_project_that_does_not_name_it_is_left_alone(checkout):
    theirs = checkout.project / ".gitignore"
    theirs.write_text("# .claude/echoes/ is not named\n*.claude/echoes.bak\n!.claude/echoes/\n")
    assert gitignore.apply(checkout, version_controlled=True) == (checkout.ignore,)
    theirs.unlink()
    gitignore.apply(checkout, version_controlled=False)
    assert not theirs.exists()


def test_a_project_that_ignores_the_whole_of_claude_is_told_which_line_hides_its_echoes(checkout):
    (checkout.project / ".gitignore").write_text("*.pyc\n.claude/\n")
    gitignore.apply(checkout, version_controlled=True)
    assert gitignore.hidden_by(checkout, "reviewer") == ".gitignore:2:.claude/"
    (checkout.project / ".gitignore").unlink()
    assert gitignore.hidden_by(checkout, "reviewer") == ""


@pytest.mark.parametrize("line", [".claude/", ".claude", "/.claude/**", ".*", "*", ".claude/*"])
def test_where_all_of_claude_is_hidden_the_hint_names_the_line_and_following_it_shows_role_folders_alone(
    checkout, line
):
    theirs = checkout.project / ".gitignore"
    theirs.write_text(f"*.pyc\n{line}\n")
    other = checkout.project / ".claude" / "settings.local.json"
    other.write_text("{}")
    gitignore.apply(checkout, version_controlled=True)
    hint = gitignore.hint(checkout)
    assert f"`.gitignore:2:{line}`" in hint
    assert str(theirs) in hint
    advised = re.findall(r"^    (.+)$", hint, re.M)
    theirs.write_text("\n".join([theirs.read_text(), *advised]) + "\n")
    assert gitignore.hint(checkout) == ""
    assert staged(checkout) == set(SEEN)


def test_a_rule_that_hides_some_of_it_is_named_too(checkout):
    gitignore.apply(checkout, version_controlled=True)
    assert gitignore.hint(checkout) == ""
    with checkout.ignore.open("a") as file:
        file.write("MEMORY.md\n")
    assert re.search(r"`\.claude/echoes/\.gitignore:\d+:MEMORY\.md` hides it", gitignore.hint(checkout))


def test_without_a_repository_nothing_is_hidden(tmp_path):
    assert gitignore.hidden_by(Echoes(tmp_path), "reviewer") == ""


def test_a_folder_that_somebody_opened_by_hand_still_keeps_what_is_private(checkout):
    checkout.ignore.write_text("# we share our echoes\n")
    gitignore.apply(checkout, version_controlled=False)
    assert staged(checkout) == {*SEEN, "anything-else.md", ".gitignore"}


# whose lines they are


@given(theirs=TEXTS)
def test_toggling_takes_away_exactly_what_it_added(theirs):
    for content in (gitignore.inner, gitignore.outer):
        off = content(theirs, False)
        on = content(off, True)
        assert on.startswith(theirs)
        assert gitignore.without(on) == gitignore.without(off) == theirs
        assert content(on, False) == off
        assert content(on, True) == on


@given(theirs=TEXTS, more=TEXTS)
def test_what_is_written_after_our_lines_stays_in_place(theirs, more):
    on = gitignore.inner(theirs, True)
    assert gitignore.without(on + b"\n" + more).split() == theirs.split() + more.split()


@given(
    st.lists(st.sampled_from([gitignore.BEGIN, gitignore.END, b"*", b"mine", b"/trajectories/"]), max_size=12)
)
def test_a_line_that_rune_never_wrote_is_never_taken(lines):
    text = b"\n".join(lines)
    for content in (gitignore.inner, gitignore.outer):
        for on in (True, False):
            assert content(text, on).count(b"mine") == text.count(b"mine")


def test_a_line_put_between_ours_stays():
    on = gitignore.inner(b"*\n", True)
    assert gitignore.without(on.replace(b"!/team/\n", b"!/team/\n!/mine/\n")) == b"*\n!/mine/\n"


def test_our_lines_are_known_with_other_line_ends():
    assert gitignore.without(gitignore.inner(b"*\n", True).replace(b"\n", b"\r\n")) == b"*\r\n"


# the files


def test_toggling_twice_writes_nothing(checkout):
    for on in (True, False):
        gitignore.apply(checkout, on)
        assert gitignore.apply(checkout, on) == ()


def test_a_file_keeps_its_rights(checkout):
    theirs = checkout.project / ".gitignore"
    theirs.write_text(".claude/echoes/\n")
    theirs.chmod(0o644)
    gitignore.apply(checkout, version_controlled=True)
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o644


def test_a_link_out_of_the_project_is_not_written_through(checkout, tmp_path):
    outside = tmp_path / "global"
    outside.write_text(".claude/echoes/\n")
    (checkout.project / ".gitignore").symlink_to(outside)
    with pytest.raises(FormatError, match="leads out of the project"):
        gitignore.apply(checkout, version_controlled=True)
    assert outside.read_text() == ".claude/echoes/\n"


def test_every_place_of_rune_is_private_or_a_role_folder(tmp_path):
    """A new file beside the role folders must be named in PRIVATE."""
    echoes = Echoes(tmp_path)
    folders = (echoes.trajectories, echoes.adapters, echoes.journal)
    private = (*folders, echoes.uses, echoes.gathered, echoes.lock)
    patterns = [re.compile(re.escape(line.strip("/")).replace(r"\*", ".*")) for line in gitignore.PRIVATE]
    assert all(any(p.fullmatch(path.name) for p in patterns) for path in private)
