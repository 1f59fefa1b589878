# One command each; every one sets up what it needs. `make demo` and `make test` are all that a fresh machine wants.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo test lint bench docs clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("fenlei needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[all]" --group dev
	touch $(READY)

demo: setup                       ## the main job on real data
	$(BIN)/fenlei demo --out demo

lint: setup                       ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint                        ## everything that must hold
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist loadgroup

bench: setup                      ## every number in the README, side by side with its peers; DATA=folder of the sets
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benchmarks/run_all.py $(if $(DATA),--data $(DATA))

docs: setup                       ## the generated pages of docs/
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache
