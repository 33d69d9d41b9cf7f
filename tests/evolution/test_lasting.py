import pytest

from rune.records.card import Lesson

RUN = Lesson("command", "Run `make test`.", ("How do I run the tests in this project?",), ())


@pytest.mark.parametrize(
    "now",
    [
        "The gateway moved from port 8080 to 9090, and later back to 8080.",
        "The gateway was moved from port 8080 to 9090 and then moved back.",
        "The gateway was switched from port 8080 to 9090, but we went back to 8080.",
        "The gateway moved from port 8080 to 9090 and returned to 8080.",
        "The gateway moved from port 8080 to 9090; we undid that.",
        "The gateway moved from port 8080 to 9090, the change was withdrawn.",
        "The gateway moved from port 8080 to 9090, which was a mistake.",
        "The gateway was accidentally moved from port 8080 to 9090.",
        "The gateway port was changed from 8080 to 9090 to test the proxy.",
        "The gateway port was changed from 8080 to 9090 to debug a hang.",
        "The gateway port was changed from 8080 to 9090 for a test.",
        "The gateway port was changed from 8080 to 9090 as an experiment.",
        "The gateway port was changed from 8080 to 9090 for now.",
        "The gateway port was changed from 8080 to 9090 for two hours.",
        "The gateway now listens on 9090 too, previously 8080.",
        "The gateway now listens on 8080 and 9090, previously 8080.",
        "The gateway now listens on 9090 as well (was 8080).",
        "The gateway now also uses port 9090 (previously just 8080).",
        "The gateway moved from port 8080 to 9090, but still answers on 8080.",
        "The gateway moved from port 8080 to 9090, 8080 works as well.",
        "The gateway moved from port 8080 to 9090; the old port still works.",
        "The gateway moved from port 8080 to 9090. In the end it stays at 8080.",
        "The gateway moved from port 8080 to 9090. That did not work.",
        "The gateway moved from port 8080 to 9090. We reset it to 8080.",
        "The gateway moved from port 8080 to 9090 and from 9090 to 8080.",
        "The gateway changed from 8080 to 9090 and again to 8080.",
        "The gateway was bumped from 8080 to 9090 but the old value was reinstated.",
        "I moved the gateway from port 8080 to 9090 but put it back.",
        "I've moved the gateway from port 8080 to 9090, and restored 8080 afterwards.",
        "The gateway was temporarily moved from port 8080 to 9090.",
        "Increased the gateway port from 8080 to 9090 to see whether it helps.",
        "The gateway's port was mistakenly changed from 8080 to 9090.",
        "The gateway moved from port 8080 to 9090 while we were debugging.",
        "The gateway moved from port 8080 to 9090. The change has been undone.",
        "The gateway moved from port 8080 to 9090 but 8080 is in use again.",
        "Port 8080 of the gateway was replaced by 9090 but this was reverted.",
        "The gateway moved from port 8080 to 9090 by accident and is on 8080.",
    ],
)
def test_a_move_that_was_taken_back_or_only_adds_something_replaces_nothing(retired, now):
    assert not retired("The gateway listens on port 8080.", now)


@pytest.mark.parametrize(
    "now",
    [
        "I've moved the gateway from port 8080 to 9090.",
        "We have moved the gateway from port 8080 to 9090.",
        "I have now moved the gateway from port 8080 to 9090.",
        "I've successfully changed the gateway's port from 8080 to 9090.",
        "Done! The gateway moved from port 8080 to 9090.",
        "All done: the gateway moved from port 8080 to 9090.",
        "Done - the gateway moved from port 8080 to 9090.",
        "As requested, I moved the gateway from port 8080 to 9090.",
        "As of now the gateway moved from port 8080 to 9090.",
        "Finally, I switched the gateway from port 8080 to 9090.",
        "Today I moved the gateway from port 8080 to 9090.",
        "Yesterday the gateway was moved from port 8080 to 9090.",
        "Great, the gateway has been moved from port 8080 to 9090.",
        "Summary: the gateway moved from port 8080 to 9090.",
        "Update: we've moved the gateway from port 8080 to 9090.",
        "In this session I moved the gateway from port 8080 to 9090.",
        "Okay, I changed the gateway port from 8080 to 9090.",
        "- Moved the gateway from port 8080 to 9090.",
        "I’ve moved the gateway from port 8080 to 9090.",
        "They've moved the gateway from port 8080 to 9090.",
        "So I went ahead and moved the gateway from port 8080 to 9090.",
        "Also, I've changed the gateway's port from 8080 to 9090.",
        "The gateway was just moved from port 8080 to 9090.",
        "The gateway's port number was changed from 8080 to 9090.",
        "You've moved the gateway from port 8080 to 9090.",
    ],
)
def test_a_move_is_known_however_it_is_reported(retired, now):
    assert retired("The gateway listens on port 8080.", now)


@pytest.mark.parametrize(
    "now",
    [
        "`make test` was removed in favor of `just test`.",
        "`make test` has been dropped in favour of `just test`.",
        "`make test` is deprecated in favor of `just test`.",
        "The command `make test` was removed in favor of `just test`.",
        "`make test` got removed in favor of `just test`.",
        "`make test` was retired in favor of `just test`.",
    ],
)
def test_a_command_given_up_in_favour_of_another_is_replaced(retired, now):
    assert retired(RUN, now)


@pytest.mark.parametrize(
    "now",
    [
        "`make test` will be removed in favor of `just test`.",
        "`make test` should be removed in favor of `just test`.",
        "`make test` was not removed in favor of `just test`.",
        "`make test` was removed in favor of `just test` on the runner.",
        "`make test` must be removed in favor of `just test`.",
        "`make lint` was removed in favor of `just lint`.",
        "The removal of `make test` in favor of `just test` was reverted.",
        "Is `make test` removed in favor of `just test`?",
    ],
)
def test_a_command_not_given_up_everywhere_is_not_replaced(retired, now):
    assert not retired(RUN, now)
