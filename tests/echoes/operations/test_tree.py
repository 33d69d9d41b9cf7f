"""init makes what is missing, once."""

from rune.echoes.operations import tree
from rune.records import echo


def begin(store):
    with store.change("init", anytime=True) as change:
        return tree.begin(change)


def test_init_makes_a_memory_and_an_archive_for_every_role(store):
    begun = begin(store)
    assert begun.made == echo.ROLES
    for role in echo.ROLES:
        assert store.echoes.memory(role).read_text("utf-8").startswith(echo.HEADER)
        assert store.echoes.archive(role).is_dir()


def test_init_twice_is_once(store, contents):
    begin(store)
    before = contents(store.echoes.project)
    assert begin(store).there == echo.ROLES
    assert contents(store.echoes.project) == before


def test_init_leaves_a_memory_that_is_there_alone(store, remember, entry):
    remember("team", entry("Unused imports"))
    before = store.echoes.memory("team").read_bytes()
    assert "team" in begin(store).there
    assert store.echoes.memory("team").read_bytes() == before


def test_the_report_says_what_git_sees(store):
    begun = begin(store)
    assert "git sees nothing" in tree.render(begun, "x", seen_by_git=False)
    assert "git sees the role folders" in tree.render(begun, "x", seen_by_git=True)
    hidden = tree.render(begun, "x", seen_by_git=True, hint="`.gitignore:1:.claude` hides it")
    assert ("git sees" in hidden, ".gitignore:1:.claude" in hidden) == (False, True)
