"""Scopes: of what a run speaks, and what its success says of a failure."""

from __future__ import annotations

import pytest

from rune.running import runs


@pytest.mark.parametrize(
    ("passed", "failed", "said"),
    [("pytest", "pytest tests/a.py", ""),
     ("pytest tests/a.py", "pytest", "1 failed"),
     ("pytest tests/a.py::test_b", "pytest tests/a.py -x -k b", ""),
     ("pytest /repo/tests/a.py", "cd /repo && pytest tests/a.py", ""),
     ("pytest tests/a.py", "pytest -c pytest.ini tests", ""),
     ("cargo test", "cargo test -p api", ""),
     ("cargo test -p cache", "cargo test", "--> crates/cache/src/lru.rs:48"),
     ("pnpm -r test", "pnpm --filter @acme/api test", ""),
     ("pnpm --filter '@acme/*' test", "pnpm --filter=@acme/api test", ""),
     ("npm test", "npm -w api test", ""),
     ("yarn test", "yarn workspace @acme/api test", ""),
     ("go test ./...", "go test ./store -run 'TestX/sub'", ""),
     ("make test", "make -C api test", ""),
     ("./gradlew test", "./gradlew :app:test", ""),
     ("cd /repo && npm test", "cd /repo/packages/api && npm test", ""),
     ("pytest tests/b.py", "pytest", "FAILED tests/b.py::test_x\ntests/a.py .... [ 80%]"),
     ("pytest -k port", "pytest", "FAILED tests/a.py::test_port"),
     ("pytest", "pytest -k port", ""),
     ("pytest -x -q", "pytest", ""),
     ("mvn verify", "mvn test", ""),
     ("cargo test -- --nocapture", "cargo test", ""),
     ("npx jest -t 'log in'", "npx jest", "● auth › log in"),
     ("go test ./... -run 'TestPut|TestGet'", "go test ./...", "--- FAIL: TestPut (0.00s)"),
     ("git commit -m 'c/d'", "git commit -m 'a/b'", "")],
)  # fmt: skip
def test_a_wider_run_or_one_of_the_same_verifies(passed: str, failed: str, said: str) -> None:
    assert runs.verifies(passed, failed, said)


@pytest.mark.parametrize(
    ("passed", "failed", "said"),
    [("npm test -w web", "npm test --workspace=api", ""),
     ("pnpm --filter @acme/web test", "pnpm --filter @acme/api test", ""),
     ("yarn workspace @acme/web test", "yarn workspace @acme/api test", ""),
     ("turbo run test --filter=web", "turbo run test --filter=api", ""),
     ("cargo test -p web", "cargo test --package api", ""),
     ("cargo test -p web", "cargo test", "--> crates/cache/src/lru.rs:48"),
     ("go test ./web/...", "go test ./api/...", ""),
     ("make -C web test", "make -C api test", ""),
     ("./gradlew :web:test", "./gradlew :app:test", ""),
     ("mvn -pl web test", "mvn -pl api test", ""),
     ("tox -e lint", "tox -e py311", ""),
     ("cd packages/web && npm test", "cd packages/api && npm test", ""),
     ("npx tsc -p packages/web", "npx tsc -p packages/api/tsconfig.json", ""),
     ("pytest tests/b.py", "pytest tests/a.py", ""),
     ("pytest tests/a.py::test_x", "pytest tests/a.py::test_y", ""),
     ("pytest tests/a.py", "pytest", "FAILED tests/b.py::test_x"),
     ("pytest tests/a.py::test_x", "pytest", "FAILED tests/a.py::test_y"),
     ("pytest -k host", "pytest -k port", ""),
     ("pytest -k host", "pytest", "FAILED tests/a.py::test_port"),
     ("pytest --deselect tests/b.py::test_x", "pytest", "FAILED tests/b.py::test_x"),
     ("pytest -k 'not slow'", "pytest", ""),
     ("cargo test parse_host", "cargo test parse_port", ""),
     ("go test ./... -run TestGet", "go test ./...", "--- FAIL: TestPut (0.00s)"),
     ("mvn -Dtest=UserTest test", "mvn test", "CartTest.total:12"),
     ("mvn package -DskipTests", "mvn package", ""),
     ("mvn compile", "mvn test", ""),
     ("npx jest -t 'log in'", "npx jest -t 'log out'", ""),
     ("./gradlew test -x lint", "./gradlew test", ""),
     ("python manage.py test shop", "python manage.py test cart", ""),
     ("git commit --no-verify -m x", "git commit -m x", ""),
     ("cd web && cargo test", "cargo test", "crates/api/src/lib.rs:3:5"),
     ("mypy .", "pytest", "")],
)  # fmt: skip
def test_a_run_of_something_else_does_not(passed: str, failed: str, said: str) -> None:
    assert not runs.verifies(passed, failed, said)
