# The course's verbs. `make lab` to work through it, `make test` to hold it to its outputs.
PYTHON ?= python3
RUN = .venv/bin/python

.PHONY: lab test take editions img lock lint python environment

lab: python ; @$(PYTHON) -m helpers.workshop lab --port "$(PORT)"

test: python ; @$(PYTHON) -m helpers.workshop test

# Take the newer edition of one chapter: make take CHAPTER=01
take: python ; @$(PYTHON) -m helpers.workshop take --chapter "$(CHAPTER)"

# For authors: every edition from the sources, the pictures of README, the lock, the style.
editions: environment ; $(RUN) -m helpers.editions $(CHAPTER)

img: environment ; $(RUN) -m helpers.pictures && $(RUN) -m tests.browser readme

lint: environment ; $(RUN) -m ruff check . && $(RUN) -m ruff format --check .

lock: environment ; $(RUN) -m tests.lock

environment: python ; @$(PYTHON) -m helpers.workshop setup

python: ; @command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON) here: install Python 3.11, 3.12 or 3.13, or name yours: make lab PYTHON=python3.12" >&2; exit 1; }
