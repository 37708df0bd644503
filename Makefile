# `make demo` and `make test` need nothing but Debian 12, root, git and make: they install the rest.

PYTHON ?= python3
SOAK_MINUTES ?= 5
WORKERS ?= 6
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
DEBIAN := openvswitch-switch openvswitch-vtep ovn-central ovn-host ovn-controller-vtep mininet iproute2 ethtool iputils-ping tcpdump openssl procps python3-venv systemd prometheus chromium chromium-driver fonts-dejavu-core man-db

# Tests start hundreds of processes of ours: they had to compile everything each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint format types behaviour unit switch labs packages matrix coverage manual bench soak venv debian \
    clean web deb dist

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: debian venv ## Walk through Open vSwitch's VTEP guide with real packets; ROUTING=1: through logical routers
	$(BIN)/python -m sim demo $(if $(ROUTING),--routing)

test: debian venv format ## Check format, types and behaviour; needs root for the labs
	$(MAKE) --no-print-directory --jobs 2 types behaviour

# In a fresh clone each worker would compile all tests, for half a minute of processor time.
behaviour: venv
	-$(PYTEST) --collect-only --quiet >/dev/null
	$(PYTEST) --numprocesses $(WORKERS)

bench: debian venv ## Measure how fast it is, beside ovs-vtep and bare tools in the same run
	$(BIN)/pip install --quiet --requirement requirements.txt --editable '.[bench]'
	$(BIN)/python -m sim bench --output bench.md --json bench.json --plot bench.png

soak: debian venv ## Let random things happen under traffic for SOAK_MINUTES (5): nothing may be lost
	$(BIN)/python -m sim soak --minutes $(SOAK_MINUTES)

lint: format types ## Check format and types alone

format: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# As for the lowest Python that is allowed (pyproject.toml), and for the highest.
types: venv
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.14 --package vtep_ofapp

unit: venv ## Run the tests that need neither root nor Open vSwitch, with few random examples
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick} $(PYTEST) --numprocesses auto tests/unit tests/docs tests/harness

switch: debian venv ## Run the tests with Open vSwitch's dummy ports; they need no root
	$(PYTEST) --numprocesses $(WORKERS) tests/switch tests/guard tests/contracts tests/packaging

labs: debian venv ## Run the tests in network namespaces; they need root
	$(PYTEST) --numprocesses $(WORKERS) tests/lab tests/fabric tests/trouble tests/sim tests/nvcs tests/examples

web: debian venv ## Run the tests of the metrics and of the page, with Prometheus and chromium
	$(PYTEST) --numprocesses $(WORKERS) tests/web

packages: DEBIAN += mmdebstrap buildah docker-compose
packages: debian venv ## Run the tests on Debian releases, which mmdebstrap unpacks into .trees; needs root
	$(PYTEST) --numprocesses 2 tests/releases

matrix: DEBIAN := python3-venv mmdebstrap
matrix: debian venv ## Run the tests of LEGS (all) on other Debian releases and versions of the libraries
	$(BIN)/python -m sim matrix $(if $(LEGS),--only $(LEGS))

coverage: venv ## Run the unit tests and show which branches they do not take
	HYPOTHESIS_PROFILE=quick $(PYTEST) --numprocesses auto --cov --cov-report term tests/unit

deb: ## Build the Debian package into dist; on Debian 12 in an unpacked Debian 13, for which it needs root
	@if [ "$$(. /etc/os-release; echo $$ID$$VERSION_ID)" = debian12 ]; then \
	    $(MAKE) --no-print-directory venv && $(MAKE) --no-print-directory debian DEBIAN=mmdebstrap \
	        && $(BIN)/python -m sim.debian.package dist; \
	else etc/debian/build dist; fi

dist: venv ## Build the sdist and the wheel into dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/vtep_ofapp-*

manual: venv ## Write the man pages and the completion of vtep-ofapp, after a change of what they say
	$(BIN)/python -m vtep_ofapp.cli.manual etc

venv: $(VENV)/installed ## Make .venv with the application (editable) and what its tests need

# The pip that comes with Python 3.11 takes twice as long. Modules are compiled when they are first
# imported: half of those that are installed never are.
$(VENV)/installed: requirements.txt setup.py etc/osken-manager
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --upgrade pip
	$(BIN)/pip install --quiet --no-compile --requirement requirements.txt --editable '.[test]'
	touch $@

# The tests start Prometheus and OVN themselves: what these packages bring is not to run as a service.
SERVICES := s/^prometheus$$/&/p; s/^ovn-controller-vtep$$/&/p; s/^ovn-host$$/& ovn-controller/p; \
    s/^ovn-central$$/& ovn-northd ovn-ovsdb-server-nb ovn-ovsdb-server-sb/p

debian: ## Install the Debian packages that are missing
	@missing=$$(for each in $(DEBIAN); do \
	    dpkg-query --show --showformat='$${Status}' $$each 2>/dev/null | grep --quiet 'ok installed' \
	    || echo $$each; done); \
	services=$$(echo "$$missing" | sed --quiet '$(SERVICES)'); \
	if [ -n "$$services" ] && [ -d /run/systemd/system ]; then systemctl --quiet mask $$services; fi; \
	if [ -n "$$missing" ]; then \
	    apt-get update --quiet --quiet && \
	    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes \
	        --no-install-recommends $$missing; fi

clean: ## Remove what was made here
	rm -rf $(VENV) .trees build dist *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
