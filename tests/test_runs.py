"""The judge of commands: what kind, whether it went well, whether it edits."""

from __future__ import annotations

import pytest

from rune import runs


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
     ("./build.sh fast", "script build.sh"),
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
    assert runs.succeeded("git commit -m x && pytest -q | tail -2", text, True)


def test_a_flagged_command_failed_whatever_it_says() -> None:
    assert not runs.succeeded("pytest", "3 passed", False)


@pytest.mark.parametrize("command", ["grep FAILED .", "git commit -m x", "docker logs a", "pip install x"])
def test_the_text_of_a_command_that_quotes_others_is_no_evidence(command: str) -> None:
    assert runs.succeeded(command, "FAILED tests/a.py\n1 failed\nTraceback (most recent call last):", True)


@pytest.mark.parametrize("command", ["sed -i 's/a/b/' x", "sed -E -i s/a/b/ x", "cat > a.py <<EOF\nx\nEOF",
                                     "git apply x.patch", "mv a b", "gofmt -s -w .", "npm run lint:fix",
                                     "eslint --fix .", "mise run fmt", "cargo fmt"])  # fmt: skip
def test_a_command_that_changes_files_edits(command: str) -> None:
    assert runs.edits(command)


@pytest.mark.parametrize("command", ["sed -n 1,5p x", "cat a.py", "pytest", "gofmt -l .", "npm run lint"])
def test_a_command_that_only_reads_does_not(command: str) -> None:
    assert not runs.edits(command)


def test_a_formatter_mends_a_linter_and_a_blocked_commit_but_no_test() -> None:
    names = ("js lint", "git commit", "js test", "go test")
    mended = {name: runs.mends("npm run lint:fix", name) for name in names}
    assert mended == {"js lint": True, "git commit": True, "js test": False, "go test": False}
    assert runs.mends("sed -i s/floor/round/ price.go", "go test")
