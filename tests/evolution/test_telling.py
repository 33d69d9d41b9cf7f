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


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("Phase 1 of the migration is done.", "Phase 2 of the migration is done."),
        ("HTTP 404 is retried by the gateway.", "HTTP 503 is retried by the gateway."),
        ("Worker 2 of the gateway crashes on start.", "Worker 3 of the gateway crashes on start."),
        ("Port 22 is open on the build host.", "Port 80 is open on the build host."),
        (
            "RFC 7231 defines the retry header of the gateway.",
            "RFC 9110 defines the retry header of the gateway.",
        ),
        ("Stage 1 of the rollout is 20% of users.", "Stage 2 of the rollout is 50% of users."),
        ("The gateway tests pass on Python 3.11.", "The gateway tests pass on Python 3.12."),
        ("The import fails with 10 workers.", "The import fails with 20 workers."),
        ("The memory leak was fixed in gateway 1.2.", "The memory leak was fixed in gateway 1.3."),
        (
            "The gateway answers with 401 on missing tokens.",
            "The gateway answers with 403 on missing tokens.",
        ),
        ("The gateway test mocks `clock.now` to 10.", "The gateway test mocks `clock.now` to 20."),
        ("The test sets the port of the gateway to 8080.", "The test sets the port of the gateway to 9090."),
        ("I added 3 tests for the gateway.", "I added 5 tests for the gateway."),
        ("There are 3 failing tests in the ledger suite.", "There are 5 failing tests in the ledger suite."),
        ("The gateway was down for 3 hours.", "The gateway was down for 5 hours."),
        ("The gateway lookup took 30 ms.", "The gateway lookup took 45 ms."),
        ("The expected ledger total is 9.50.", "The expected ledger total is 12.50."),
        ("The free port on this machine is 8080.", "The free port on this machine is 9090."),
        ("The PID of the gateway process is 1234.", "The PID of the gateway process is 2345."),
        ("The gateway process is now 1234.", "The gateway process is now 2345."),
        ("The coverage of the gateway is 81%.", "The coverage of the gateway is 83%."),
        ("Coverage of the gateway increased to 81%.", "Coverage of the gateway increased to 83%."),
        ("The bundle size of the app is 300 KB.", "The bundle size of the app is 310 KB."),
        ("The queue length of the gateway is 30.", "The queue length of the gateway is 45."),
        ("The error rate of the gateway is 5%.", "The error rate of the gateway is 7%."),
        ("The number of open issues is 12.", "The number of open issues is 15."),
        ("The vulnerable version of httpx is 0.27.", "The vulnerable version of httpx is 0.28."),
        ("The batch size that fails is 32.", "The batch size that fails is 64."),
        ("The app is now running on port 5173.", "The app is now running on port 5174."),
        ("The user waits 30 seconds for the page.", "The user waits 60 seconds for the page."),
        ("The best learning rate is 0.1.", "The best learning rate is 0.2."),
        ("The tested version is 1.2.", "The tested version is 1.3."),
        ("The job keeps 3 cores busy.", "The job keeps 5 cores busy."),
        ("The delay between the two events is 5 ms.", "The delay between the two events is 10 ms."),
        ("The minimum of the series is 30.", "The minimum of the series is 45."),
        ("The suite now has 120 tests.", "The suite now has 125 tests."),
    ],
)
def test_a_number_that_is_not_what_something_was_set_to_replaces_nothing(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The gateway branch is called `feat/a`.", "The gateway branch is called `feat/b`."),
        ("The gateway branch is called `login`.", "The gateway branch is called `logout`."),
        ("The symptom in the gateway is `KeyError`.", "The symptom in the gateway is `ValueError`."),
        (
            "The affected module of the gateway is `src/a.py`.",
            "The affected module of the gateway is `src/b.py`.",
        ),
        ("The log of the gateway run is `/tmp/run1.log`.", "The log of the gateway run is `/tmp/run2.log`."),
        (
            "The slowest endpoint of the gateway is `/search`.",
            "The slowest endpoint of the gateway is `/orders`.",
        ),
        ("The bottleneck of the gateway is `parse`.", "The bottleneck of the gateway is `render`."),
        ("The host in the log is `a.example.com`.", "The host in the log is `b.example.com`."),
        (
            "The host with the full disk is `a.example.com`.",
            "The host with the full disk is `b.example.com`.",
        ),
        ("I changed the name of the variable to `total`.", "I changed the name of the variable to `sum`."),
        ("The team on call is `a-team`.", "The team on call is `b-team`."),
        ("The unreachable host is `a.example.com`.", "The unreachable host is `b.example.com`."),
        ("The database of the failing job is `shop_a`.", "The database of the failing job is `shop_b`."),
        ("The owner of the lock is `worker-1`.", "The owner of the lock is `worker-2`."),
        (
            "The url of the preview is https://a.example.com.",
            "The url of the preview is https://b.example.com.",
        ),
    ],
)
def test_a_name_of_what_is_another_thing_each_time_replaces_nothing(retired, then, now):
    assert not retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The page size is 20.", "The page size is 50."),
        ("The worker count is 4.", "We raised the worker count to 8."),
        ("The retry limit is 3.", "The retry limit was raised to 5."),
        ("The maximum upload size is 10 MB.", "The maximum upload size is now 20 MB."),
        ("The session timeout of the shop is 30 minutes.", "The session timeout of the shop is 60 minutes."),
        ("The task queue is called `jobs`.", "The task queue is called `work`."),
        ("The gateway uses port 8080.", "The gateway uses port 9090."),
        ("The nightly job keeps 3 old files.", "The nightly job keeps 5 old files."),
        ("The gateway is owned by `team-a`.", "The gateway is now owned by `team-b`."),
        ("httpx is pinned to 0.27.", "httpx is pinned to 0.28 now."),
    ],
)
def test_what_something_was_set_to_replaces_what_it_was_set_to_before(retired, then, now):
    assert retired(then, now)


@pytest.mark.parametrize(
    "now",
    [
        "From now on the gateway listens on port 9090.",
        "As of this PR the gateway listens on port 9090.",
        "Actually the gateway listens on port 9090.",
        "Correction: the gateway listens on port 9090.",
        "Note that the gateway listens on 9090, not 8080.",
        "The new port of the gateway is 9090.",
        "The gateway's port is 9090 now.",
        "The gateway has moved to port 9090.",
        "We moved the gateway to port 9090.",
        "The gateway port changed to 9090.",
        "The gateway binds to 9090 now.",
        "The gateway is served on port 9090 now.",
    ],
)
def test_openings_and_ways_to_say_port_are_no_part_of_the_subject(retired, now):
    assert retired("The gateway listens on port 8080.", now)


@pytest.mark.parametrize(
    "now",
    [
        "The new gateway's port is 9090.",
        "The test gateway has moved to port 9090.",
        "We moved the mailer of the gateway to port 9090.",
        "In the tests the gateway listens on port 9090, not 8080.",
        "As of v3 the gateway listens on port 9090 on Windows.",
        "The gateway port will be 9090.",
        "The old port of the gateway is 7070.",
    ],
)
def test_openings_hide_no_other_subject(retired, now):
    assert not retired("The gateway listens on port 8080.", now)
