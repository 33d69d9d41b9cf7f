import pytest

from rune.evolution import commands


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make check", "just check"),
        ("make target1", "make target2"),
        ("npm install", "pnpm install"),
        ("npm run build", "bun run build"),
        ("python deploy.py", "python release.py"),
        ("pip install -r requirements.txt", "uv sync"),
        ("make check", "pytest"),
        ("make up", "docker compose up"),
        ("npm ci && npm test", "just check"),
        ("pytest tests/test_a.py -k one", "pytest"),
        ("go test -run TestParse ./internal/parse", "go test ./..."),
    ],
)
def test_the_same_by_another_name_or_the_whole_takes_its_place(old, new):
    assert commands.replaces(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pytest", "pytest tests/test_a.py"),
        ("pytest tests/", "pytest tests/test_a.py"),
        ("pytest", "pytest --lf -x"),
        ("pytest", "pytest -m slow"),
        ("pytest", "pytest --collect-only"),
        ("go test ./...", "go test -run TestParse ./internal/parse"),
        ("cargo test", "cargo test parse_date"),
        ("npm test", "npm test -- login"),
        ("vitest run", "vitest run login"),
        ("tox", "tox -e lint"),
        ("./gradlew test", "./gradlew test --tests FooTest"),
        ("mvn test", "mvn test -Dtest=FooTest"),
        ("python manage.py migrate", "python manage.py migrate shop"),
        ("npx playwright test", "npx playwright test --ui"),
        ("make check", "pytest tests/test_a.py -k one"),
        ("make test", "cargo test parse_date"),
        ("npm install", "pnpm install --filter web"),
        ("make test", "make test-unit"),
        ("make deploy", "just deploy ENV=prod"),
        ("just check", "npm ci && npm test"),
    ],
)
def test_a_part_does_not_take_the_place_of_the_whole(old, new):
    assert not commands.replaces(new, old)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest tests/unit", "pytest tests/integration"),
        ("pytest backend/", "pytest frontend/"),
        ("ruff check .", "ruff format ."),
        ("docker compose up -d", "docker compose down"),
        ("mvn test", "mvn package"),
        ("cargo run --bin api", "cargo run --bin worker"),
        ("go run ./cmd/api", "go run ./cmd/worker"),
        ("npx tsc -p web", "npx tsc -p api"),
        ("pip install -r a.txt", "pip install -r b.txt"),
        ("docker exec api ls", "docker exec db psql"),
        ("npm install", "pip install -r requirements.txt"),
        ("npm run build", "cargo build"),
        ("npm test", "go test ./..."),
        ("uv run pytest", "pytest"),
        ("DATABASE_URL=x pytest", "pytest"),
        ("npm run dev -- --port 3000", "npm run dev"),
        ("mise run test", "mise run test:ci"),
        ("cp a.py a.bak", "sed -i '8,9d' a.py"),
        ("pip freeze", "pip freeze | wc -l"),
    ],
)
def test_neighbours_and_ways_of_the_same_replace_nothing(one, other):
    assert not commands.replaces(other, one)
    assert not commands.replaces(one, other)
