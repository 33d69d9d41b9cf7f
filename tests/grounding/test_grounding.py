"""The check of an answer: what its record says is kept, what nobody said is withheld."""

import time

import pytest

from rune import grounding
from rune.grounding import passage, session_passages
from rune.records.trajectory import Execution, Reflection

SOURCE = """
$ pytest -q tests/test_invoice.py
AssertionError: '9.50 EUR' != 'EUR 9.50'
The ledger parser wants the currency before the amount, so listen on 8080 and retry 3 times.
Edit src/invoice.py
PRICE = "EUR {:.2f}".format(total)
    result = parse_ledger(
        amount, currency)
It raised a KeyError in LedgerParser.
"""


def ground(answer, *texts, stale=(), cut=False):
    """Held against these texts, each a passage."""
    return grounding.ground(answer, [passage(text) for text in texts or (SOURCE,)], 0.6, stale, cut)


def ran(command, text=""):
    return session_passages([Execution("x1", 1.0, "Bash", command, text, True)])


@pytest.mark.parametrize(
    "answer",
    [
        "The ledger parser wants the currency before the amount.",
        "Run `pytest -q tests/test_invoice.py`.",
        "In src/invoice.py, the price lists EUR before the amount.",
        'In src/invoice.py, replace `parse_ledger(` with `PRICE = "EUR {:.2f}".format(total)`.',
        "listen on 8080",
        "Retry 3 times.",
        "The test failed: '9.50 EUR' != 'EUR 9.50'.",
        "`result = parse_ledger( amount, currency)`",
        "A KeyError was raised in LedgerParser.",
        "THE LEDGER PARSER WANTS THE CURRENCY",
        "Format with `format`(total).",
    ],
)
def test_what_the_session_says_is_kept(answer):
    found = ground(answer)
    assert (found.text, found.withheld) == (answer, 0)
    assert found.support >= 0.6


@pytest.mark.parametrize(
    "answer",
    [
        "The database refuses connections from unknown hosts.",
        "In src/billing.py, the ledger parser wants the currency before the amount.",
        "In invoice.py2, the ledger parser wants the currency.",
        "The ledger parser in test_invoice.pyx wants the currency.",
        "The ledger parser wants the currency before the amount 9000 times.",
        "listen on 80",
        "Retry 4 times.",
        "Run `pytest -q tests/test_order.py`.",
        "Run `pytest -x tests/test_invoice.py`.",
        "The ledger parser raised a TimeoutError before the amount.",
        "The ledger parser wants parse_amount before the currency.",
        "The ledger parser wants config.currency before the amount.",
        "parse",
        "Yes.",
        "It is.",
        "",
        "...",
        "```",
    ],
)
def test_what_the_session_does_not_say_is_withheld(answer):
    found = ground(answer, SOURCE.replace("parse_ledger(", "read_ledger("))
    assert found.text == ""
    assert found.support == 0.0


def test_a_sentence_without_support_does_not_take_the_others_along():
    answer = "The ledger wants the currency first. Deploy it with Kubernetes on Fridays. Retry 3 times."
    found = ground(answer)
    assert found.text == "The ledger wants the currency first. Retry 3 times."
    assert found.withheld == 1


def test_an_answer_that_was_cut_off_in_the_middle_of_code_loses_its_last_sentence():
    answer = "The ledger wants the currency first. Run `pytest -q tests/test_inv"
    assert ground(answer).text == "The ledger wants the currency first."
    assert ground("Run `pytest").text == ""


def test_a_full_stop_inside_code_ends_no_sentence():
    answer = 'Use `PRICE = "EUR {:.2f}".format(total)` for the currency.'
    assert ground(answer).text == answer


def test_without_a_record_nothing_is_supported():
    assert grounding.ground("The ledger parser wants the currency.", [], 0.6).text == ""


def test_what_an_edit_replaced_counts_as_said(events):
    record = grounding.session_passages(events)
    assert any("src/invoice.py" in one.text for one in record)
    answer = 'In src/invoice.py, replace `PRICE = "{:.2f}".format(total) + " EUR"`.'
    assert grounding.ground(answer, record, 0.6).text == answer


def test_what_is_known_to_be_outdated_is_withheld():
    answer = "The ledger wants the currency first. So listen on 8080."
    found = ground(answer, stale=("8080",))
    assert (found.text, found.withheld) == ("The ledger wants the currency first.", 1)
    assert ground(answer, stale=("80", "9090")).text == answer


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("The price was 50 EUR.", "The price was 9.50 EUR."),
        ("Retry 5 times.", "Retry 3 times with a pause of 1.5 seconds."),
        ("It processed 1 rows.", "It processed 1,000 rows."),
        ("Upgrade to version 2.1.", "Upgrade to version 1.2.1."),
        ("The server listens on port 10.", "The server 10.0.0.1 listens on port 8080."),
        ("Wait 8 seconds.", "Read it as UTF-8 and wait 3 seconds."),
        ("Edit app/config.py.", "Edit legacy-app/config.py."),
        ("The log is in /log.", "The log is in /srv/app/log."),
        ("Run make deploy --force.", "Run make deploy --dry-run."),
        ("It retries nine times.", "It retries 3 times."),
        ("Never run `make test`, it drops the database.", "Run `make test`; it passes."),
        ("Никогда не запускайте `make test`, он удаляет базу.", "$ make test\nОк, тесты проходят."),
        ("```\n\n```", "anything"),
        ("1. Install Kubernetes on Fridays. 2. Restart the frobnicator.", "exit code 1\n2 passed"),
        ("- Retry twice\n- Then reboot Kubernetes", "It was patient."),
        ("It starts sixteen workers at boot.", "It starts 12 workers at boot."),
        ("It waits sixty seconds for the upload.", "It waits 30 seconds for the upload."),
        ("It waits twenty-five seconds for the upload.", "It waits 35 seconds for the upload."),
        ("It waits 30 minutes for the upload.", "It waits 30 seconds for the upload."),
        ("It waits thirty minutes for the upload.", "It waits 30s for the upload."),
        ("The cache holds 5MB of uploads.", "The cache holds 5 GB of uploads."),
        ("The header is in src/config.", "The header is in src/config.py."),
        ("The header is in `src/config`.", "The header is in `src/config.py`."),
        ("Delete package.json today.", "Delete package.json.bak today."),
        ("Delete `data.csv` today.", "Delete `data.csv.gz` today."),
        ("Run rm -rf /tmp.", "Run rm -rf /tmp/x."),
        ("Run rm -rf /.", "Run rm -rf /tmp/x."),
        ("The flag -D is safe.", "The flag -d is safe."),
        ("Set the `debug` variable.", "Set the `DEBUG` variable."),
        ("Edit `src/app.tsx` for the header.", "Edit src/App.tsx for the header."),
        ("The `Widget` class is `httpClient`.", "The widget class is HttpClient."),
        ("The `widget` is sorted.", "The Widget is sorted."),
        ("Never run `make deploy` before Friday.", "Run `make deploy` before Friday."),
        ("Run `make deploy` before Friday.", "Never run `make deploy` before Friday."),
        (
            "Run `make deploy` before Friday.",
            "Never, at no time, do this.\nNever run `make deploy` before Friday.",
        ),
        ("The upload works without the token.", "The upload works with the token."),
        ("Starte `make deploy` vor Freitag.", "Starte `make deploy` nicht vor Freitag."),
        ("Run `make seed` against prod.", "- Don't:\n  - Run `make seed` against prod."),
        ("Amend published commits.", "Amend published commits? Never!"),
        ("The pause is 45 seconds.", "The pause is 30–45 seconds."),
        ("The pause is 45 seconds.", "The pause is between 30 and 45 seconds."),
        ("The pause is 90 minutes.", "The pause is 90 to 120 minutes."),
        ("The pause is 5 seconds.", "pauseMs: 5"),
        ("The pause is 5 seconds.", "PAUSE_MINUTES=5"),
        ("The pause is 30 minutes.", "The pause (in seconds) is 30."),
        ("The offset is 5 of it.", "The offset is -5 of it."),
        ("The share is 20 percent.", "The share is 20 files."),
        ("The share is 5 of it.", "The share is 5% of it."),
        ("It costs 20 dollars a month.", "It costs 20 euros a month."),
        ("It costs $5 a month.", "It costs €5 a month."),
        ("It needs more than 8 workers.", "It needs less than 8 workers."),
        ("It needs Node 18 or newer.", "It needs Node 18 or older."),
        ("It needs version >=2.0 of httpx.", "It needs version <=2.0 of httpx."),
        ("The limit is 30 rows per second.", "The limit is 30 rows per minute."),
        ("The job runs hourly on the cluster.", "The job runs daily on the cluster."),
        ("The third step fails.", "The fourth step fails."),
        ("It is version 1.2 now.", "It is version 1.2~rc1 now."),
        ("It is version 1.2 now.", "It is version 1.2+local now."),
        ("The mask is 10.0.0.0 there.", "The mask is 10.0.0.0/8 there."),
        ("The retry count is two.", "The retry count is two and a half."),
        ("The host is api.example.com.", "The host is staging.api.example.com."),
        ("The host is example.com.", "The host is example.com.evil.org."),
        ("See https://example.com/a there.", "See https://example.com/a/b there."),
        ("Use `>` there.", "Use `>=` there."),
        ("Rename `foo` to `bar`.", "Rename `bar` to `foo`."),
    ],
)
def test_what_the_record_says_of_something_else_does_not_support(answer, source):
    assert ground(answer, source).text == ""


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("rm -rf /", "rm -rf /tmp/build-cache"),
        ("rm -rf build", "rm -rf build/cache/old"),
        ("git push --force", "git push --force-with-lease origin main"),
        ("DELETE FROM users", "psql -c 'DELETE FROM users WHERE id = 7'"),
        ("kubectl delete ns prod", "kubectl delete ns prod-test-17"),
        ("npm run test", "npm run test:watch"),
        ("docker push gateway", "docker push gateway:1.4"),
        ("git branch -d old", "git branch -D old"),
        ("make test", "make\ntest.c"),
        ("make test", "make testing"),
    ],
)
def test_a_part_of_a_command_is_not_that_command(code, command):
    record = ran(command, "test failed")
    assert grounding.ground(f"Run `{code}`.", record, 0.6).text == ""


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("rm -rf build", "Run `rm -rf build --dry-run`."),
        ("git checkout main", "Run `git checkout main -- src/a.py`."),
        ("git reset --hard", "Run `git reset --hard HEAD~1`."),
        ("docker run app", "I could run `docker run app sh`."),
        ("cargo build", "Run cargo build --release."),
        ("make", "Run `make clean`."),
        ("make", "$ make clean"),
        ("pytest", "$ pytest -q tests/a.py"),
    ],
)
def test_the_beginning_of_a_command_is_not_that_command(code, source):
    assert ground(f"Run `{code}`.", source).text == ""


@pytest.mark.parametrize(
    "source",
    [
        "Run `make`.",
        "`make -q` works: run it.",
        "$ cd a && make",
        "```\nmake\n```",
        "To build, run make first.",
    ],
)
def test_a_command_of_one_word_is_supported_where_it_ends(source):
    assert ground("Run `make`.", source).text == "Run `make`."


@pytest.mark.parametrize(
    "command",
    ["make test", "cd app && make test", "make test -q 2>&1 | tail -3", "(make test; ls)", "make  test > l"],
)
def test_a_whole_command_is_supported_whatever_comes_of_its_output(command):
    assert grounding.ground("Run `make test`.", ran(command), 0.6).text == "Run `make test`."


def test_a_command_does_not_go_on_in_its_output():
    assert grounding.ground("Run `make test`.", ran("make", "test: ok"), 0.6).text == ""


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("Edit **src/invoice.py** first.", "Edit src/invoice.py first."),
        ("The parser of src/invoice.py's module.", "The parser module in src/invoice.py."),
        ("It raises KeyError/ValueError there.", "It raises KeyError there, or ValueError."),
        ("Lint and/or format the code.", "Format the code, or lint it."),
        ("Use a linter, e.g. `ruff check`.", "The linter is `ruff check`: use it."),
        ("Read “src/a.py” first.", "First read src/a.py."),
        ("Port—8080—is taken.", "The port 8080 is taken."),
        ("```bash\nmake test\n```", "$ make test"),
        ("The file is yaml today.", "Today the file is 'yaml'."),
        ("不要使用旧的解析器。", "他说:不要使用旧的解析器。"),
        ("Не используйте старый парсер.", "Не используйте старый парсер."),
        ("Use uv, not pip.", "Please: use uv, not pip. Thanks"),
        ("1. Retry 3 times\n2. Restart the gateway", "Restart the gateway and retry 3 times."),
        ("It is at localhost:8080 now.", "See http://localhost:8080/api now."),
        ("It listens on 8080.", "It listens at localhost:8080/"),
        ("It retries three times.", "It retries 3 times."),
        ("It starts 16 workers.", "It starts sixteen workers."),
        ("It waits 30 seconds.", "It waits 30s."),
        ("It waits 30 seconds.", "The timeout is 30: so long it waits."),
        ("The 30-second timeout.", "The timeout of 30 seconds."),
        ("The tests are in tests/bench.", "The tests are in tests/bench/test_a.py."),
        ("The package `os.path` is used.", "The package has os.path.join, which is used."),
        ("The package path/filepath is used.", "The package has path/filepath.Join(), which is used."),
        ("Run rm -rf /tmp/x.", "$ rm -rf /tmp/x"),
        ("`Retry` is set to 3.", "The retry is set to 3."),
        ("The `retry` is set to 3.", "Retry is set to 3."),
        ("The flag -D is safe.", "Safe is -D, a flag."),
        ("I could not find the parser.", "I couldn’t find the parser."),
        ("Use `uv`, not `pip`.", "Use `uv` instead of `pip`."),
        ("Use `uv` instead of `pip`.", "Use `uv`, not `pip`."),
        ("The port isn't 8080, it's 9090.", "The port is 9090, not 8080."),
        ("The port is 9090.", "The port moved from 8080 to 9090."),
        ("The limit is 1,000 rows.", "The limit is 1000 rows."),
        ("The limit is 1000 rows.", "LIMIT = 1_000  # rows"),
        ("It waits thirty seconds.", "It waits 30s."),
        ("It waits 30 seconds.", "WAIT_SECONDS = 30  # it waits"),
        ("It waits 1 minute.", "It waits 60 seconds."),
        ("It took 3.2 seconds.", "It took 3.20s."),
        ("It has 1 worker.", "It has one worker."),
        ("Coverage is 90%.", "Coverage is 90 percent."),
        ("Coverage is 90 %.", "Coverage: 90%"),
        ("The pool has 8-16 workers.", "The pool has 8 to 16 workers."),
        ("The limit is 30 per minute.", "The limit is 30/min."),
        ("It needs Node 18+ there.", "It needs Node 18 or newer there."),
        ("It retries at most 5 times.", "It retries up to five times."),
        ("The second step fails.", "The 2nd step fails."),
        ("Set `timeout=30`.", "Set timeout = 30"),
        ("The host is db.internal.", "The host is db.internal:5432."),
        ("See http://a.com/x there.", "See http://a.com/x, there."),
    ],
)
def test_what_is_written_another_way_is_supported(answer, source):
    found = ground(answer, source)
    assert (found.text, found.withheld) == (answer, 0)


@pytest.mark.parametrize(
    "sentence",
    [
        "A `None`-check is missing in the parser.",
        "The `v2`-only endpoint rejects tokens from the gateway.",
        "The `--force`-style flags are refused by the gateway.",
        "The `Widget`s are sorted by `id` in the gateway.",
        "Only non-`None` values reach the gateway parser.",
        "We `git rebase`d onto main before the gateway fix.",
        "The gateway re-`fetch`es every 30s.",
        "Der `ZoneInfo`-Aufruf fehlt im Parser.",
        "失败的原因是`to_local`用了固定偏移。",
        "ポートは`8080`です。",
        "버전은 `v2`를 씁니다.",
        "`foo`_bar is not in the gateway, nor without it.",
        "Never do that.",
    ],
)
def test_what_stands_word_for_word_is_supported(sentence):
    for text in (f"Intro. {sentence} And so on.", f"- {sentence}\n- Never.", sentence.replace(" ", "\n", 1)):
        assert ground(sentence, text).text == sentence
    assert ground(sentence, f"Not that.\n{sentence.replace('`', '')}").text == sentence


def test_code_that_is_glued_to_other_letters_stands_in_a_passage_in_other_words():
    source = "The parser of the gateway has `Widget`s and a `None`-check, sorted by `id`."
    assert ground("The gateway's `Widget` is sorted by `id`.", source).text
    assert ground("The parser has a check for `None`.", source).text
    assert not ground("The parser has a check for `idx`.", source).text
    assert not ground("The gateway's `Widgets` are sorted by `id`.", source.replace("`", "'")).text


def test_a_part_of_a_sentence_is_not_the_sentence():
    assert ground("Run it on a Friday.", "Never, ever: run it on a Friday.").text == ""
    assert ground("Run it.", "Never run it.").text == ""


def test_what_another_passage_says_of_the_same_words_does_not_outweigh_the_nearest():
    said = "The migration must never run before the backup."
    other = "The backup came before lunch; the migration of the users must not take long."
    assert ground("The migration must run before the backup.", said, other).text == ""
    assert ground(said, said, other).text == said


def test_a_command_that_was_run_was_run_whatever_is_said_of_it():
    record = [*ran("make test", "12 passed"), passage("Do not run `make test` on battery.")]
    assert grounding.ground("Run `make test`.", record, 0.6).text == "Run `make test`."
    assert grounding.ground("Run `make test` on battery.", record, 0.6).text == ""


def test_a_sentence_is_supported_by_one_passage_or_not_at_all():
    answer = "The gateway listens on port 9090."
    texts = ("The gateway listens on port 8080.", "The mailer has 9090.")
    assert ground(answer, *texts).text == ""
    assert ground(answer, " ".join(texts)).text == answer


def test_an_item_of_a_list_stands_for_itself():
    answer = "- Retry 3 times\n- Then reboot Kubernetes"
    assert ground(answer, "Retry 3 times.").text == "- Retry 3 times"


def test_an_answer_that_was_cut_off_loses_a_last_sentence_without_an_end():
    source = "Back it up. Run the migration with --yes only after the backup finished."
    answer = "Back it up. Run the migration with --yes"
    assert ground(answer, source).text == answer
    assert ground(answer, source, cut=True).text == "Back it up."
    assert ground("Back it up.", source, cut=True).text == "Back it up."


def test_an_outdated_number_is_none_that_it_is_a_part_of():
    assert ground("The pause is 8.5 seconds.", "The pause is 8.5 seconds.", stale=("5", "8")).withheld == 0


@pytest.mark.parametrize("mark", ["=", ".", "/", ":", "\\", "=-", "`", "a.", "1,"])
def test_a_model_that_repeats_itself_is_soon_through(mark):
    began = time.process_time()
    ground("The value is " + mark * 8000, SOURCE)
    assert time.process_time() - began < 2.0


def test_each_event_is_a_passage():
    record = session_passages([Reflection("r1", 1.0, "It was the cache."), *[]])
    assert [one.text for one in record] == ["It was the cache."]
