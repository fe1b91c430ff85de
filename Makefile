# make run      the server, at http://localhost:8008, data in ./chatme-data
# make demo     a server, its assistant and a room to look into, on this machine alone
# make test     the tests, in WORKERS processes; ARGS go to pytest: make test ARGS="tests/sync -k limited"
# make check    what CI runs: format, lint, types, imports, tests
# make format   rewrite the code as `make check` wants it
# make lock     take newer versions of what we depend on
# make oracle   the independent homeserver that some tests compare with, in .oracle

SHELL := /bin/bash
PYTHON ?=
BIN := .venv/bin
ROOMS := appservices config federation homeserver schema storage
ARGS ?=
WORKERS ?= 2
RUN ?=

.PHONY: install run demo test check format lint types imports services oracle lock clean

install: .venv/installed
	@$(BIN)/python -m compileall -q -j 0 -o 0 -o 2 $(ROOMS)

.venv/installed: requirements-dev.lock pyproject.toml tests/install
	@PYTHON="$(PYTHON)" tests/install python
	@$(BIN)/python -m compileall -q -j 0 -o 2 .venv/lib # read by -OO, and not written where PYTHONDONTWRITEBYTECODE is set

run: install
	@exec $(BIN)/python -OO -m homeserver serve $(RUN) # without docstrings: 2 MB less

demo: install
	@$(BIN)/python -m tests.demo $(RUN)

services: install
	@tests/install services

test: services
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: install lint types imports test

format: install
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

lint: install
	@$(BIN)/ruff format -q --check .
	@$(BIN)/ruff check -q .

types: install
	@$(BIN)/mypy

imports: install
	@$(BIN)/lint-imports --no-logo

oracle:
	@PYTHON="$(PYTHON)" tests/install oracle

lock:
	@PYTHON="$(PYTHON)" tests/install lock

clean:
	@rm -rf .venv .oracle .mypy_cache .ruff_cache .pytest_cache .hypothesis
