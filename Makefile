UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export UV_PYTHON_DOWNLOADS := never
# Trust what the machine trusts: many networks of administrators have an authority of their own.
export UV_SYSTEM_CERTS := true
# The tests start hundreds of processes; where Python may not keep what it compiled, each compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test thorough check bench bench-presence fuzz format docs

help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

# uv comes from PyPI into .tools, so that only python3 and pip are needed; a uv on PATH is used as it is.
.tools/bin/uv:
	@python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools "uv==$(UV_VERSION)"

.venv/.ok: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --frozen --no-dev --quiet && touch $@

.venv/.dev: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --frozen --quiet && touch $@ .venv/.ok

demo: .venv/.ok ## set up, break the three stories on the lab, explain, heal and verify them; leaves report.html
	@$(BIN)/hybridge demo

test: .venv/.dev ## set up and run all tests
	@$(BIN)/pytest -q -n auto

thorough: .venv/.dev ## run every test there is, which takes half an hour
	@HYBRIDGE_THOROUGH=1 $(BIN)/pytest -q -n auto

check: .venv/.dev ## format, lint, types, layers, generated documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/shape
	@$(BIN)/python -m hybridge.docs --check

bench: .venv/.dev ## measure us beside a peer, as ratios
	@$(BIN)/python bench/repair.py
	@$(BIN)/python bench/doctor.py

bench-presence: .venv/.dev ## measure the presence gateway beside exchangelib, bare sockets and each sink's own limit
	@$(BIN)/python bench/presence.py

fuzz: .venv/.dev ## ten minutes of broken bodies for every reader; FUZZ="--minutes 60 --seed 7" for another round
	@$(BIN)/python -m tests.fuzz.run $(or $(FUZZ),--minutes 10)

format: .venv/.dev ## format the code and mend what the linter can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: .venv/.dev ## write the generated documents (docs/checks)
	@$(BIN)/python -m hybridge.docs
