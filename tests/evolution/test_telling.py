import pytest


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The import job now needs `API_KEY`.", "The import job now needs `DB_URL`."),
        ("The import job now requires `login`.", "The import job now requires `staff`."),
        ("The import job now raises `ValueError`.", "The import job now raises `TypeError`."),
        ("The import job now logs `a_id`.", "The import job now logs `b_id`."),
        ("The import job now sends `X-A`.", "The import job now sends `X-B`."),
        ("The import job now skips `None`.", "The import job now skips `NaN`."),
        ("The import job now ignores `build/`.", "The import job now ignores `dist/`."),
        ("The import job now calls `migrate`.", "The import job now calls `collect`."),
        ("The import job now installs `libpq`.", "The import job now installs `libxml`."),
        ("The import job now checks `email`.", "The import job now checks `phone`."),
        ("The import job now stores `user`.", "The import job now stores `order`."),
        ("The import job now emits `created`.", "The import job now emits `deleted`."),
        ("The import job now retries `GET`.", "The import job now retries `POST`."),
        ("The import job now prints `version`.", "The import job now prints `date`."),
        ("The import job now creates `users`.", "The import job now creates `orders`."),
        ("The import job now defines `__a__`.", "The import job now defines `__b__`."),
        ("The import job now implements `__eq__`.", "The import job now implements `__ne__`."),
        ("The import job now imports `json`.", "The import job now imports `yaml`."),
        ("The import job now overrides `save`.", "The import job now overrides `delete`."),
        ("The import job now tests `p_date`.", "The import job now tests `f_date`."),
        ("The import job now displays `errs`.", "The import job now displays `usrs`."),
        ("The import job now reads `GATE_PORT`.", "The import job now reads `GATE_HOST`."),
        ("The import job now catches `OSError`.", "The import job now catches `IOError`."),
        ("The import job now rejects `null`.", "The import job now rejects `nan`."),
        ("The import job now parses `toml`.", "The import job now parses `yaml`."),
        ("The import job now publishes `a.created`.", "The import job now publishes `b.created`."),
        ("The import job now watches `src/`.", "The import job now watches `lib/`."),
        ("The import job now copies `a.txt`.", "The import job now copies `b.txt`."),
        ("The import job now deletes `tmp/`.", "The import job now deletes `out/`."),
        ("The import job now exports `parse`.", "The import job now exports `format`."),
        ("The import job now returns `None`.", "The import job now returns `0`."),
        ("The import job now throws `AError`.", "The import job now throws `BError`."),
        ("The import job now warns about `a_x`.", "The import job now warns about `b_x`."),
        ("The import job now falls back to `a_x`.", "The import job now falls back to `b_x`."),
        ("The import job now passes `--fast`.", "The import job now passes `--slow`."),
        ("The import job now sets `A_B`.", "The import job now sets `C_D`."),
        ("The import job now escapes `<b>`.", "The import job now escapes `<i>`."),
        ("The import job now renders `a.html`.", "The import job now renders `b.html`."),
        ("The import job now queries `users`.", "The import job now queries `orders`."),
        ("The import job now loads `a.json`.", "The import job now loads `b.json`."),
        ("The import job now locks `users`.", "The import job now locks `orders`."),
        ("The import job now compiles `a.c`.", "The import job now compiles `b.c`."),
        ("The import job now matches `*.py`.", "The import job now matches `*.pyi`."),
        ("The import job now mocks `time`.", "The import job now mocks `random`."),
        ("The import job now sorts by `name`.", "The import job now sorts by `date`."),
        ("The import job now subscribes to `a_topic`.", "The import job now subscribes to `b_topic`."),
        ("The import job now depends on `redis`.", "The import job now depends on `kafka`."),
        ("The import job now sends mail to `ops@a.de`.", "The import job now sends mail to `dev@a.de`."),
        ("The import job now works with `python3.11`.", "The import job now works with `python3.12`."),
        ("The import job needs `A_KEY` now.", "The import job needs `B_KEY` now."),
        ("The import job now runs `make lint`.", "The import job now runs `make test`."),
        ("The import job runs `make lint` now.", "The import job runs `make test` now."),
        ("The API client now needs 2 tokens.", "The API client now needs 3 tokens."),
        ("All tests now pass in `tests/test_a.py`.", "All tests now pass in `tests/test_b.py`."),
        (
            "A warning of the parser is now raised for `None`.",
            "A warning of the parser is now raised for `NaN`.",
        ),
        (
            "The variable `API_KEY` is now needed by the job.",
            "The variable `DB_URL` is now needed by the job.",
        ),
        ("The type errors are gone now in `a.py`.", "The type errors are gone now in `b.py`."),
        ("The import job is now able to read `csv`.", "The import job is now able to read `json`."),
        ("The import job is fast now for `csv`.", "The import job is fast now for `json`."),
        ("The login view now also uses `redis`.", "The login view now also uses `kafka`."),
    ],
)
def test_what_it_does_now_it_may_do_to_several(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The frontend uses `npm` for packages.", "The frontend now uses `pnpm` for packages."),
        ("Log files are written to `logs/app.log`.", "Log files are now written to `logs/api.log`."),
        ("The nightly job runs `scripts/nightly.sh`.", "The nightly job now runs scripts/night.sh."),
        ("The staging site lives at `a.example.com`.", "The staging site now lives at `b.example.com`."),
        ("The session data is stored in `redis`.", "The session data is now stored in `memcached`."),
        ("The config of the app is read from `a.toml`.", "The config of the app is now read from `b.toml`."),
        ("The shop app is built with `webpack`.", "The shop app is now built with `vite`."),
        ("The shop app is hosted on `heroku`.", "The shop app is now hosted on `flyio`."),
        ("The gateway listens on `a.sock` there.", "The gateway now listens on `b.sock` there."),
        (
            "The main function of the worker is called `main`.",
            "The main function of the worker is now called `run`.",
        ),
        (
            "The frontend packages are managed with `npm`.",
            "The frontend packages are managed with `pnpm` now.",
        ),
        ("The mail worker listens on 8080.", "The mail worker now listens on 9090."),
        ("The release notes live in `NEWS.md`.", "The release notes now live in `CHANGELOG.md`."),
    ],
)
def test_what_is_now_somewhere_or_works_with_something_else_was_so_before(retired, then, now):
    assert retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The pull request for the import is #12.", "The pull request for the import is #13."),
        ("The PR of the import fix is `#12`.", "The PR of the import fix is `#13`."),
        ("The merge request for the import is !12.", "The merge request for the import is !13."),
        ("The ticket of the import is ABC-12.", "The ticket of the import is ABC-13."),
        ("The Jira story for login is `SHOP-4`.", "The Jira story for login is `SHOP-5`."),
        ("The commit of the login change is `a1b2c3d`.", "The commit of the login change is `d4e5f6a`."),
        ("The commit with the fix is `1234567`.", "The commit with the fix is `7654321`."),
        ("The login revision is `a1b2c3d4`.", "The login revision is `d4e5f6a7`."),
        ("The migration is called `0012_users`.", "The migration is called `0013_orders`."),
        ("The newest migration of shop is `0012_users`.", "The newest migration of shop is `0013_orders`."),
        ("The alembic revision is called `ae10b`.", "The alembic revision is called `be20c`."),
        ("The issue number of the crash is 12.", "The issue number of the crash is 13."),
        ("The order id in the sample is 77.", "The order id in the sample is 78."),
        (
            "The request id is `9f8e7d6c-1234-4abc-9def-001122334455`.",
            "The request id is `1f8e7d6c-1234-4abc-9def-001122334455`.",
        ),
        ("One option of the linter is called `max-line`.", "One option of the linter is called `max-args`."),
        (
            "Another option of the linter is called `max-line`.",
            "Another option of the linter is called `max-args`.",
        ),
        (
            "One of the linter options is called `max-line`.",
            "One of the linter options is called `max-args`.",
        ),
        ("An option of the linter is called `max-line`.", "An option of the linter is called `max-args`."),
        ("Some rule of the linter is called `a-b`.", "Some rule of the linter is called `c-d`."),
        ("The gateway port is 8080.", "The gateway port is `GATE_PORT`."),
        ("The gateway port is `GATE_PORT`.", "The gateway port is 8080."),
        ("The gateway port is 8080.", "The gateway port is now `settings.PORT`."),
        ("The staging database is called `shop_a`.", "The staging database is called `DB_NAME`."),
        ("The API base URL is https://a.example.com.", "The API base URL is `BASE_URL`."),
        ("The request timeout of it is 30 seconds.", "The request timeout of it is `timeout` seconds."),
        ("The gateway host is `a.example.com`.", "The gateway host is `$GATE_HOST`."),
        ("The retry count is 3.", "The retry count is `process.env.RETRIES`."),
        ("The ticket is called `ABC-12` there.", "The ticket is called `ABC-13` there."),
        ("The build number of the release is 12.", "The build number of the release is 13."),
        ("The bug ticket for login is 4711.", "The bug ticket for login is 4712."),
    ],
)
def test_an_id_one_of_several_and_the_name_of_a_value_replace_nothing(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The staging database is called `shop_stage`.", "The staging database is called `shop_next`."),
        ("The default branch is `master`.", "The default branch is `main`."),
        ("The Node version is 18.", "The Node version is `v20`."),
        ("The Node image is `node:18`.", "The Node image is `node:20`."),
        ("The staging host is `a.example.com`.", "The staging host is `b.example.com`."),
        ("The API base URL is https://a.example.com.", "The API base URL is https://b.example.com."),
        ("The port of the issue tracker is 8080.", "The port of the issue tracker is 9090."),
        ("The line length limit is 100.", "The line length limit is 110."),
        ("The config of the app lives in `config.yml`.", "The config of the app lives in `settings.yml`."),
    ],
)
def test_one_value_of_a_sort_replaces_another(retired, then, now):
    assert retired(then, now)
