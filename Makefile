# The only list of commands. `make demo` and `make test` do all on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := pip install --quiet --disable-pip-version-check --no-input --root-user-action ignore
SHARE ?= 1
JOBS ?= 2

.PHONY: setup demo test evidence lock clean

setup: $(STAMP)

# everything from the lock file, checked by hash; then the package itself, editable
$(STAMP): requirements.lock pyproject.toml
	@echo "installing into $(VENV)/, once: some 600 MB, a few minutes"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m $(PIP) --require-hashes -r requirements.lock
	@$(BIN)/python -m $(PIP) --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# the main job on real local services; DEMO_MODEL=recorded goes without a model
demo: $(STAMP)
	@$(BIN)/discreet demo

# the sandbox needs bubblewrap, and a mail test Dovecot; with root they are installed, without it what is missing is said
DEBIAN := bubblewrap dovecot-imapd
test: $(STAMP)
	@command -v bwrap >/dev/null && test -x /usr/sbin/dovecot || { test "$$(id -u)" = 0 && echo "installing $(DEBIAN)" && apt-get update -q -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y $(DEBIAN) >/dev/null; } || { echo "install first: apt-get install $(DEBIAN)"; exit 1; }
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# the evidence of each release; SHARE=0.01 runs a hundredth of each part
evidence: $(STAMP)
	$(BIN)/discreet evidence report --share $(SHARE)

# rewrite the lock file after a change of dependencies (needs uv)
lock:
	uv pip compile pyproject.toml --extra local --extra dev --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock

clean:
	rm -rf $(VENV)
