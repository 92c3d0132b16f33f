# Each target makes the virtual environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NO_SKIPS := $(if $(CI),--no-skips)
LONGER := -o faulthandler_timeout=3600

OLDEST := build/oldest

.PHONY: help demo test slow lint system latest oldest dist bench docs figures gallery site clean

help:
	@echo "make demo     compile a published HRNet, run it on a photograph, count and draw it"
	@echo "make test     lint, type-check and run the tests"
	@echo "make slow     run the tests that take long"
	@echo "make lint     what ruff, mypy and pyright say"
	@echo "make system   install the programs that tests drive, on Debian or Ubuntu, as root"
	@echo "make latest   all tests with the newest release of everything, torch first"
	@echo "make oldest   the tests with the oldest release that pyproject.toml promises of everything"
	@echo "make dist     the wheel and the source archive, in dist/"
	@echo "make bench    the measurements of benchmarks/README.md"
	@echo "make docs     write docs/spec.md, docs/published.md and docs/api.md"
	@echo "make figures  draw the figures of the README again"
	@echo "make gallery  draw every network of the catalogue into docs/gallery"
	@echo "make site     the editor as a static page that runs Python in the browser, in build/site"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hrnet-graph needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[torch]'
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
	$(BIN)/basedpyright --pythonpath $(BIN)/python

test: lint
	$(BIN)/pytest -n 2 $(NO_SKIPS)

slow: $(VENV)/.test
	$(BIN)/pytest -n 2 -m slow $(LONGER) $(NO_SKIPS)

system:
	bash .ci/system

latest: $(VENV)/.test
	$(BIN)/python -m pip install --upgrade --upgrade-strategy eager --editable '.[test]'
	$(BIN)/pytest -n 2 -m 'slow or not slow' $(LONGER) $(NO_SKIPS)

oldest:
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet uv
	$(OLDEST)/bin/uv pip install --python $(OLDEST) --resolution lowest-direct --editable '.[test]'
	PATH="$(CURDIR)/$(OLDEST)/bin:$$PATH" $(OLDEST)/bin/pytest -n 2 -W default $(NO_SKIPS)

dist: $(VENV)/.test
	test -z "$$TAG" || test "$$TAG" = "v$$($(BIN)/hatchling version)"
	$(BIN)/python -m build

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/sweeps.py

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

site: $(VENV)/.test
	$(BIN)/python docs/site/make.py

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache
