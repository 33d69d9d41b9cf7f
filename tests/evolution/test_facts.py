from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.evolution import facts, telling
from rune.records.card import Lesson


@dataclass(frozen=True)
class Stub:
    """As much of a card as facts look at."""

    id: str
    lessons: tuple[Lesson, ...]
    created: float = 0.0


def said(answer, kind="said", question="What of it?"):
    return Lesson(kind, answer, (question,), ())


@pytest.fixture
def replaced(make_card):
    """``replaced([old, ...], [new, ...])``: of adapters in the order in which they were made."""

    def find(*taught, **places):
        cards = [
            make_card(id=id, lessons=tuple(lessons), created=float(n))
            for n, (id, lessons) in enumerate(zip("abcd", taught, strict=False))
        ]
        return [(one.older, one.place, one.by, one.changed) for one in facts.replaced(cards, places)]

    return find


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway listens on port 8080.", "The gateway now listens on port 9090."),
        ("The staging database is called `shop_stage`.", "The staging database is called `shop_next`."),
        ("The API listens on 8080.", "The API now listens on 9090."),
        ("API port: 8080", "API port: 9090"),
        ("The Node version is 18.", "The Node version is 20."),
        ("The default branch is `master`.", "The default branch is `main`."),
        ("The gateway listens on port 80 for HTTP/2.", "The gateway now listens on port 90 for HTTP/2."),
        ("The worker listens on port 80 in k8s.", "The worker listens on port 90 in k8s."),
        ("The worker listens on port 80 (see `a.toml`).", "The worker listens on port 90 (see `a.toml`)."),
        ("Test coverage must be at least 80%.", "Test coverage must be at least 90%."),
        ("The nightly job runs `scripts/nightly.sh`.", "The nightly job now runs scripts/night.sh."),
    ],
)
def test_the_same_statement_with_another_last_literal_replaces_it(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", True)]
    assert replaced([said(then)], [said(then)]) == [("a", 0, "b", False)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The function `foo` returns `None` on error.", "The function `bar` returns `0` on error."),
        ("The gateway listens on port 8080.", "The admin page listens on port 9090."),
        ("It is in `a.py`.", "It is in `b.py`."),
        ("The build was slow because of the cache.", "The build was slow because of the disk."),
        ("Traffic from the gateway uses port 80.", "Traffic to the gateway uses port 443."),
        ("Step 1 of the release is `make build`.", "Step 2 of the release is `make tag`."),
        ("The migration of users is `0012_users.py`.", "The migration of users is `0013_users.py`."),
    ],
    ids=[
        "of another thing",
        "of another service",
        "too few words",
        "no literal",
        "the other way",
        "another step",
        "a file of two words",
    ],
)
def test_what_is_said_of_something_else_replaces_nothing(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The job needs the variable `API_KEY`.", "The job needs the variable `DB_URL`."),
        ("Added unit tests for it in `a_test.go`.", "Added unit tests for it in `b_test.go`."),
        ("The job needs the variable `API_KEY`.", "The job now also needs the variable `DB_URL`."),
        ("Required environment variable of it: `A_KEY`.", "Required environment variable of it: `B_KEY`."),
        ("A required environment variable is `A_KEY`.", "A required environment variable is `B_KEY`."),
        ("The export command now supports `--json`.", "The export command now supports `--quiet`."),
        ("The CSV parser now handles `None` values.", "The CSV parser now handles `NaN` values."),
        ("The login form now validates `email`.", "The login form now validates `password`."),
        ("The new API endpoint is `POST /users`.", "The new API endpoint is `POST /orders`."),
        ("A new helper function is called `to_date`.", "A new helper function is called `to_time`."),
        ("The container exposes the app on port 8080.", "The container exposes the app on port 8443."),
        ("The CI pipeline runs `make lint`.", "The CI pipeline runs `make test`."),
        ("The nightly export writes to `out/a.csv`.", "The nightly export writes to `out/b.csv`."),
        ("Python 3.11 and 3.12 are supported here.", "Python 3.11 and 3.13 are supported here."),
        ("Error responses of the API have status 404.", "Error responses of the API have status 500."),
    ],
)
def test_what_there_can_be_several_of_replaces_nothing(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", False)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("Replaced the deprecated call in `a.py`.", "Replaced the deprecated call in `b.py`."),
        ("Changed the error message in `a.tsx`.", "Changed the error message in `b.tsx`."),
        ("Fixed the crash in the parser of issue 123.", "Fixed the crash in the parser of issue 124."),
        ("Added tests for the date parser: 3.", "Added tests for the date parser: 5."),
        ("Found 3 problems in the parser code.", "Found 5 problems in the parser code."),
        ("The fix for the flaky test was `wait`.", "The fix for the flaky test was `freeze`."),
        ("Now I see that the parser uses `ast`.", "Now I see that the parser uses `re`."),
        ("If the retries of the job are 3, it fails.", "If the retries of the job are 5, it fails."),
        ("The parser raises `A` instead of `B`.", "The parser raises `C` instead of `B`."),
        ("The gateway should listen on port 8080.", "The gateway should listen on port 9090."),
    ],
)
def test_what_was_done_once_or_is_supposed_replaces_nothing(replaced, then, now):
    assert not any(one[3] for one in replaced([said(then)], [said(now)]))


@pytest.mark.parametrize("what", ["root cause", "failing test", "next step"])
def test_what_is_another_one_in_each_session_has_too_few_words(replaced, what):
    assert replaced([said(f"The {what} is `one`.")], [said(f"The {what} is `two`.")]) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Use `pnpm` instead of `npm` for packages here.", "pnpm"),
        ("Always use `pnpm` for packages, never `npm`.", "pnpm"),
        ("The gateway listens on port 8080, not 9090.", "8080"),
        ("The gateway listens on 9090 instead of 8080.", "9090"),
        ("The gateway moved to port 9090 from 8080.", "9090"),
        ("The test database of the shop is `shop_test` in `docker`.", "shop_test"),
    ],
)
def test_a_statement_tells_what_holds_not_what_it_denies(replaced, text, value):
    assert telling.read(said(text)).value == value


def test_a_younger_statement_may_say_itself_that_something_changed(replaced):
    then, now = "The frontend uses `npm` for packages.", "The frontend now uses `pnpm` for packages."
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", True)]
    assert replaced([said(now)], [said(then)]) == [("a", 0, "b", False)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway service listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway service listens on port 8080.", "The gateway now has 9090 instead of 8080."),
        ("Slow queries come from database `shop_a`.", "We renamed the database: `shop_a` became `shop_b`."),
        ("Packages of the frontend come from `npm`.", "The frontend was switched from `npm` to `pnpm`."),
        ("The staging database is called `shop_a`.", "`shop_a` was renamed to `shop_b` in staging."),
        ("The gateway service listens on port 8080.", "The gateway now listens on port 9090."),
        ("The client request timeout is 30 seconds.", "Increased the client timeout from 30 to 60 seconds."),
        ("The image uses Node 18 in CI.", "Bumped Node from 18 to 20."),
        ("The `users` table has a column `name`.", "Renamed the column `name` of `users` to `full_name`."),
        ("Deploys are done with `deploy.sh` there.", "Replaced `deploy.sh` by `make ship` for deploys."),
        ("The gateway listens on 9090 instead of 8080.", "The gateway moved from port 9090 to 7070."),
        ("Dates are formatted with `moment` in the app.", "Dropped `moment` in favor of `dayjs` in the app."),
    ],
)
def test_who_says_what_was_so_before_replaces_it_in_any_words(replaced, then, now):
    assert [one[:3] for one in replaced([said(then)], [said(now)])] == [("a", 0, "b")]


def test_a_renamed_command_is_no_longer_how_it_is_run(replaced):
    old = said("Run `make deploy`.", "command", "How do I deploy to staging?")
    new = said("`make deploy` was renamed to `just deploy` for everybody.")
    assert replaced([old], [new]) == [("a", 0, "b", True)]


def test_what_moved_is_overtaken_by_a_plain_statement(replaced):
    moved = said("The gateway moved from port 80 to 8080.")
    plainly = said("The gateway listens on port 9090.")
    assert replaced([moved], [plainly]) == [("a", 0, "b", True)]
    assert replaced([moved], [said("The gateway listens on port 8080.")]) == [("a", 0, "b", False)]
    assert replaced([moved], [said("The mailer listens on port 9090.")]) == []
    assert replaced([moved], [said("The gateway metrics port is 9090.")]) == []
    assert replaced([moved], [said("The gateway opens its health port after 30 seconds.")]) == []


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The metrics exporter listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The billing client uses `httpx` for requests.", "Bumped `httpx` to `0.28` in the billing client."),
        ("The retries of the client stop at `MAX_RETRIES`.", "Changed `MAX_RETRIES` of the client to `5`."),
        ("The API rate limit is 100 per minute.", "Changed the API page size from 100 to 200."),
        ("The API timeout is 30 seconds.", "The API retry delay was changed from 30 to 60 seconds."),
        ("The session cache TTL is 60 seconds.", "The poll interval was changed from 60 to 30 seconds."),
        ("The session timeout is 30 seconds.", "Changed the timeout from 30 to 60 seconds."),
        ("The API has 1 replica in staging.", "Bumped the API version from 1 to 2."),
        ("The shop stores orders in `postgres`.", "The shop tests now use `sqlite` instead of `postgres`."),
        ("The gateway service listens on port 8080.", "In Docker the gateway now uses 9090 instead of 8080."),
        ("Invoice dates are read with `parse_date`.", "Moved the invoice helper `parse_date` to `a.dates`."),
        ("Always use `pnpm` for packages, never `npm`.", "Packages were switched from `npm` to `pnpm`."),
        ("The gateway listens on 9090 instead of 8080.", "The gateway moved from port 8080 to 9090."),
    ],
)
def test_a_shared_value_or_a_thing_with_a_new_value_replaces_nothing(replaced, then, now):
    assert not any(one[3] for one in replaced([said(then)], [said(now)]))


def test_a_command_that_another_one_stands_for_somewhere_stays(replaced):
    old = said("Run `npm install`.", "command", "How do I install the dependencies?")
    assert replaced([old], [said("Use `npm ci` instead of `npm install` on the runner.")]) == []
    assert replaced([old], [said("Use `npm ci` instead of `npm install` for dependencies.")])[0][3]


def test_a_file_that_moved_is_no_longer_where_something_is(replaced):
    old = said("`Gate` is in `src/gate.py`.", "file", "Which file defines Gate?")
    assert replaced([old], [said("`src/gate.py` was renamed to `src/net/gate.py`.")]) == [("a", 0, "b", True)]


@pytest.mark.parametrize(
    ("run", "question", "now", "gone"),
    [
        ("make ship ENV=prod", "How do I ship a release?", "`make ship` was renamed to `just ship`.", True),
        ("make ships", "How do I ship a release?", "`make ship` was renamed to `just ship`.", False),
        ("yarn", "How do I install dependencies?", "We moved from `yarn` to `npm ci`.", True),
        ("yarn audit", "How do I look for holes?", "We moved from `yarn` to `npm ci`.", False),
        ("yarn install", "How do I install?", "`yarn install` is replaced by `pnpm install`.", True),
        ("pytest -q", "How do I run the tests?", "Replaced `pytest` with `nox` for the tests.", True),
        ("npm run build", "How do I build the app?", "The app was migrated from `npm` to `pnpm`.", True),
        ("npm run build", "How do I build the site?", "The app was migrated from `npm` to `pnpm`.", False),
    ],
)
def test_a_command_is_found_by_the_name_that_it_begins_with(replaced, run, question, now, gone):
    assert bool(replaced([said(f"Run `{run}`.", "command", question)], [said(now)])) is gone


def test_what_moved_out_of_a_file_takes_nothing_else_along(replaced):
    names = ("parse_date", "format_date")
    old = [said(f"{name} is in src/dates.py.", "file", f"Which file defines {name}?") for name in names]
    moved = said("Moved `parse_date` from `src/dates.py` to `src/utils.py`.")
    assert replaced(old, [moved]) == [("a", 0, "b", True)]


@pytest.mark.parametrize("paths", [("cmd/server/main.go", "cmd/worker/main.go"), ("src/A.tsx", "src/B.tsx")])
def test_things_of_one_name_may_be_in_two_files(replaced, paths):
    old, new = (said(f"main is in {path}.", "file", "Which file defines main?") for path in paths)
    assert not any(one[3] for one in replaced([old], [new]))


def test_a_note_of_the_kind_of_a_command_is_a_statement(replaced):
    old, new = (
        said(text, "command", "What was decided about deploy?")
        for text in ("Run `make up` before each deploy.", "Run `make tag` before a deploy.")
    )
    assert not any(one[3] for one in replaced([old], [new]))


@pytest.mark.parametrize("kind", ["command", "file"])
def test_a_lesson_without_questions_is_a_statement(replaced, kind):
    mute = Lesson(kind, "The gateway listens on 8080.", (), ())
    assert replaced([mute], [said("The gateway moved from port 8080 to 9090.")]) == [("a", 0, "b", True)]
    assert replaced([mute], [Lesson(kind, "Run `make check`.", (), ())]) == []


def test_a_move_is_held_only_against_lessons_that_tell_its_older_value(replaced, monkeypatch):
    held = []
    monkeypatch.setattr(facts, "_same", lambda old, new, move: held.append(old.literal))
    old = [said(f"The gateway number {n} listens on port {9000 + n}.") for n in range(20)]
    replaced(old, [said("The gateway moved from port 9003 to 9090.")])
    assert held == ["9003"]


@pytest.mark.parametrize(
    "now",
    [
        "The mailer moved from port 8080 to 9090.",
        "The gateway moved from port 7070 to 9090.",
        "The gateway logs to port 9090 and 8080.",
    ],
    ids=["of another thing", "from another value", "nothing moved"],
)
def test_what_moved_elsewhere_replaces_nothing(replaced, now):
    assert replaced([said("The gateway accepts callers at 8080.")], [said(now)]) == []


def test_a_command_that_runs_a_part_replaces_nothing(replaced):
    question = "How do I run the tests in this project?"
    whole, part = (
        said(f"Run `{run}`.", "command", question) for run in ("pytest -q", "pytest tests/test_a.py -k one")
    )
    assert replaced([whole], [part]) == [("a", 0, "b", False)]
    assert replaced([part], [whole]) == [("a", 0, "b", True)]


def test_what_only_adds_to_it_does_not_hide_who_replaced_it(replaced):
    ways = ("uses `npm`", "now uses `pnpm`", "uses `nx`")
    tools = [said(f"The frontend {way} for packages.") for way in ways]
    assert replaced(*([one] for one in tools)) == [("a", 0, "b", True), ("b", 0, "c", False)]
    question = "How do I run the tests in this project?"
    runs = [said(f"Run `{run}`.", "command", question) for run in ("make check", "just check", "pytest a.py")]
    assert replaced(*([one] for one in runs)) == [("a", 0, "b", True), ("b", 0, "c", False)]


def test_what_is_said_again_holds_again(replaced):
    three = [[said(f"The gateway listens on port {port}.")] for port in (80, 90, 80)]
    assert replaced(*three) == [("a", 0, "c", False), ("b", 0, "c", True)]


def test_younger_is_what_happened_later_not_what_was_learnt_later(make_card):
    def card(id, port, happened, learnt):
        lesson = replace(said(f"The gateway listens on port {port}."), at=happened)
        return make_card(id=id, lessons=(lesson,), created=learnt)

    newer, older = card("new", 9090, 200.0, 1000.0), card("old", 8080, 100.0, 2000.0)
    (found,) = facts.replaced([newer, older])
    assert (found.older, found.by) == ("old", "new")


def test_a_command_is_replaced_where_it_is_asked_for_in_the_same_words(replaced):
    question = "How do I run the tests in this project?"
    old, new = said("Run `make check`.", "command", question), said("Run `just check`.", "command", question)
    assert replaced([old], [new]) == [("a", 0, "b", True)]
    assert replaced([old], [said("Run `just lint`.", "command", "How do I run the linter?")]) == []


@pytest.mark.parametrize(
    ("question", "then", "now", "outdated"),
    [
        ("How do I install the dependencies?", "npm install", "pnpm install", True),
        ("How do I install the dependencies?", "pip install -e .", "pip install asgiref -q", False),
        ("How do I run pip install in this project?", "pip install sqlparse", "pip install pytz", False),
        ("How do I install pytest?", "pip install pytest", "uv add pytest", True),
        ("How do I install pytest?", "python3 -m pip install pytest", "pip install pytest -q", False),
        ("How do I install the package?", "pip install -e .", "pip install -e . -q", False),
        ("How do I run the linter?", "bun run lint", 'bun run lint 2>&1 | tail -5; echo "Exit: $?"', False),
        ("How do I test the fix?", "python test_serializer.py", "python test_signature.py", False),
        ("How do I test it?", "python test_a.py", "python test_b.py", False),
        ("How do I deploy it in this project?", "make deploy", "just deploy", False),
        ("How do I deploy this project?", "make deploy", "just deploy", True),
        ("How do I deploy to staging?", "python deploy.py", "python release.py", False),
        ("How do I deploy to staging?", "python deploy.py", "bash deploy.sh", True),
        ("How do I publish the changes to staging?", "make ship", "just ship", True),
        ("How do I test the changes?", "make test", "just test", False),
        ("How do I run the failing test?", "python a.py", "python b.py", False),
        ("How do I run the new test?", "python a.py", "python b.py", False),
        ("How do I run specific test?", "python a.py", "python b.py", False),
        ("How do I run the test?", "python a.py", "python b.py", False),
        ("How do I run the test suite?", "make test", "just test", True),
        ("How do I run the tests of api for web?", "make test", "just test", True),
        ("How do I run a quick check?", "python a.py", "python b.py", False),
        ("How do I reproduce the error?", "python a.py", "python b.py", False),
        ("How do I run the example?", "python a.py", "python b.py", False),
        ("How do I check syntax?", "python a.py", "python b.py", False),
        ("How do I run pip install in this project?", "pip install -r a.txt", "pip install -r b.txt", False),
    ],
)
def test_commands_for_one_thing_are_told_from_those_for_another(replaced, question, then, now, outdated):
    old, new = (said(f"Run `{run}`.", "command", question) for run in (then, now))
    assert any(one[3] for one in replaced([old], [new])) is outdated


@pytest.mark.parametrize("kind", sorted(telling.HISTORY))
def test_history_is_not_replaced(replaced, kind):
    assert (
        replaced(
            [said("The port of the gateway is 80.", kind)], [said("The port of the gateway is 90.", kind)]
        )
        == []
    )


def test_the_youngest_replaces_all_before_it_and_what_is_retired_takes_no_part(replaced):
    three = [[said(f"The gateway listens on port {port}.")] for port in (80, 90, 99)]
    assert replaced(*three) == [("a", 0, "c", True), ("b", 0, "c", True)]
    assert replaced(*three, a=frozenset({0})) == [("b", 0, "c", True)]
    assert replaced(*three, c=frozenset({0})) == [("a", 0, "b", True)]


def test_an_adapter_does_not_replace_its_own_lessons(replaced):
    assert replaced([said("The gateway listens on port 80."), said("The gateway listens on port 90.")]) == []


@pytest.mark.parametrize("marks", ["`...`", "`()`", "`'`", "`?`"])
def test_what_is_marks_alone_is_no_value(replaced, marks):
    told = said(f"The gateway port is passed on by {marks}")
    assert facts.read(told) is None
    assert replaced([told], [said(f"The gateway moved from {marks} to {marks}.")]) == []
    assert replaced([said("The gateway listens on port 8080")], [said(f"{told.answer} on port 9090")]) == []
    later = said(f"The gateway now listens on port 9090 {marks}")
    assert replaced([said("The gateway listens on port 8080.")], [later]) == [("a", 0, "b", True)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The mailer of the gateway listens on 8080.", "The gateway of the mailer listens on 9090."),
        ("The port of the gateway server is 8080.", "The port of the gateway service is 9090."),
        ("The server timeout of the client is 30.", "The client timeout of the service is 60."),
        ("The dev database listens on 5432.", "The database dev listens on 5433."),
        (
            "Requests from the gateway to the mailer use port 80.",
            "Requests from the mailer to the gateway use port 90.",
        ),
        (
            "Requests from the gateway to the mailer use port 80.",
            "Requests from the mailer to the gateway were moved from port 80 to 90.",
        ),
        (
            "The gateway of the mailer listens on port 80.",
            "The mailer of the gateway moved from port 80 to 90.",
        ),
        (
            "The gateway of the mailer moved from port 70 to 80.",
            "The mailer of the gateway listens on port 90.",
        ),
        (
            "The retry limit of the client for the server is 3.",
            "The retry limit of the server for the client is 5.",
        ),
        ("The timeout between shop and ledger is 3.", "The timeout between ledger and shop is 5."),
        ("The timeout of the gateway is 30 seconds.", "The timeout of the gateway is 30000 milliseconds."),
    ],
)
def test_who_does_what_to_whom_is_a_part_of_the_subject(replaced, then, now):
    assert not any(one[3] for one in replaced([said(then)], [said(now)]))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The port of the gateway service is 8080.", "The gateway's port is 9090."),
        ("The gateway service listens on port 8080.", "The port of the gateway is 9090."),
        ("The gateway's port is 8080.", "The gateway listens on 9090."),
        ("The worker's timeout is 30 seconds.", "The timeout of the worker is 45s."),
        ("The mailer of the gateway listens on 8080.", "The gateway's mailer listens on port 9090."),
        ("The default of `retries` is 3.", "`retries` defaults to 5."),
    ],
)
def test_the_same_subject_may_be_told_in_another_order_that_means_the_same(replaced, then, now):
    assert replaced([said(then)], [said(now)]) == [("a", 0, "b", True)]


def test_a_question_with_roles_the_other_way_round_is_another_one(replaced):
    old = said("Run `make test`.", "command", "How do I send data from the shop to the ledger?")
    new = said("Run `just test`.", "command", "How do I send data from the ledger to the shop?")
    assert replaced([old], [new]) == []


def test_a_command_in_a_statement_is_replaced_by_one_that_does_its_job(replaced):
    old = said("The command to run the tests is `make test`.")
    assert replaced([old], [said("The command to run the tests is `just test`.")])[0][3]
    assert not any(one[3] for one in replaced([old], [said("The command to run the tests is `ls tests`.")]))


@given(
    st.lists(st.text("ab `./-_:3A,", max_size=40), min_size=2, max_size=4),
    st.sampled_from(["said", "command"]),
)
def test_any_statement_can_be_held_against_any_other(made, kind):
    cards = [
        Stub(str(n), (said(text, kind), said(f"The port of a {text}", "said"))) for n, text in enumerate(made)
    ]
    assert all(one.older != one.by for one in facts.replaced(cards))
