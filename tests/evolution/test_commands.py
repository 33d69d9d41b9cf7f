import pytest

from rune.evolution import commands


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make check", "just check"),
        ("make target11", "make target12"),
        ("npm install", "pnpm install"),
        ("npm run build", "bun run build"),
        ("npm ci", "pnpm install"),
        ("pip install -r requirements.txt", "uv sync"),
        ("jest", "vitest run"),
        ("make up", "docker compose up"),
        ("npm ci && npm test", "just check"),
        ("pytest tests/test_a.py -k one", "pytest"),
        ("go test -run TestParse ./internal/parse", "go test ./..."),
        ("pytest tests/unit tests/e2e", "pytest"),
        ("pytest -n 4 tests/unit", "pytest -n 4"),
        ("ruff check daemon tests", "ruff check ."),
        (".venv/bin/pytest tests/test_a.py", ".venv/bin/pytest"),
        ("cargo build -p a -p b", "cargo build"),
        ("npm test -- login", "npm test"),
        ("npm run test login", "pnpm test"),
        ("mvn test -Dtest=FooTest", "mvn test"),
        ("./gradlew test --tests FooTest", "./gradlew test"),
        ("docker compose up db redis", "docker compose up"),
        ("tox -e lint", "tox"),
        ("cd app && pytest tests/test_a.py", "cd app && pytest"),
        ("cd web && npm run build", "cd web && pnpm run build"),
        ("make lint && make test", "make check"),
        ("make lint test", "just check"),
        ("ruff check . && pytest", "just check"),
        ("black src", "ruff format src"),
        ("scripts/deploy.sh", "just deploy"),
        ("./deploy.sh staging", "just deploy staging"),
        ("eslint src", "biome check src"),
        ("flake8 src", "ruff check src"),
        ("pip install -r a.txt", "uv pip install -r a.txt"),
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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ruff check daemon tests", "ruff check daemon"),
        ("eslint src test", "eslint src"),
        ("pytest tests/unit tests/integration", "pytest tests/unit"),
        ("pip install -r requirements.txt -r dev.txt", "pip install -r requirements.txt"),
        ("pip install -r requirements.txt -r dev.txt", "uv pip install -r requirements.txt"),
        ("kubectl apply -f a.yaml -f b.yaml", "kubectl apply -f a.yaml"),
        ("docker compose up db redis app", "docker compose up db"),
        ("docker-compose up db redis", "docker compose up db"),
        ("docker compose -f a.yml -f b.yml up", "docker compose -f a.yml up"),
        ("tox -e lint -e py311", "tox -e lint"),
        ("nox -s lint tests", "nox -s lint"),
        ("cargo build -p a -p b", "cargo build -p a"),
        ("go build ./cmd/a ./cmd/b", "go build ./cmd/a"),
        ("npm run build web api", "pnpm run build web"),
        ("eslint src test", "biome check src"),
        ("flake8 src tests", "ruff check tests"),
        ("bundle exec rspec spec/a spec/b", "bundle exec rspec spec/a"),
        ("make lint test docs", "make lint"),
        ("make lint test docs", "make lint test"),
        ("make lint test", "just test"),
        ("make lint test", "pytest"),
        ("npm-run-all lint test", "npm run test"),
        ("./gradlew test integrationTest", "./gradlew test"),
        ("mvn clean test", "mvn test"),
    ],
)
def test_fewer_targets_are_a_part(old, new):
    assert not commands.replaces(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make lint && make test", "make test"),
        ("make lint && make test", "make lint"),
        ("make lint && make test && make docs", "make lint && make test"),
        ("make lint && make test", "just test"),
        ("make lint; make test", "make test"),
        ("ruff check . && pytest", "pytest"),
        ("ruff check . && pytest", "python -m pytest"),
        ("ruff check . && mypy . && pytest", "make test"),
        ("npm run lint && npm run test", "npm run test"),
        ("npm run lint && npm run test", "pnpm test"),
        ("npm ci && npm test", "npm test"),
        ("./build.sh && ./deploy.sh", "make deploy"),
        ("./configure && make && make install", "make install"),
        ("terraform init && terraform apply", "terraform apply"),
        ("bash -c 'make lint && make test'", "make test"),
        ("(cd web && npm test)", "npm test"),
        ("cd backend && pytest", "pytest"),
        ("pg_dump shop | gzip > a.gz", "pg_dump shop"),
    ],
)
def test_a_step_does_not_take_the_place_of_a_chain(old, new):
    assert not commands.replaces(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pytest -m 'not slow'", "pytest -m slow"),
        ("pytest -m 'not slow'", "py.test -m slow"),
        ("pytest -k 'a or b'", "pytest -k a"),
        ("pytest -m 'not gpu' tests", "pytest tests"),
        ("alembic upgrade head", "alembic upgrade"),
        ("./deploy.sh prod", "./deploy.sh"),
        ("./deploy.sh prod", "bash deploy.sh"),
        ("./deploy.sh prod eu", "./ship.sh prod"),
        ("python deploy.py prod", "python deploy.py"),
        ("fab deploy prod", "fab deploy"),
        ("make deploy ENV=prod", "make deploy"),
        ("ENV=prod make deploy", "just deploy"),
        ("npm run deploy prod", "pnpm run deploy"),
        ("kubectl apply -k prod", "kubectl apply"),
        ("pg_dump shop", "pg_dump"),
        ("docker run -p 8080:80 app", "docker run app"),
        ("gunicorn app:app -k gevent", "gunicorn app:app"),
        ("python -m http.server 8080", "python -m http.server"),
        ("pip install -r requirements.txt", "pip install"),
        ("npx tsc -p web", "npx tsc"),
        ("go test ./internal/parse", "go test"),
        ("go build ./cmd/a", "go build ./..."),
        ("python manage.py migrate shop", "python manage.py migrate"),
        ("docker compose run app pytest", "pytest"),
        ("pytest -s", "pytest"),
    ],
)
def test_without_its_target_a_command_is_another_one_unless_it_then_takes_everything(old, new):
    assert not commands.replaces(new, old)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest", "mypy src"),
        ("pytest", "ruff check"),
        ("pytest", "tox"),
        ("pytest", "jest"),
        ("pytest", "python scripts/run_benchmark.py"),
        ("npm test", "npx playwright test"),
        ("npm test", "node scripts/seed.js"),
        ("make test", "make clean"),
        ("make test", "make e2e"),
        ("make test", "cargo test"),
        ("make check", "pytest"),
        ("make step1", "make step2"),
        ("make test", "ls tests"),
        ("make test", "echo ok"),
        ("make test", "docker ps"),
        ("make test", "curl localhost"),
        ("make test", "cat Makefile"),
        ("rspec", "cucumber"),
        ("phpunit", "phpstan"),
        ("eslint .", "stylelint ."),
        ("ruff check .", "mypy ."),
        ("mypy .", "pyright ."),
        ("./deploy.sh staging", "./rollback.sh staging"),
        ("./start.sh", "./stop.sh"),
        ("python train.py", "python eval.py"),
        ("psql shop", "redis-cli"),
        ("backend/test.sh", "frontend/test.sh"),
        ("python tools/a/build.py", "python tools/b/build.py"),
        ("yarn build", "npm install"),
        ("kubectl apply -f k8s", "helm upgrade app ./chart"),
        ("terraform plan", "terraform validate"),
        ("head log.txt", "tail log.txt"),
    ],
)
def test_another_job_takes_no_place_though_the_question_is_the_same(one, other):
    assert not commands.replaces(other, one)
    assert not commands.replaces(one, other)
