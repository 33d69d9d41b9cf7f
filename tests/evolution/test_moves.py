import pytest

from rune.evolution import moves
from rune.records.card import Lesson


def pair(text):
    """The older and the younger value, if there are any."""
    found = moves.find(text)
    return found and found[:2]


@pytest.mark.parametrize(
    "text",
    [
        "The gateway moved from port 8080 to 9090.",
        "The gateway was changed from port 8080 to port 9090 because of a conflict.",
        "The gateway port went from 8080 to 9090.",
        "Raised the gateway port from `8080` to the new `9090`.",
        "The gateway moved to port 9090 from 8080.",
        "The gateway moved to port 9090 (was 8080).",
        "The gateway now listens on 9090, previously 8080.",
        "The gateway now listens on 9090 instead of 8080.",
        "Use 9090 rather than 8080.",
        "Use 9090, not 8080.",
        "Gateway port: `8080` → `9090`.",
        "Port 8080 was replaced by 9090.",
        "Dropped 8080 in favour of 9090.",
        "It did not help. The gateway moved from port 8080 to 9090.",
        "The gateway listens on port 9090 (was: 8080).",
        "The gateway listens on port 9090, previously 8080.",
        "Since today, the gateway listens on port 9090 (formerly 8080).",
        "The gateway's port: 9090 (old: 8080).",
        "The gateway's port is now 9090 (it used to be 8080).",
        "The gateway no longer listens on 8080 but on 9090.",
        "The gateway doesn't listen on port 8080 anymore; it is 9090 now.",
        "The gateway used to listen on port 8080, but now it is 9090.",
        "Port 8080 of the gateway is gone, use 9090.",
        "I've updated the gateway to listen on port 9090 instead of 8080.",
        "The gateway switched ports: 9090 replaces 8080.",
        "Changed gateway port: 8080 => 9090.",
        "Moved gateway 8080->9090.",
    ],
)
def test_a_change_is_told_in_many_ways(text):
    assert pair(text) == ("8080", "9090")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("We renamed the database: `shop_a` became `shop_b`.", ("shop_a", "shop_b")),
        ("The database `shop_a` has been renamed to `shop_b`.", ("shop_a", "shop_b")),
        ("`shop_a` is now called `shop_b`.", ("shop_a", "shop_b")),
        ("Renamed the column `name` of `users` to `full_name`.", ("name", "full_name")),
        ("Replaced `print` calls in `logger` with `write`.", ("print", "write")),
        ("Moved the settings from `config.py` to `settings/base.py`.", ("config.py", "settings/base.py")),
        ("Moved `config.py` to `settings/base.py`.", ("config.py", "settings/base.py")),
        ("Replaced `deploy.sh` by `make deploy`.", ("deploy.sh", "make deploy")),
        ("We moved from `yarn` to `npm ci`.", ("yarn", "npm ci")),
        ("Run the tests with `pytest` instead of `python test.py`.", ("python test.py", "pytest")),
        ("Use `pnpm`, not `npm`, for the frontend.", ("npm", "pnpm")),
    ],
)
def test_the_pair_is_what_was_and_what_is(text, values):
    assert pair(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "The gateway is not moved from port 8080 to 9090.",
        "The gateway was never moved from port 8080 to 9090.",
        "`make ship` was never renamed to `just ship`.",
        "If the gateway is moved from port 8080 to 9090, the smoke tests fail.",
        "The gateway should be moved from port 8080 to 9090 later.",
        "The gateway must be moved from port 8080 to 9090.",
        "The gateway wasn't moved from port 8080 to 9090.",
        "We considered a gateway moved from port 8080 to 9090.",
        "The commit that moved the gateway from port 8080 to 9090 was reverted.",
        "The gateway moved from port 8080 to 9090. That was rolled back.",
        "Was the gateway moved from port 8080 to 9090?",
        "Move the gateway from port 8080 to 9090.",
    ],
)
def test_what_is_denied_supposed_planned_or_undone_is_no_move(text):
    assert moves.find(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The gateway listened on 9090 instead of 8080 because of a typo.",
        "The gateway now listens on 9090 instead of 8080 because of a typo.",
        "The gateway listens on 9090 instead of 8080.",
        "The helper returned `None` instead of `0`.",
        "The unit tests of the shop use `sqlite` instead of `postgres`.",
        "The gateway listens on 9090, not 8080.",
        "The gateway answers with 404 (was: 500), which is a bug.",
        "If the gateway no longer listens on 8080 but on 9090, it is found.",
    ],
)
def test_a_contrast_that_is_no_order_and_not_said_of_now_is_no_move(text):
    assert moves.find(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Bumped `httpx` to `0.28`.",
        "Moved the helper `parse_date` to `utils.dates`.",
        "Moved `parse` and `format` to `utils`.",
        "Changed `DEBUG` to `True`.",
        "The retry limit of 10 was increased by 5.",
        "Switched from `npm` 9 to `pnpm` 8.",
        "The request goes `client` → `gateway`.",
        "Raised through 1 → 2 → 3.",
        "Renamed `README.MD` to `README.md`.",
        "Port 8080 answers, 9090 does not.",
    ],
)
def test_a_thing_and_its_place_value_or_neighbour_are_no_pair(text):
    assert moves.find(text) is None


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("The API retry delay was changed from 30 seconds to 60 seconds.", {"api", "retry", "delay"}),
        ("Use `npm ci` instead of `npm install` on the runner.", {"runner"}),
        ("Moved `parse_date` from `src/a.py` to `src/b.py`.", {"parse_date"}),
        ("Renamed the column `name` of `users` to `full_name`.", {"column", "users"}),
        ("The mailer moved from port 1 to 2 because of the proxy in front.", {"mailer"}),
    ],
)
def test_a_move_is_of_what_is_named_around_it(text, about):
    assert moves.find(text).about == about


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("`make ship` was renamed to `just ship` for everybody.", True),
        ("The file `src/a.py` moved to `src/b.py`.", True),
        ("`yarn install` is replaced by `pnpm install`.", True),
        ("Replaced `yarn install` by `pnpm install`.", False),
        ("Use `npm ci` instead of `npm install`.", False),
        ("`./deploy.sh` replaces `make deploy`.", True),
        ("`make deploy` is deprecated, use `./deploy.sh` instead.", True),
        ("`make deploy` no longer exists; run `./deploy.sh`.", True),
        ("Moved the helpers from `src/a.py` to `src/b.py`.", False),
        ("Tests for `src/a.py` were moved to `src/b.py`.", False),
    ],
)
def test_what_is_renamed_itself_is_told_from_what_something_has(text, renamed):
    assert moves.find(text).renamed is renamed


@pytest.mark.parametrize(
    "text",
    [
        "The gateway moved from port 8080 to 9090 because 8080 was taken.",
        "The gateway moved from port 8080 to 9090; 8080 is free now.",
        "The gateway moved from port 8080 to 9090 and all tests pass again.",
        "The gateway moved from port 8080 to 9090 since the backend uses 8080.",
        "The gateway moved from port 8080 to 9090 to avoid a conflict.",
        "The gateway moved from port 8080 to 9090 because 8080 was wrongly shared.",
        "The gateway now listens on 9090, previously 8080.",
        "The gateway moved from port 8080 to 9090, so that 8080 is free for the proxy.",
        "The gateway moved from port 8080 to 9090. The docs were updated.",
    ],
)
def test_a_move_stands_though_its_older_value_is_named_again(text):
    assert pair(text) == ("8080", "9090")


@pytest.mark.parametrize(
    "text",
    [
        "The gateway moved from port 8080 to 9090, and later back to 8080.",
        "The gateway was moved from port 8080 to 9090 and then moved back.",
        "The gateway was switched from port 8080 to 9090, but we went back to 8080.",
        "The gateway moved from port 8080 to 9090 and returned to 8080.",
        "The gateway moved from port 8080 to 9090; we undid that.",
        "The gateway moved from port 8080 to 9090, the change was withdrawn.",
        "I haven't moved the gateway from port 8080 to 9090.",
        "I've not moved the gateway from port 8080 to 9090.",
        "I'll move the gateway from port 8080 to 9090.",
        "I would have moved the gateway from port 8080 to 9090.",
    ],
)
def test_what_did_not_last_or_has_not_come_about_is_no_move(text):
    assert moves.find(text) is None


FLAG = "The flag to skip hooks is `--no-verify`."
CONFIG = "The config of the gateway is in `conf/gate.toml`."
DEPLOY = Lesson("command", "Run `make deploy`.", ("How do I deploy?",), ())
TEST = Lesson("command", "Run `npm test`.", ("How do I run the tests?",), ())


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (FLAG, "`--no-verify` was renamed to `--skip-hooks`."),
        (FLAG, "`--no-verify` is deprecated in favor of `--skip-hooks`."),
        (FLAG, "`--no-verify` became `--skip-hooks`."),
        (CONFIG, "`conf/gate.toml` moved to `etc/gate.toml`."),
        (CONFIG, "I renamed conf/gate.toml to etc/gate.toml."),
        (CONFIG, "The gateway's config now lives in `etc/gate.toml`."),
        (CONFIG, "The config of the gateway moved to `etc/gate.toml`."),
        (DEPLOY, "`./deploy.sh` replaces `make deploy`."),
        (DEPLOY, "`make deploy` is deprecated, use `./deploy.sh` instead."),
        (DEPLOY, "`make deploy` is gone, use `./deploy.sh`."),
        (DEPLOY, "To deploy, use `./deploy.sh` instead of `make deploy`."),
        (TEST, "Use `pnpm` instead of `npm`."),
        (TEST, "We migrated from `npm` to `pnpm`."),
        (TEST, "Don't use `npm` any more, use `pnpm`."),
        ("`retries` defaults to 3.", "Raised `retries` from 3 to 5."),
        ("`retries` defaults to 3.", "The default of `retries` was raised from 3 to 5."),
        (
            "The timeout of the gateway is 30 seconds.",
            "The timeout of the gateway was raised from 30s to 60s.",
        ),
        ("The gateway is owned by `team-a`.", "Ownership of the gateway moved from `team-a` to `team-b`."),
        ("The gateway is owned by `team-a`.", "The gateway was handed over from `team-a` to `team-b`."),
    ],
)
def test_what_has_another_name_now_goes_wherever_it_is_told(retired, then, now):
    assert retired(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("The flag for quiet output is `--quiet`.", "`--quiet` was renamed to `--silent`."),
        (FLAG, "`--no-verify` of the deploy script was renamed to `--skip-hooks`."),
        (CONFIG, "The mailer's `conf/gate.toml` moved to `etc/gate.toml`."),
        (CONFIG, "The test moved `conf/gate.toml` to `etc/gate.toml`."),
        ("I fixed a typo in `conf/gate.toml`.", "`conf/gate.toml` moved to `etc/gate.toml`."),
        ("The default branch is `master`.", "`master` is now called `main`."),
        ("The gateway listens on port 8080.", "9090 replaces 8080."),
        ("The gateway listens on port 8080.", "9090 replaces 8080 in the mailer."),
        ("The gateway listens on port 8080.", "The gateway answers on port 9090 (was: 8080 in the test)."),
        ("The gateway listens on port 8080.", "The staging gateway no longer listens on 8080 but on 9090."),
        ("The gateway listens on port 8080.", "I updated the test to use port 9090 instead of 8080."),
        (DEPLOY, "`./deploy.sh` replaces `make deploy` on staging."),
        (DEPLOY, "If `make deploy` is gone, use `./deploy.sh` instead."),
        (DEPLOY, "`make deploy` is not deprecated, use `./deploy.sh` only on Windows."),
        (TEST, "Use `pnpm` instead of `npm` in the docs folder."),
        (TEST, "We considered `pnpm` instead of `npm`."),
        (TEST, "Use `npx` instead of `npm`."),
        ("`retries` of the gateway defaults to 3.", "Raised `retries` of the mailer from 3 to 5."),
    ],
)
def test_a_name_of_two_things_and_a_change_elsewhere_retire_nothing(retired, then, now):
    assert not retired(then, now)
