"""The judge of commands: what kind, whether it went well, whether it edits."""

from __future__ import annotations

import pytest

from rune.records.trajectory import Execution
from rune.running import editing, runs, unfold


@pytest.mark.parametrize(
    ("command", "family"),
    [("pytest -q tests/a.py", "pytest"),
     ("cd app && export X=1 && python -m pytest -x | tail -5", "pytest"),
     ("uv run pytest", "pytest"),
     ("cd app && make check", "make check"),
     ("go test ./... -run X", "go test"),
     ("go build ./cmd", "go build"),
     ("mise run test:ci", "mise test:ci"),
     ("npm run lint", "js lint"),
     ("bunx --bun bun test src", "js test"),
     ("npx --yes vitest run", "vitest"),
     ("python3 tools/run.py --all", "python run.py"),
     ("git add . && git commit -m 'x'", "git commit"),
     ("./build.sh fast", "script build.sh fast"),
     ("./build.sh --fast", "script build.sh"),
     ("DEBUG=1 timeout 60 ./build.sh", "script build.sh"),
     ("uv run ./tools/check.py", "script check.py"),
     ("cp ./build.sh ./old.sh", ""),
     ("bundle exec rspec spec/a_spec.rb", "rspec"),
     ("cmake --build build -j4", "ninja"),
     ("pip install ninja", "pip install"),
     ("terraform -chdir=infra plan -out p", "terraform plan"),
     ("uvx pyright src", "pyright"),
     ("chmod +x ./build.sh", ""),
     ("chmod +x ./build.sh && ./build.sh", "script build.sh"),
     ("cat a | grep pytest", ""),
     ("git diff HEAD", ""),
     ("ls -la", ""),
     ("git commit -m 'pytest is red'", "git commit"),
     ("sed -i 's/node/jsdom/' jest.config.js", ""),
     ("pkill -f vitest", ""),
     ("pytest --collect-only", ""),
     ("python cli.py --help", ""),
     ("python cli.py export --all", "python cli.py export"),
     ("python manage.py migrate", "python manage.py migrate"),
     ("python manage.py showmigrations", ""),
     ("docker compose exec -T web pytest -q", "pytest"),
     ("docker compose up -d", "docker compose up"),
     ("docker compose ps", ""),
     ("sudo -E env A=1 nice -n 5 pytest", "pytest"),
     ("coverage run -m pytest", "pytest"),
     (".venv/bin/pytest", "pytest"),
     ("./node_modules/.bin/jest a", "jest"),
     ("mvn -q -Dtest=Foo clean test", "mvn test"),
     ("ruff format .", "ruff format"),
     ("yarn jest", "jest"),
     ("pnpm --filter @acme/api run test", "js test"),
     ("hatch run test", "hatch test"),
     ("CI=1 make -C web test", "make test"), ("make -j4 lint test", "make lint test"),
     ("make clean test", "make test"), ("make distclean", "make distclean"),
     ("just test", "just test"),
     ("alembic upgrade head", "alembic upgrade"),
     ("php artisan test", "php artisan test"),
     ("kubectl get pods", ""),
     ("gh pr view", ""),
     ("Edit pytest.ini", ""),
     ("", "")],
)  # fmt: skip
def test_a_command_belongs_to_the_family_of_its_runner(command: str, family: str) -> None:
    assert runs.family(command) == family


def test_what_is_written_into_a_heredoc_is_not_what_runs() -> None:
    assert runs.family("cat > x.md <<'EOF'\nrun pytest -q\nEOF") == ""


@pytest.mark.parametrize("form", ["python -c '{}'", "python3 - <<'E'\n{}\nE", "python3 << 'E'\n{}\nE"])
def test_a_one_off_script_is_the_same_command_only_with_the_same_text(form: str) -> None:
    one, again, other = (runs.family(form.format(text)) for text in ("print(1)", "print(1)", "print(2)"))
    assert one.startswith("python -c ")
    assert one == again != other


@pytest.mark.parametrize(
    "text",
    ["2 failed, 1 passed in 0.12s", "--- FAIL: TestPrice (0.00s)", "FAIL\tshop/price\t0.01s", " 1 fail",
     "Traceback (most recent call last):", "src/a.ts(3,1): error TS2322: no", "error[E0308]: mismatched",
     "npm ERR! code 1", "BUILD FAILED in 2s", "Found 3 errors in 1 file", "bash: pytset: command not found",
     "FAILED (failures=1)", "python: No module named pytest", "1 error in 0.10s", "make: *** [test] Error 2"],
)  # fmt: skip
def test_a_runner_whose_text_tells_of_a_failure_failed_though_nothing_was_flagged(text: str) -> None:
    assert not runs.succeeded("make test | tail -3", text, True)


@pytest.mark.parametrize("text", ["3 passed", "0 failed", " 0 fail", "ok  shop/price 0.01s", "", "0 errors"])
def test_a_runner_whose_text_tells_of_none_passed(text: str) -> None:
    assert runs.succeeded("pytest -q | tail -3", text, True)


def test_all_runners_of_a_command_are_heard() -> None:
    text = "All checks passed!\n1 failed, 3 passed in 0.1s"
    assert not runs.succeeded("ruff check . && pytest -q | tail -2", text, True)
    assert not runs.succeeded("git commit -m x && pytest -q | tail -2", text, True)
    assert runs.succeeded("git commit -m x && ls", text, True)


def test_a_flagged_command_failed_whatever_it_says() -> None:
    assert not runs.succeeded("pytest", "3 passed", False)


@pytest.mark.parametrize("command", ["grep FAILED .", "git commit -m x", "docker logs a", "pip install x"])
def test_the_text_of_a_command_that_quotes_others_is_no_evidence(command: str) -> None:
    assert runs.succeeded(command, "FAILED tests/a.py\n1 failed\nTraceback (most recent call last):", True)


@pytest.mark.parametrize("command", ["sed -i 's/a/b/' x", "sed -E -i s/a/b/ x", "cat > a.py <<EOF\nx\nEOF",
                                     "git apply x.patch", "mv a b", "gofmt -s -w .", "npm run lint:fix",
                                     "eslint --fix .", "mise run fmt", "cargo fmt"])  # fmt: skip
def test_a_command_that_changes_files_edits(command: str) -> None:
    assert editing.edits(command)


@pytest.mark.parametrize("command", ["sed -n 1,5p x", "cat a.py", "pytest", "gofmt -l .", "npm run lint"])
def test_a_command_that_only_reads_does_not(command: str) -> None:
    assert not editing.edits(command)


def test_a_formatter_mends_a_linter_and_a_blocked_commit_but_no_test() -> None:
    names = ("js lint", "git commit", "js test", "go test")
    mended = {name: editing.mends("npm run lint:fix", name) for name in names}
    assert mended == {"js lint": True, "git commit": True, "js test": False, "go test": False}
    assert editing.mends("sed -i s/floor/round/ price.go", "go test")


# compound commands


def ends(command: str, text: str, ok: bool = True) -> dict[str, bool | None]:
    return {run.family: run.ok for run in runs.each(command, text, ok)}


FAILED = "FAILED tests/b.py::test_x - KeyError: 'x'\n1 failed, 4 passed in 0.2s"
JEST = "Tests: 1 failed, 1 total"


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [("ruff check . && pytest", f"All checks passed!\n{FAILED}", {"ruff": True, "pytest": False}),
     ("npm run build && npm test", f"built\n{JEST}", {"js build": True, "js test": False}),
     ("npm run build && npm test", "a.ts(3,5): error TS2304: no", {"js build": False, "js test": None}),
     ("mise run fmt && mise run lint", "a.go:3:5: x (gocritic)\n1 issues:",
      {"mise fmt": True, "mise lint": False}),
     ("docker compose up -d && pytest", FAILED, {"docker compose up": True, "pytest": False}),
     ("pytest; ruff check .", f"{FAILED}\nFound 1 error.", {"pytest": False, "ruff": False}),
     ("pytest", "KeyError", {"pytest": False}),
     ("npx tsc --noEmit | grep 'src/a.ts'", "Exit code 1", {"tsc": True}),
     ("pytest -q | grep -c passed", "Exit code 1\n0", {"pytest": None}),
     ("npm ci && npm test", "npm ERR! code ERESOLVE", {"js ci": False, "js test": None}),
     ("timeout 5 node server.js", "Exit code 124\nListening", {}),
     ("cat a.txt", "Exit code 1", {})],
)  # fmt: skip
def test_of_a_line_that_failed_the_run_that_did_is_found(command: str, text: str, expected: object) -> None:
    assert ends(command, text, ok=False) == expected


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [("ruff check . && pytest", "All checks passed!\n5 passed in 1s", {"ruff": True, "pytest": True}),
     ("docker compose up -d db && pytest -q | tail -3", FAILED, {"docker compose up": True, "pytest": False}),
     ("pytest -q > /tmp/o.txt 2>&1; echo \"EXIT: $?\"", "EXIT: 1", {"pytest": False}),
     ("pytest -q > /tmp/o.txt 2>&1; echo \"EXIT: $?\"", "EXIT: 0", {"pytest": True}),
     ("pytest -q > /tmp/o.txt; cat notes", "5 passed in 1s", {"pytest": True}),
     ("cargo test -q | tail -1; echo \"rc=${PIPESTATUS[0]}\"", "rc=101", {"cargo test": False}),
     ("pytest | tail -1; echo $?", "0", {"pytest": None}),
     ("mypy . > /dev/null && echo clean || echo 'still errors'", "still errors", {"mypy": False}),
     ("mypy . > /dev/null && echo clean || echo 'still errors'", "clean", {"mypy": True}),
     ("npx jest | tail -3", "Time: 0.5 s\nRan all test suites.", {"jest": None}),
     ("pytest | head -2", "tests/a.py ... [ 80%]", {"pytest": None}),
     ("npx tsc --noEmit | head", "", {"tsc": True}),
     ("npx tsc --noEmit | grep -c error", "12", {"tsc": None}),
     ("npm run build | tail -2", "built in 3s", {"js build": True}),
     ("pytest || true", "", {"pytest": None}),
     ("set -o pipefail; pytest -q | tee out.txt", "5 passed in 1s", {"pytest": True}),
     ("pytest --passWithNoTests", "no tests ran in 0.1s", {"pytest": False}),
     ("nohup npm start > s.log 2>&1 &", "", {"js start": None}),
     ("npx tsc; npx eslint .", "a.ts(1,2): error TS2304: no", {"tsc": False, "eslint": True}),
     ("pytest; make lint", FAILED, {"pytest": False, "make lint": True}),
     ("for i in 1 2; do pytest || break; done", FAILED, {"pytest": False}),
     ("cargo test x", "running 0 tests\n\ntest result: ok. 0 passed; 0 failed", {"cargo test": None}),
     ("go test ./a -run X", "ok  \tx/a\t0.1s [no tests to run]", {"go test": None}),
     ("npx jest a --passWithNoTests", "No tests found, exiting with code 0", {"jest": None}),
     ("mvn package -DskipTests", "[INFO] Tests are skipped.\n[INFO] BUILD SUCCESS", {"mvn package": None})],
)  # fmt: skip
def test_of_a_line_that_went_well_a_run_did_only_if_something_tells(
    command: str, text: str, expected: object
) -> None:
    assert ends(command, text) == expected


@pytest.mark.parametrize(
    ("line", "folder"),
    [("cd web && npm test", "web"), ("cd web; cd ../api; npm test", "api"), ("(cd web && ls); npm test", ""),
     ("cd /srv/app && npm test", "/srv/app"), ("cd $HOME && npm test", ""),
     ("cd web && cd .. && npm test", ""), ("(cd api && ls) && (cd web && npm test)", "web"),
     ("bash -c 'cd web && npm test'", "web")],
)  # fmt: skip
def test_a_run_works_where_the_line_has_gone(line: str, folder: str) -> None:
    assert [run.folder for run in runs.each(line, "", True) if run.family == "js test"] == [folder]


def test_a_shell_keeps_its_folder_between_calls() -> None:
    lines = ("cd /p/app", "npm test", "cd api", "npm test", "(cd ../web && npm test)", "cd /p/app; npm test")
    told = unfold.each([Execution("e", float(n), "Bash", line, "", True) for n, line in enumerate(lines)])
    ran = ["npm test", "cd api && npm test", "cd web && npm test", "npm test"]
    assert [run.command for own in told for run in own] == ran


def test_a_line_that_goes_somewhere_and_runs_something_says_where_it_was() -> None:
    lines = ("cd api && npm test", "cd web && npm test", "npm test")
    told = unfold.each([Execution("e", float(n), "Bash", line, "", True) for n, line in enumerate(lines)])
    assert [run.command for own in told for run in own] == [*lines[:2], "npm test"]


def test_what_no_shell_has_run_is_no_run() -> None:
    assert unfold.each([Execution("e", 0.0, "Edit", "pytest", "", False)]) == [()]


@pytest.mark.parametrize(
    ("command", "said"),
    [("pip install requests", "ModuleNotFoundError: No module named 'requests'"),
     ("npm install", "Error: Cannot find module 'zod'"),
     ("docker compose up -d db", "connection to server at port 5432 refused"),
     ("python manage.py migrate", "no such column: shop_item.sku"),
     ("mkdir -p var/cache", "ENOENT: var/cache")],
)  # fmt: skip
def test_a_command_that_supplies_what_was_missing_mends(command: str, said: str) -> None:
    assert editing.mends(command, "pytest", said)
    assert not editing.mends(command, "pytest", "assert 9 == 10")


@pytest.mark.parametrize("command", ["pytest | tee /tmp/o.log", "mv /tmp/a.log /tmp/b.log", "pytest > o.txt",
                                     "cat a.py > /dev/null", "echo x > /tmp/x.py", "grep 'sed -i' notes.md",
                                     "git commit -m 'cat > a.py'", "cp dist/a.js dist/b.js"])  # fmt: skip
def test_what_writes_no_file_of_the_project_edits_nothing(command: str) -> None:
    assert not editing.edits(command)


@pytest.mark.parametrize("command", ["echo 'A=1' >> .env", "cat <<E | tee a.py\nx\nE", "perl -pi -e s/a/b/ x",
                                     "python - <<E\nopen('a.py', 'w').write('x')\nE", "black src",
                                     "ruff format ."])  # fmt: skip
def test_what_writes_one_edits(command: str) -> None:
    assert editing.edits(command)
