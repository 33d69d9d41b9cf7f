"""Statements of one subject that leave each other true, and plain changes in the words of developers."""

import pytest


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The default branch is `main`.", "The default branch was `master`."),
        ("The default branch is `main`.", "The default branch had been `master`."),
        ("The gateway listens on port 8080.", "The gateway's port was 9090."),
        ("The session timeout is 30 minutes.", "Last week the session timeout was 15 minutes."),
        ("The staging host is `a.acme.io`.", "Yesterday the staging host was `b.acme.io`."),
        ("The gateway listens on port 8080.", "Last month the gateway was on port 9090."),
    ],
)
def test_what_was_so_replaces_nothing_that_is(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The log level is `INFO`.", "In this session the log level is `DEBUG`."),
        ("The request timeout is 30 seconds.", "During this task the request timeout is 300 seconds."),
        ("The gateway listens on port 8080.", "In this session, the gateway listens on port 9090."),
    ],
)
def test_what_is_so_for_a_session_replaces_nothing(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The password must be at least 8 characters.", "The password must be at most 64 characters."),
        ("The token length has to be at least 16.", "The token length has to be at most 128."),
        ("The pool size must be at least 2.", "The pool size must be 8."),
        ("The numpy version is >=1.20.", "The numpy version is <2.0."),
        ("The numpy version is `>=1.20`.", "The numpy version is `1.26`."),
    ],
)
def test_a_bound_replaces_no_other_bound_and_no_value(retired, then, now):
    assert not retired(then, now)
    assert not retired(now, then)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("Our default branch is `main`.", "Their default branch is `master`."),
        ("The Node version is 20.", "Your Node version is 18."),
        ("My default branch is `dev`.", "The default branch is `main`."),
        ("Our rate limit is 100 per minute.", "Their rate limit is 10 per minute."),
        ("The customer's database is `acme_42`.", "The customer's database is `beta_7`."),
        ("The user's timezone is `UTC`.", "The user's timezone is `CET`."),
        ("The port in the traceback is 8080.", "The port in the traceback is 9090."),
        ("The conflicting version is 2.1.", "The conflicting version is 3.4."),
        ("The gateway listens on port 8080.", "The old gateway moved from port 8080 to 9090."),
        ("The gateway listens on port 8080 in the tests.", "The gateway moved from port 8080 to 9090."),
    ],
)
def test_what_is_anothers_or_of_another_place_replaces_nothing(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The allowed host is `api.acme.io`.", "The allowed host is `www.acme.io`."),
        ("The proxy listens on port 80.", "The proxy listens on port 443."),
        ("The API formatter is `black`.", "The API formatter is `isort`."),
        ("The linter of the frontend is `eslint`.", "The linter of the frontend is `stylelint`."),
        ("The framework of the frontend is `react`.", "The framework of the frontend is `tailwind`."),
    ],
)
def test_of_what_there_may_be_several_none_is_replaced(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    "then",
    [
        "We chose RabbitMQ because only it has dead letter queues. The gateway listens on port 8080.",
        "The gateway listens on port 8080. We chose RabbitMQ because only it has dead letter queues.",
    ],
)
def test_a_note_of_several_facts_is_kept_whatever_their_order(retired, then):
    assert not retired(then, "The gateway moved from port 8080 to 9090.")
    assert retired(
        "Note this. The gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."
    )


@pytest.mark.parametrize(
    "more", ["See the docs.", "It must be open in the firewall.", "Please tell Ann first."]
)
def test_a_sentence_that_goes_on_about_the_fact_keeps_no_note(retired, more):
    assert retired(f"The gateway listens on port 8080. {more}", "The gateway moved from port 8080 to 9090.")
    another = "It also uses `redis` for all of its sessions."
    assert not retired(f"{another} The gateway listens on port 80.", "The gateway moved from port 80 to 90.")


@pytest.mark.parametrize("what", ["crash", "bug", "error", "leaked key", "cause of the failure"])
def test_where_a_fault_was_is_history(retired, what):
    then = f"The {what} is in `docker/dev.yml`."
    assert not retired(then, "`docker/dev.yml` was replaced by `docker/compose.yml`.")


@pytest.mark.parametrize(
    "then",
    [
        "Somebody lost the production data with `make reset`.",
        "Two people must approve before you run `make reset`.",
        "Never deploy on Fridays, and use `make reset`.",
        "It takes an hour and 16 GB of memory to run `make reset`.",
        "Do the migration by hand, since it cannot be done with `make reset`.",
        "The outage began with `make reset`.",
        "The mobile app is built with `make reset`.",
    ],
)
def test_what_only_ends_with_a_command_tells_more_than_to_run_it(retired, then):
    assert not retired(then, "`make reset` was renamed to `just reset`.")
    assert not retired(then, "`make reset` is gone, use `just reset`.")
    assert retired("To begin anew, run `make reset`.", "`make reset` was renamed to `just reset`.")


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The message broker is called `bus`.", "The message broker is `kafka`."),
        ("The staging cluster is called `eu-1`.", "The staging cluster is `eks`."),
        ("The production database is called `orders`.", "The production database is `postgres`."),
        ("The CI runner is called `ci-1`.", "The CI runner is now `gitlab`."),
        ("The blog is in `apps/web`.", "The repo moved from `apps/web` to `apps/site`."),
        ("Releases of the CLI are in `dist/cli`.", "The project moved from `dist/cli` to `out/cli`."),
        ("Prices must be rounded before they come from `src/p.py`.", "`src/p.py` was renamed to `src/q.py`."),
    ],
)
def test_a_name_and_a_kind_or_a_place_and_what_lies_there_leave_each_other_true(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The test database is called `a_prod`.", "The test database has been renamed to `a_live`."),
        ("The test database is called `a_prod`.", "We renamed the test database to `a_live`."),
        ("The CI workflow is in `ci/test.yml`.", "The CI workflow is now in `ci/main.yml`."),
        ("The CI workflow is in `ci/test.yml`.", "The CI workflow has moved to `ci/main.yml`."),
        ("To start the app, run `npm run dev`.", "`npm run dev` was renamed to `npm start`."),
        ("Start the app with `npm run dev`.", "`npm run dev` is gone, use `npm start`."),
        ("Use `npm run dev` to start the app.", "Use `pnpm dev` instead of `npm run dev` to start the app."),
        ("To deploy, run `./bin/deploy.sh`.", "`./bin/deploy.sh` was replaced by `make deploy`."),
        ("The database URL is read from `DB_URL`.", "`DB_URL` was renamed to `APP_DB_URL`."),
        (
            "The default branch of the repo is `master`.",
            "We renamed the default branch from `master` to `main`.",
        ),
        ("The production port is 80.", "The production port was changed to 90."),
        ("The production database is `a`.", "The production database was renamed to `b`."),
        ("The default branch is `master`.", "As of yesterday, the default branch is `main`."),
        ("The port of the shop that was split off is 80.", "The port of the shop that was split off is 90."),
        ("The default branch is `master`.", "We renamed the old default branch `master` to `main`."),
        (
            "The deploy script is in `bin/d.sh`.",
            "The old deploy script `bin/d.sh` was replaced by `bin/e.sh`.",
        ),
        ("The signing key is in `conf/s.pem`.", "`conf/s.pem` was renamed to `conf/t.pem`."),
        ("The error pages are in `web/e.html`.", "`web/e.html` was renamed to `web/f.html`."),
        ("The allowed host is `api.acme.io`.", "The allowed host is now `www.acme.io`."),
        ("The project has version 1.2.0.", "We bumped the project's version from 1.2.0 to 1.3.0."),
        ("Our repo's timeout is 30 seconds.", "Our repo's timeout was raised from 30 to 60 seconds."),
        ("The database user is `root`.", "The database user is now `app`."),
        ("The rate limit per user is 100.", "The rate limit per user is 200."),
        ("The port of payment is 8080.", "The port of payment is 9090."),
        ("The gateway's port is 80.", "In this session I changed the gateway's port to 90."),
    ],
)
def test_a_plain_change_replaces_what_was_so(retired, then, now):
    assert retired(then, now)
