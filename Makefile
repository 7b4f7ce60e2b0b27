# Every target that needs the environment sets it up first, once; it is renewed when a file under
# requirements/ or pyproject.toml changes.
#
#   PYTHON  interpreter that makes the environment (3.11 or newer)
#   CORES   cores that the workflow may use
#   WORKERS processes that run the tests
#   SLURM_START  command that starts a SLURM before make test-slurm, where none is there
#   CONFIG  what make gazefollow and make videoattentiontarget take in place of their own configurations
#   FORECAST  further arguments for gcdr forecast there: --as-written on a node without the GPU
#   PILOT   the same for gcdr pilot: --device cpu there
#   TABLES  further tables that they make: "table2 table3 table4 table_s2 table_s3 table_s6 table_s7"
#   GO_ON=1 go on after a pilot whose numbers are not as expected, and that has said so
#   ARGS    further arguments for snakemake or pytest: make demo ARGS=-n, make test ARGS="-k stores"

PYTHON ?= python3
CORES ?= all
WORKERS ?= 2
ARGS ?=
CONFIG ?= configs/gazefollow.yaml

VENV := .venv
UV := $(VENV)/bin/uv
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
NOUNS := $(VENV)/.nouns

# Python keeps its byte code whatever the environment says: every start of Snakemake or of a script would
# compile thousands of modules again, a third of its time.
unexport PYTHONDONTWRITEBYTECODE

STARTED := $(shell date +%s)
# Neither make nor the first line of an installed script quotes what may stand in the path of a checkout; the
# shell knows that path by itself, and modules need no first line.
ACTIVE := PATH="$$PWD/$(VENV)/bin:$$PATH"
# The system's certificates, so that it also works behind a proxy that brings its own.
INSTALL := UV_SYSTEM_CERTS=1 $(UV) pip
INTO := --quiet --python $(VENV)/bin/python
COMPILE := UV_SYSTEM_CERTS=1 $(UV) pip compile --quiet --generate-hashes --no-emit-index-url \
	--universal --python-version 3.11 --custom-compile-command "make lock"

.PHONY: help setup nouns demo seeds smoke gazefollow videoattentiontarget world-weights test test-fast test-slurm test-chaos lint format reference lock clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(DEV)  ## make the environment, with what the tests need

nouns: $(NOUNS)  ## add spaCy and its English model, which configs/gazefollow.yaml asks for

demo: $(RUNTIME)  ## run the whole method on the demo world and print its tables
	$(call snakemake)

seeds: $(RUNTIME)  ## the same over several seeds, with the spread
	$(call snakemake,--configfile configs/seeds.yaml)

smoke: $(RUNTIME)  ## the same at a very small size
	$(call snakemake,--configfile configs/smoke.yaml)

UNLESS := $(if $(GO_ON),|| test $$? -eq 3)
SUBMISSIONS := results/submissions/$(STARTED)

# Each step ends the whole where something is wrong. DATA and WEIGHTS become links where the configuration has them.
gazefollow: $(RUNTIME) $(NOUNS)  ## check, forecast, pilots, then the paper's Table 1: DATA=folder WEIGHTS=folder
	$(call prepare,all table1 $(TABLES))
	@$(ACTIVE) python -m gcdr pilot --configfile $(CONFIG) --out $(SUBMISSIONS)-maps.json $(PILOT) -- --cores $(CORES) $(ARGS) $(UNLESS)
	@$(ACTIVE) python -m gcdr pilot --trained --configfile $(CONFIG) --out $(SUBMISSIONS)-trained.json $(PILOT) -- --cores $(CORES) $(ARGS) $(UNLESS)
	$(call snakemake,all table1 submission $(TABLES) --configfile $(CONFIG))

# Training starts from models of GazeFollow, which is to lie in data/gazefollow. Of raw maps nothing is published here.
videoattentiontarget: CONFIG := $(if $(filter file,$(origin CONFIG)),configs/gazefollow.yaml configs/labelled-shows.yaml,$(CONFIG))
videoattentiontarget: $(RUNTIME) $(NOUNS)  ## the same for Table S4, with GazeFollow in data/gazefollow
	@test ! -d data/gazefollow || $(ACTIVE) python -m gcdr check data/gazefollow
	$(call prepare,table_s4 $(TABLES))
	@$(ACTIVE) python -m gcdr pilot --trained --configfile $(CONFIG) --out $(SUBMISSIONS)-trained.json $(PILOT) -- --cores $(CORES) $(ARGS) $(UNLESS)
	$(call snakemake,table_s4 submission $(TABLES) --configfile $(CONFIG))

define prepare
	@put() { test -z "$$2" || test "$$1" -ef "$$2" && return; \
	test -d "$$2" || { echo "$$2: no such folder" >&2; return 1; }; \
	test ! -e "$$1" && test ! -L "$$1" || { echo "$$1: is there already, and is not $$2; move it away" >&2; return 1; }; \
	ln -s "$$(realpath "$$2")" "$$1"; }; \
	mkdir -p data && put data/$@ "$$DATA" && put weights "$$WEIGHTS"
	@$(ACTIVE) python -m gcdr check data/$@
	@$(ACTIVE) python -m snakemake ready --cores 1 --configfile $(CONFIG) $(ARGS)
	@$(ACTIVE) python -m gcdr forecast $(1) $(FORECAST) --configfile $(CONFIG)
endef

world-weights: $(RUNTIME)  ## train the demo world's own weights again
	$(call snakemake,world_weights)

test: $(RUNTIME) $(DEV)  ## run the tests
	$(call pytest,-m "not slurm and not chaos")

test-fast: $(RUNTIME) $(DEV)  ## run those that are not marked slow
	$(call pytest,-m "not slow and not slurm and not chaos")

test-slurm: $(RUNTIME) $(DEV)  ## run the smoke pipeline on the SLURM that is there
	$(SLURM_START)
	$(call pytest,-m slurm tests/workflow/test_cluster.py)

test-chaos: $(RUNTIME) $(DEV)  ## kill the smoke pipeline a hundred times, and fail the calls of every stage
	$(call pytest,-m chaos -rP tests/workflow/test_chaos.py tests/workflow/test_injected.py)

lint: $(RUNTIME) $(DEV)  ## check style and the workflow
	@$(ACTIVE) ruff check .
	@$(ACTIVE) ruff format --check .
	@$(ACTIVE) python -m mypy
	@$(ACTIVE) python -m snakefmt --check Snakefile workflow
	@$(ACTIVE) python -m gcdr.config.reference --check

format: $(RUNTIME) $(DEV)  ## bring code and rules into the house style
	@$(ACTIVE) ruff check --fix .
	@$(ACTIVE) ruff format .
	@$(ACTIVE) python -m snakefmt Snakefile workflow

reference: $(RUNTIME)  ## write docs/configuration.md from the schema
	@$(ACTIVE) python -m gcdr.config.reference

lock: $(UV)  ## pin the newest versions of what requirements/*.in asks for
	$(COMPILE) --upgrade requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) --upgrade requirements/runtime.in -o requirements/runtime.txt
	$(COMPILE) --upgrade requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --upgrade requirements/nouns.in -o requirements/nouns.txt
	$(COMPILE) --upgrade --no-deps requirements/photos.in -o requirements/photos.txt
	$(MAKE) envs/gcdr.yaml envs/gcdr.post-deploy.sh

# $(call pins,file): its packages with versions and markers, a line each, without hashes.
pins = sed -n 's/^\([a-z0-9][^ ]*==.*[^ ]\) \\$$/\1/p' $(1)

envs/gcdr.yaml: requirements/runtime.txt
	{ sed '/^  - pip:/q' $@; $(call pins,$<) | sed 's/^/      - /'; } > $@.new
	mv $@.new $@

envs/gcdr.post-deploy.sh: requirements/photos.txt
	{ sed '/^python/d' $@; $(call pins,$<) | sed 's/^/python -m pip install --no-deps /'; } > $@.new
	mv $@.new $@

clean:  ## delete results, logs and Snakemake's notes (keeps the environment)
	rm -rf .snakemake logs
	find results -mindepth 1 ! -name .gitkeep -delete

# $(call pytest,arguments): a file's tests share what its fixtures made, so a file is one process's. Files are
# dealt in the order of tests/conftest.py, longest first, and not by how many tests they have.
define pytest
@$(ACTIVE) OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(1) $(ARGS)
endef

# $(call snakemake,arguments): run the workflow, then say how long it took.
define snakemake
@begun=$$(date +%s); status=0; \
$(ACTIVE) python -m snakemake --cores $(CORES) $(1) $(ARGS) || status=$$?; \
echo "run: $$(( $$(date +%s) - begun )) s"; exit $$status
endef

# $(call sync,requirement files): make the environment hold exactly these, and this package.
define sync
@$(INSTALL) sync $(INTO) --require-hashes $(1)
@$(INSTALL) install $(INTO) --offline --no-deps --no-build-isolation --editable .
@touch $@
@echo "set-up: $$(( $$(date +%s) - $(STARTED) )) s"
endef

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, found: $$($(PYTHON) --version 2>&1)." \
		"Name another one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@echo "set-up: making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/bootstrap.txt
	@touch $@

# $(call added,mark,name): that list, if it was installed before: what one renews must not take away another.
added = $(if $(wildcard $(1)),requirements/$(2).txt)

$(RUNTIME): requirements/runtime.txt requirements/photos.txt pyproject.toml $(UV)
	$(call sync,requirements/runtime.txt requirements/photos.txt $(call added,$(DEV),dev) $(call added,$(NOUNS),nouns))

$(DEV): requirements/dev.txt $(RUNTIME)
	$(call sync,requirements/runtime.txt requirements/photos.txt requirements/dev.txt $(call added,$(NOUNS),nouns))

$(NOUNS): requirements/nouns.txt $(RUNTIME)
	$(call sync,requirements/runtime.txt requirements/photos.txt $(call added,$(DEV),dev) requirements/nouns.txt)
