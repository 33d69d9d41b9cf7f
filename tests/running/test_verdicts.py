"""Verdicts: whether what a runner printed tells of a failure."""

from __future__ import annotations

import pytest

from rune.arcs import signatures
from rune.lessons import counts
from rune.records.trajectory import Execution
from rune.running import verdicts

RUST = "test result: {}. 13 passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("pytest", "ERROR test_q.py\n!!! Interrupted: 1 error during collection !!!\n1 error in 2.44s"),
     ("pytest", "3 passed, 1 error in 0.10s"),
     ("pytest", "=== 1 failed, 3 passed, 2 warnings in 61.10s (0:01:01) ==="),
     ("pytest", "1 failed in 0.1s\n3 passed in 0.1s"),
     ("pytest", "no tests ran in 0.01s"),
     ("pytest", "ERROR tests/test_models.py::test_a - KeyError: 'a'"),
     ("pytest", "E       assert 1 == 2"),
     ("unittest", "FAILED (errors=1, skipped=2)"),
     ("tox", "  py311: FAIL code 1 (3 seconds)"),
     ("cargo test", RUST.format("FAILED", 1)),
     ("cargo test", "error: test failed, to rerun pass `-p cache --lib`"),
     ("cargo build", "error: could not compile `cache` (lib) due to 1 previous error"),
     ("cargo clippy", "error: this `if` has identical blocks\n  --> src/lru.rs:71:21"),
     ("cargo fmt", "Diff in /p/src/a.rs:3:"),
     ("go build", "# example.com/app\n./main.go:12:2: undefined: foo"),
     ("go vet", "vet: ./main.go:12:2: Printf format %d has arg s of wrong type string"),
     ("go test", "FAIL\texample.com/app\t0.034s\nok  \texample.com/lib\t0.1s"),
     ("golangci-lint", "internal/a.go:3:1: exported func X should have comment (revive)"),
     ("vitest", " Test Files  1 failed (1)\n      Tests  1 failed | 2 passed (3)"),
     ("jest", "Tests:       1 failed, 14 passed, 15 total\nSnapshots:   2 passed, 2 total"),
     ("mocha", "  4 passing (12ms)\n  1 failing"),
     ("playwright", "  1 failed\n    a.spec.ts:3:1\n  3 passed (2s)"),
     ("js test", "packages/api test:       Tests  1 failed | 3 passed (4)"),
     ("js test", "@acme/api:test: Tests:       1 failed, 3 passed, 4 total"),
     ("js build", "npm error Lifecycle script `build` failed with error:\nnpm error code 1"),
     ("eslint", "✖ 3 problems (3 errors, 0 warnings)"),
     ("eslint", "/p/a.ts\n  3:7   error    'x' is never used  no-unused-vars"),
     ("prettier", "[warn] src/a.ts\n[warn] Code style issues found in the above file."),
     ("flake8", "a.py:1:1: F401 'os' imported but unused"),
     ("ruff", "F401 [*] `os` imported but unused\n --> app.py:3:8"),
     ("ruff", "Found 3 errors (1 fixed, 2 remaining)."),
     ("mypy", "Found 2 errors in 1 file (checked 3 source files)"),
     ("gcc", "a.c:3:5: error: expected ';' before 'return'"),
     ("gcc", "collect2: error: ld returned 1 exit status"),
     ("make test", "make: *** [Makefile:12: test] Error 2"),
     ("make test", "1 error in 0.1s"),
     ("make test", "21 examples, 1 failure"),
     ("mvn", "[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0\n[INFO] BUILD FAILURE"),
     ("dotnet test", "Failed!  - Failed:     1, Passed:     5, Skipped:     0, Total:     6"),
     ("dotnet build", "Build FAILED.\n    1 Error(s)"),
     ("phpunit", "FAILURES!\nTests: 3, Assertions: 3, Failures: 1."),
     ("gradle test", "5 tests completed, 1 failed\nBUILD FAILED in 3s"),
     ("node x.js", "Error: Cannot find module 'zod'\n    at Module._resolveFilename"),
     ("rspec", "21 examples, 1 failure"),
     ("pyright", "2 errors, 0 warnings, 0 informations"),
     ("pre-commit", "ruff....Failed\n- hook id: ruff\n- exit code: 1"),
     ("ctest", "67% tests passed, 1 tests failed out of 3"),
     ("ninja", "FAILED: a.o\nninja: build stopped: subcommand failed."),
     ("swift test", "Executed 3 tests, with 1 failure (0 unexpected) in 0.1 seconds"),
     ("mix test", "3 tests, 1 failure"),
     ("deno test", "FAILED | 1 passed | 1 failed (10ms)"),
     ("terraform plan", "╷\n│ Error: Unsupported argument\n│ \n"),
     ("python a.py", "Traceback (most recent call last):\nKeyError: 1"),
     ("pytest", "\x1b[31m\x1b[1m1 failed\x1b[0m in 0.1s")],
)  # fmt: skip
def test_what_a_runner_prints_of_a_failure_tells_of_it(kind: str, text: str) -> None:
    assert verdicts.told(text, kind) is False


@pytest.mark.parametrize(
    ("kind", "text"),
    [("pytest", "ERROR    root:app.py:3 could not connect\n3 passed in 0.10s"),
     ("pytest", "Traceback (most recent call last):\nKeyError: 1\n3 passed, 1 warning in 0.10s"),
     ("pytest", "INFO: 2 failed logins\n3 passed, 2 deselected in 0.10s"),
     ("pytest", "=== 12 passed, 1 skipped, 2 xfailed in 61.10s (0:01:01) ==="),
     ("unittest", "ERROR: lost\nRan 3 tests in 0.1s\n\nOK (skipped=1)"),
     ("tox", "  py311: OK (3.1 seconds)\n  congratulations :) (3.2 seconds)"),
     ("cargo test", RUST.format("ok", 0)),
     ("cargo build", "warning: unused variable: `error`\n --> src/a.rs:3:9\n    Finished `dev` profile"),
     ("go test", "2026/01/01 ERROR lost\nok  \texample.com/a\t0.1s"),
     ("go build", "go: downloading github.com/x v1.2.3"),
     ("golangci-lint", "0 issues."),
     ("vitest", "stderr | a.test.ts\nerror: 3 failed\n      Tests  3 passed (3)"),
     ("jest", "  console.error\n    Error: boom\n      at x (a.js:1:2)\n\nTests:       3 passed, 3 total"),
     ("mocha", "  4 passing (12ms)\n  2 pending"),
     ("js test", " 3 pass\n 0 fail"),
     ("js test", "  0 failing\n  0 errors"),
     ("js build", "✓ built in 1.2s\nerrors.js 12 kB"),
     ("eslint", "✖ 2 problems (0 errors, 2 warnings)"),
     ("prettier", "All matched files use Prettier code style!"),
     ("biome", "Checked 3 files in 2ms. No fixes applied.\nFound 2 warnings."),
     ("ruff", "Found 1 error (1 fixed, 0 remaining)."),
     ("make lint", "Found 1 error (1 fixed, 0 remaining)."),
     ("gcc", "a.c:3:5: warning: unused variable 'error'"),
     ("make all", "make: [Makefile:3: t] Error 1 (ignored)"),
     ("mvn", "[ERROR] lost, as it must\n[INFO] Tests run: 5, Failures: 0, Errors: 0\n[INFO] BUILD SUCCESS"),
     ("dotnet build", "Build succeeded.\n    0 Warning(s)\n    0 Error(s)"),
     ("dotnet test", "Passed!  - Failed:     0, Passed:     6"),
     ("phpunit", "OK (3 tests, 3 assertions)"),
     ("rspec", "21 examples, 0 failures"),
     ("pyright", "0 errors, 0 warnings, 0 informations"),
     ("ctest", "100% tests passed, 0 tests failed out of 3"),
     ("mix test", "3 tests, 0 failures"),
     ("terraform plan", "Plan: 1 to add, 0 to change, 0 to destroy."),
     ("python run.py", "ERROR: could not connect, trying again\ndone"),
     ("node x.js", "Error: lost the connection, trying again\nNode.js v20.1.0"),
     ("mypy", "")],
)  # fmt: skip
def test_a_log_line_of_a_run_that_went_well_is_no_failure(kind: str, text: str) -> None:
    assert verdicts.told(text, kind) is not False


def test_each_runner_of_a_command_is_heard_for_itself() -> None:
    text = "All checks passed!\n1 failed, 3 passed in 0.1s"
    assert (verdicts.told(text, "ruff"), verdicts.told(text, "pytest")) == (True, False)
    assert verdicts.told("hello", "make x") is None


@pytest.mark.parametrize("text", ["a:" + ":b" * 2000 + "!", "x:1: " * 1500, "\n" * 6000, " " * 6000 + "x"])
def test_no_output_takes_forever(text: str) -> None:
    """Patterns that try every way to divide it would not come back."""
    assert [verdicts.told(text, kind) for kind in ("make", "pytest", "js test")] == [None] * 3
    assert not verdicts.nothing(text, "cargo test")
    assert signatures.signature(Execution("e1", 0.0, "Bash", "make test", text, ok=False))
    assert counts.counted("npm test", text) == {}
