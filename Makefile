# Everything a newcomer types: `make demo` and `make test`. Both set themselves up, once.

PYTHON ?= python3
BIN := .venv/bin
ENGINE := .venv-engine
ENGINE_PIP = $(ENGINE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
ENVIRONMENT ?= dev
SERVICE ?= chat

.PHONY: help demo demo-serve test-drains test test-engine test-generated test-image check setup lock bench clean

help:
	@echo "make demo       plan environments/$(ENVIRONMENT).toml and rehearse its deployment on an embedded AWS"
	@echo "make test       every check and every test"
	@echo "make test-engine  compare the sizing rules with vLLM itself, and serve with it (4 GB beside; minutes)"
	@echo "make test-drains  stop ten replicas under load and count the requests lost"
	@echo "make demo-serve  serve a service of environments/$(ENVIRONMENT).toml here, without a GPU, and ask it once"
	@echo "make test-generated  draw 800 environments: each deploys without a finding or is refused in a sentence"
	@echo "make test-image  build the images on vLLM's CPU build and run them as ECS and SageMaker do (root, podman)"
	@echo "make check      lint, types and import contracts only"
	@echo "make lock       compile requirements.txt and package-lock.json anew"
	@echo "make bench      time plans against the whole catalogue, the commands, and the synth of one environment"

demo: setup
	@$(BIN)/cdk-vllm plan environments/$(ENVIRONMENT).toml
	@$(BIN)/cdk-vllm rehearse $(ENVIRONMENT)

# The deployed words, an embedded AWS, and vLLM's CPU build, which is installed beside (4 GB).
demo-serve: setup $(ENGINE)/installed
	@$(BIN)/cdk-vllm local $(ENVIRONMENT) $(SERVICE) --once

# A file stays with one process: its fixtures are dear, and some count what its tests did.
test: check
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

# vLLM answers for its own CPU build and, for a pretended GPU, from the image's own release, which
# therefore stands beside it in a folder. PyTorch's CPU build is used where pip can find one.
test-engine: setup $(ENGINE)/installed
	@$(BIN)/pytest tests/engine

test-drains: setup $(ENGINE)/installed
	@$(BIN)/pytest tests/engine/serving/drains.py

# The same draws as in `make test`, and hundreds more.
test-generated: setup
	@CDK_VLLM_GENERATED_ANY=500 CDK_VLLM_GENERATED_SAGEMAKER=300 $(BIN)/pytest -s tests/generated

# The base image is copied from the engine's environment; it and the images lie in .images.
test-image: .venv/installed $(ENGINE)/installed
	@$(BIN)/pytest tests/image

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

setup: .venv/installed node_modules/installed

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + "; set PYTHON=python3.12, say")'
	@test -x $(BIN)/uv || { echo "Making .venv ..."; $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8; }
	@echo "Installing the Python packages ..."
	@# Compiled now, because the CDK's modules take longer to compile than to run.
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(ENGINE)/installed: requirements-engine.txt $(wildcard tests/engine/*.txt)
	@echo "Installing vLLM for the engine tests ..."
	@$(PYTHON) -m venv --clear $(ENGINE)
	@$(ENGINE_PIP) -r tests/engine/torch-cpu.txt 2>/dev/null || $(ENGINE_PIP) -r tests/engine/torch-cuda.txt
	@$(ENGINE_PIP) -r requirements-engine.txt
	@$(ENGINE_PIP) --target $(ENGINE)/vllm-for-gpus -r tests/engine/vllm-for-gpus.txt
	@$(ENGINE_PIP) --target $(ENGINE)/sagemaker -r tests/engine/sagemaker.txt
	@$(ENGINE)/bin/python tools/complete_engine.py
	@touch $@

node_modules/installed: package.json package-lock.json .npmrc .venv/installed
	@echo "Installing the CDK CLI ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --no-update-notifier
	@touch $@

lock:
	$(BIN)/uv pip compile pyproject.toml --extra rehearse --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.txt
	$(BIN)/python tools/lock_engine.py
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --package-lock-only

bench: setup
	@$(BIN)/pytest tests/benchmarks --benchmark-columns=min,median,max,rounds --benchmark-sort=min
	@$(BIN)/python tools/benchmark_synth.py

clean:
	rm -rf .venv $(ENGINE) .engine-answers .images node_modules cdk.out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
