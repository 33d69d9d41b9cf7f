import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rune.echoes import findings
from rune.echoes.store import Change, Moved, Store
from rune.errors import EchoError, FormatError
from rune.paths import Echoes
from rune.records import echo
from rune.records.echo import ROLES

GITHUB = "ghp_" + "a8Kd03jfLq92mNbX7vTz5RwYc1HsGu4Pe6Zo"


def consolidate(store: Store) -> list[findings.Taken]:
    with store.change("consolidate findings", anytime=True) as change:
        return [findings.take(change, role) for role in ROLES]


def known(store: Store, role: str) -> list[str]:
    return [entry.title for entry in store.read(role).entries]


# an agent writes


def test_what_an_agent_finds_lies_in_a_file_of_its_own(store, entry):
    path = findings.record(store, "reviewer", "ward sentinel", [entry("One")])
    findings.record(store, "reviewer", "ward sentinel", [entry("Two"), entry("Three")])
    assert path == store.echoes.role("reviewer") / "ward_sentinel-findings.md"
    read = echo.parse_findings(path.read_text("utf-8"), path)
    assert [found.title for found in read] == ["One", "Two", "Three"]
    assert findings.pending(store.echoes) == [path]
    assert store.read("reviewer").entries == ()


def test_only_the_lead_writes_for_the_team(store, entry):
    with pytest.raises(findings.OnlyTheLead, match=r"ash-findings\.md: expected the lead, found 'ash'"):
        findings.record(store, "team", "ash", [entry("One")])
    assert not store.echoes.root.exists()
    findings.record(store, "team", findings.LEAD, [entry("One")])
    consolidate(store)
    assert known(store, "team") == ["One"]


@pytest.mark.parametrize(
    ("role", "changes", "message"),
    [
        ("driver", {}, "role: expected one of planner, workers, reviewer, auditor, team, found 'driver'"),
        ("reviewer", {"evidence": ()}, "evidence"),
        ("reviewer", {"layer": "etched"}, "only a person etches"),
    ],
)
def test_what_may_not_be_found_is_refused_at_once(store, entry, role, changes, message):
    with pytest.raises(EchoError, match=message):
        findings.record(store, role, "ash", [entry("One", **changes)])
    assert not store.echoes.root.exists()


def test_a_secret_never_reaches_the_file(store, entry):
    path = findings.record(store, "reviewer", "ash", [entry("One", learning=f"The token is {GITHUB}.")])
    assert "The token is [redacted:github-token]." in path.read_text("utf-8")


# the lead consolidates


def test_findings_become_memory_and_their_files_go(store, remember, entry):
    remember("reviewer", entry("Old"))
    for agent in ("ash", "birch"):
        findings.record(store, "reviewer", agent, [entry(f"Found by {agent}")])
    findings.record(store, "planner", "ash", [entry("Plan")])
    taken = {one.role: one for one in consolidate(store)}
    assert known(store, "reviewer") == ["Old", "Found by ash", "Found by birch"]
    assert known(store, "planner") == ["Plan"]
    assert [path.name for path in taken["reviewer"].files] == ["ash-findings.md", "birch-findings.md"]
    assert [added.title for added in taken["reviewer"].consolidated.added] == [
        "Found by ash",
        "Found by birch",
    ]
    assert findings.pending(store.echoes) == []


def test_a_known_finding_makes_its_entry_newer_and_surer(store, remember, entry):
    remember("reviewer", entry("One", confidence=0.6, verified=date(2026, 11, 1)))
    again = entry("One", confidence=0.9, verified=date(2026, 11, 15))
    findings.record(store, "reviewer", "ash", [again])
    consolidate(store)
    [kept] = store.read("reviewer").entries
    assert (kept.confidence, kept.verified) == (0.9, date(2026, 11, 15))


def test_a_superseded_entry_is_archived(store, remember, entry, titles):
    remember("reviewer", entry("Old way"))
    findings.record(store, "reviewer", "ash", [entry("New way", supersedes="Old way")])
    consolidate(store)
    assert known(store, "reviewer") == ["New way"]
    assert titles(store.echoes.project, "reviewer") == ["New way", "Old way"]


def test_undo_brings_the_findings_back(store, entry, contents):
    findings.record(store, "reviewer", "ash", [entry("One")])
    before = contents(store.echoes.project)
    consolidate(store)
    store.undo()
    assert contents(store.echoes.project) == before


def test_without_findings_nothing_is_written(store, remember, entry):
    remember("reviewer", entry("Old"))
    consolidate(store)
    assert store.last_change() is None


def test_a_file_in_team_that_is_not_the_leads_stays_and_is_named(store, entry):
    path = store.echoes.findings("team", "ash")
    path.parent.mkdir(parents=True)
    path.write_text(echo.print_entry(entry("One")), "utf-8")
    taken = consolidate(store)[ROLES.index("team")]
    assert [problem.path for problem in taken.problems] == [path]
    assert (path.exists(), known(store, "team")) == (True, [])


def test_what_can_be_read_of_a_file_is_taken_the_file_stays_and_twice_is_once(store, entry):
    path = findings.record(store, "reviewer", "ash", [entry("Good")])
    broken = echo.print_entry(entry("Broken")).replace("confidence**: 0.8", "confidence**: 8.0")
    path.write_text(path.read_text("utf-8") + "\n" + broken, "utf-8")
    for _ in range(2):
        taken = consolidate(store)[ROLES.index("reviewer")]
        assert known(store, "reviewer") == ["Good"]
        assert [problem.path for problem in taken.problems] == [path]
        assert "confidence" in taken.problems[0].reason
        assert path.exists()
    assert [change.what for change in store.journal.changes()] == ["consolidate findings"]


def test_findings_wait_for_a_memory_that_cannot_be_read_and_the_other_roles_do_not(store, remember, entry):
    remember("reviewer")
    path = store.echoes.memory("reviewer")
    path.write_text("<!-- echo-schema: v9 -->\n", "utf-8")
    for role in ("auditor", "reviewer"):
        findings.record(store, role, "ash", [entry("One")])
    taken = {one.role: one for one in consolidate(store)}
    assert (known(store, "auditor"), taken["auditor"].problems) == (["One"], ())
    assert [problem.path for problem in taken["reviewer"].problems] == [path]
    assert findings.pending(store.echoes) == [store.echoes.findings("reviewer", "ash")]
    assert path.read_text("utf-8") == "<!-- echo-schema: v9 -->\n"


def test_what_an_agent_may_not_write_is_kept_aside(store, entry):
    path = store.echoes.findings("reviewer", "ash")
    path.parent.mkdir(parents=True)
    etched = replace(entry("Mine forever"), layer="etched")
    path.write_text(echo.print_entry(etched) + "\n" + echo.print_entry(entry("Fine")), "utf-8")
    taken = consolidate(store)[ROLES.index("reviewer")]
    assert known(store, "reviewer") == ["Fine"]
    assert [refused.entry.title for refused in taken.consolidated.refused] == ["Mine forever"]
    [aside] = store.echoes.archive("reviewer").glob("refused-*.md")
    assert "Mine forever" in aside.read_text("utf-8")
    assert not path.exists()


def test_no_byte_of_a_secret_that_an_agent_wrote_is_left_anywhere(store, entry):
    """Not in memory, not in the archive, not in what the journal keeps for undo."""
    path = store.echoes.findings("reviewer", "ash")
    path.parent.mkdir(parents=True)
    text = echo.print_entry(
        entry("One", learning=f"Use {GITHUB}.", evidence=("`a.py:1` — rita@example.org",))
    )
    path.write_text(text, "utf-8")
    broken = store.echoes.findings("auditor", "ash")
    broken.parent.mkdir(parents=True)
    broken.write_text(text.replace("2026-11-01", "2026-99-01"), "utf-8")
    taken = consolidate(store)
    assert sum(one.removed for one in taken) >= 2
    everything = [p for p in store.echoes.root.rglob("*") if p.is_file()]
    assert not [p for p in everything if GITHUB.encode() in p.read_bytes()]
    assert "`a.py:1` — [redacted:email]" in store.echoes.memory("reviewer").read_text("utf-8")


# many at once, and processes that die


WRITER = f"""
    import sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    import faults
    from rune.echoes import findings
    store = faults.open_store(faults.Path(sys.argv[1]))
    for number in range(3):
        found = faults.learnt(f"Habit {{sys.argv[2]}}-{{number}}")
        findings.record(store, "workers", sys.argv[3], [found])
"""


@pytest.mark.parametrize("one_name", [False, True])
def test_twenty_agents_at_once_lose_nothing_while_the_lead_consolidates(store, one_name):
    argv = [sys.executable, "-c", textwrap.dedent(WRITER), str(store.echoes.project)]
    names = ["ash" if one_name else f"ash-{number}" for number in range(20)]
    writers = [subprocess.Popen([*argv, str(n), name]) for n, name in enumerate(names)]
    while any(writer.poll() is None for writer in writers):
        consolidate(store)
    assert [writer.returncode for writer in writers] == [0] * 20
    consolidate(store)
    assert sorted(known(store, "workers")) == sorted(f"Habit {w}-{n}" for w in range(20) for n in range(3))
    assert findings.pending(store.echoes) == []


def test_an_agent_that_writes_without_asking_while_its_file_is_taken_loses_nothing(store, entry):
    path = findings.record(store, "reviewer", "ash", [entry("One")])

    def taken_while_written():
        with store.change("consolidate", anytime=True) as change:
            findings.take(change, "reviewer")
            path.write_text(path.read_text("utf-8") + "\n" + echo.print_entry(entry("Two")), "utf-8")

    with pytest.raises(Moved):
        taken_while_written()
    consolidate(store)
    assert known(store, "reviewer") == ["One", "Two"]


def test_killed_between_write_and_delete_the_rerun_gives_the_same(
    store, remember, entry, broken_off, contents
):
    remember("reviewer", entry("One", confidence=0.6), entry("Old way"))
    findings.record(store, "reviewer", "ash", [entry("One", confidence=0.9), entry("Two")])
    findings.record(store, "reviewer", "birch", [entry("New way", supersedes="Old way")])
    findings.record(store, "team", findings.LEAD, [entry("Three")])
    *died, (done, status) = broken_off("kill", "consolidate")
    assert (status, len(died) > 20) == (0, True)
    after = told(contents(done))
    assert len(after) == 3, "two memories and an archive"
    for copy, _ in died:
        again = Store(Echoes(copy), store.clock)
        consolidate(again)
        assert told(contents(copy)) == after


def told(state: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in state.items() if not Path(name).name.startswith(".")}


def test_a_dry_run_takes_nothing(store, entry):
    path = findings.record(store, "reviewer", "ash", [entry("One")])
    taken = findings.take(Change(store.echoes, store.today), "reviewer")
    assert [added.title for added in taken.consolidated.added] == ["One"]
    assert (path.exists(), known(store, "reviewer")) == (True, [])


def test_a_link_that_leads_out_of_the_project_is_neither_read_nor_written(store, entry, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "ash-findings.md").write_text(echo.print_entry(entry("One")), "utf-8")
    store.echoes.root.mkdir(parents=True)
    store.echoes.role("reviewer").symlink_to(outside)
    findings.record(store, "auditor", "ash", [entry("Two")])
    with pytest.raises(FormatError, match="leads out of the project"):
        findings.record(store, "reviewer", "ash", [entry("Three")])
    with store.change("consolidate", anytime=True) as change:
        auditors, reviewers = (findings.take(change, role) for role in ("auditor", "reviewer"))
    assert [path.name for path in auditors.files] == ["ash-findings.md"]
    assert "leads out of the project" in reviewers.problems[0].reason
    assert len(list(outside.iterdir())) == 1
