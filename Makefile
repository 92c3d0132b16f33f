# Each target makes the virtual environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test slow lint bench docs figures gallery clean

help:
	@echo "make demo     compile a published HRNet, run it on a photograph, count and draw it"
	@echo "make test     lint, type-check and run the tests"
	@echo "make slow     run the tests that take long"
	@echo "make bench    the measurements of benchmarks/README.md"
	@echo "make docs     write docs/spec.md from the schema"
	@echo "make figures  draw the figures of the README again"
	@echo "make gallery  draw every network of the catalogue into docs/gallery"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hrnet-graph needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2

slow: $(VENV)/.test
	$(BIN)/pytest -n 2 -m slow

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.demo
	$(BIN)/python docs/generate.py

figures: $(VENV)/.test
	$(BIN)/hrnet-graph render hrnet_w32_cls -o docs/figures/hrnet_w32_cls.svg
	$(BIN)/hrnet-graph render hrnet_w48_cls --view fuse --only stage3.1 -o docs/figures/fuse.svg
	$(BIN)/hrnet-graph diff hrnet_w32_cls hrnet_w18_small_v2_cls \
	  --render docs/figures/difference.svg >/dev/null || test $$? -eq 1
	bash docs/pictures.sh

gallery: $(VENV)/.demo
	$(BIN)/python docs/gallery.py

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache
