import re

import pytest

from rune.evolution import owner


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The mailer of the gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway's mailer listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway mailer listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The proxy behind the gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("Nginx in front of the gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("Workers of the gateway listen on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway sends metrics to port 8080.", "The gateway moved from port 8080 to 9090."),
        ("Clients of the gateway use port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway forwards to the shop on port 8080.", "The gateway moved from port 8080 to 9090."),
        (
            "Port 8080 is where the mailer of the gateway listens.",
            "The gateway moved from port 8080 to 9090.",
        ),
        ("The shop tests use `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        ("The tests of the shop use `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        ("Tests of the shop use `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        ("Tests of the shop are run with `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        ("The shop admin uses `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        ("`sqlite` is used by the tests of the shop.", "The shop was migrated from `sqlite` to `postgres`."),
        ("The cache of the shop uses `redis`.", "The shop was switched from `redis` to `memcached`."),
        (
            "The worker that serves the shop uses `redis`.",
            "The shop was switched from `redis` to `memcached`.",
        ),
        ("The shop's mailer uses `redis`.", "The shop was switched from `redis` to `memcached`."),
        ("The gateway starts 4 workers.", "The gateway was bumped from 4 to 5."),
        ("The gateway keeps 4 connections.", "The gateway was bumped from version 4 to 5."),
        ("The gateway waits 30 seconds.", "The gateway went from 30 to 60 workers."),
        ("The gateway has 4 workers.", "The gateway was raised from 4 to 8 threads."),
        ("The gateway listens on port 80.", "The gateway was raised from 80 to 90 threads."),
        ("The gateway version is 4.", "The gateway was raised from 4 to 8 workers."),
        ("The docs of the app are built with `npm`.", "The app was switched from `npm` to `pnpm`."),
        (
            "The settings of the gateway mock live in `a.toml`.",
            "The gateway settings moved from `a.toml` to `b.toml`.",
        ),
        ("The logger of the app is defined in `app.py`.", "The app moved from `app.py` to `main.py`."),
        ("The staging gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("In production the gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway health check listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The database of the shop listens on port 5432.", "The shop moved from port 5432 to 5433."),
    ],
)
def test_a_move_says_nothing_of_what_only_belongs_to_it(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway listens on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway service runs on port 8080 internally.", "The gateway moved from port 8080 to 9090."),
        ("The gateway is reachable on port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The port of the gateway is 8080.", "The gateway moved from port 8080 to 9090."),
        ("The gateway's port is 8080.", "The gateway moved from port 8080 to 9090."),
        ("Our gateway always uses port 8080.", "The gateway moved from port 8080 to 9090."),
        ("The default port of the gateway is 8080.", "The gateway moved from port 8080 to 9090."),
        ("Port 8080 is used by the gateway.", "The gateway moved from port 8080 to 9090."),
        ("We run the gateway on port 8080.", "The gateway moved from port 8080 to 9090."),
        (
            "The mailer of the gateway listens on port 8080.",
            "The mailer of the gateway moved from port 8080 to 9090.",
        ),
        (
            "The mailer of the gateway listens on port 8080.",
            "The gateway's mailer moved from port 8080 to 9090.",
        ),
        ("The shop uses `sqlite`.", "The shop was migrated from `sqlite` to `postgres`."),
        (
            "The shop stores its data in `sqlite`.",
            "The data of the shop was migrated from `sqlite` to `postgres`.",
        ),
        ("The shop tests use `sqlite`.", "The shop tests were migrated from `sqlite` to `postgres`."),
        ("The tests of the shop use `sqlite`.", "The shop tests were migrated from `sqlite` to `postgres`."),
        ("The gateway starts 4 workers.", "The gateway workers were bumped from 4 to 5."),
        ("The gateway starts 4 workers.", "The gateway was bumped from 4 to 5 workers."),
        ("The gateway timeout is 30 seconds.", "The gateway timeout was raised from 30 to 60."),
        ("The gateway timeout is 30.", "The gateway timeout was raised from 30 to 60 seconds."),
        ("The image uses Node 18 in CI.", "Bumped Node from 18 to 20."),
        ("Packages of the frontend come from `npm`.", "The frontend was switched from `npm` to `pnpm`."),
        ("The client request timeout is 30 seconds.", "Increased the client timeout from 30 to 60 seconds."),
        ("The gateway moved from port 80 to 8080.", "The gateway moved from port 8080 to 9090."),
        (
            "The frontend was switched from `npm` to `pnpm`.",
            "The frontend was switched from `pnpm` to `bun`.",
        ),
        (
            "We renamed the shop database: `shop_a` became `shop_b`.",
            "We renamed the shop database: `shop_b` became `shop_c`.",
        ),
        ("The nightly job keeps 10 old files.", "The nightly job was changed from 10 to 20 old files."),
        (
            "The config of the app lives in `config.yml`.",
            "The config of the app moved from `config.yml` to `settings.yml`.",
        ),
    ],
)
def test_a_move_replaces_what_is_told_of_the_same_thing(retired, then, now):
    assert retired(then, now)


@pytest.mark.parametrize(
    ("text", "value", "whose"),
    [
        ("The mailer of the gateway listens on port 8080.", "8080", {"mailer", "gateway"}),
        ("It failed. The gateway starts 4 workers.", "4", {"gateway"}),
        ("Packages of the frontend come from `npm`.", "`npm`", {"frontend"}),
        ("Tests of the frontend come from `npm`.", "`npm`", {"tests", "frontend"}),
        ("The service that is behind the shop uses `npm`.", "`npm`", {"behind", "shop"}),
        ("`npm` is used by the shop.", "`npm`", {"shop"}),
        ("The client request timeout is 30.", "30", {"client", "timeout"}),
    ],
)
def test_an_owner_is_what_stands_before_the_verb_or_the_value(text, value, whose):
    assert owner.find(text, re.search(re.escape(value), text)).owner == whose
