# Everything a reader, a teacher or a developer runs. The first two are each enough
# alone on a machine with Python (3.11 or newer) and make:
#   make book    executes every chapter and builds the book
#   make test    runs every test and every notebook
# Tables behind chapters, made again: make study-robustness, study-form, study-rewards,
# study-flies, study-trust, study-loop, study-recall, study-function, study-eprop.
# Another Python: make book PYTHON=python3.12

VENV ?= .venv
ifeq ($(OS),Windows_NT)  # in Git Bash
PYTHON ?= python
BIN := $(VENV)/Scripts
EXE := .exe
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
PYTHON_NEWEST ?= python3
# Does what pip does, several times as fast.
INSTALL := $(BIN)/python -m uv pip install --quiet --python $(BIN)/python
# A slow machine is no error: the hour is for a kernel that died.
NOTEBOOKS := --nbval-lax --nbval-cell-timeout=3600 --nbval-kernel-startup-timeout=3600
# A notebook's cells stay together, in one worker. Files are begun in the order in which
# they are named, the longest kind first, so that no worker waits long for the other.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
# Where a float is expected, an int will do.
TYPES := --jaxtyping-packages='plastutor,beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))'
# A backend set outside would keep figures out of the notebooks.
unexport MPLBACKEND
# Files are UTF-8, on Windows too.
export PYTHONUTF8 ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
# What JAX compiled once, a later run loads: the book, tests, studies and the grader (but
# no submission). `make clean` empties it, JAX_ENABLE_COMPILATION_CACHE=0 does without.
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/_build/compiled
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0

.PHONY: install book test coverage bench handouts grade study-robustness study-form study-rewards study-flies study-trust study-loop study-eprop study-recall study-function lint fix lock test-colab test-web cheat-sheet test-newest address clean help

help:
	@sed -n 's/^# \{0,1\}//; 1,/^$$/p' Makefile

# The environment: the committed lock plus this checkout. The stamp is renewed only when
# the lock or the package's metadata changed, so a second make installs nothing.
$(BIN)/python$(EXE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'plastutor needs Python 3.11 or newer; $(PYTHON) is older or missing. Try: make PYTHON=python3.12 $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(BIN)/python$(EXE) requirements.lock pyproject.toml
	@echo 'Installing about 150 packages into $(VENV); this takes a minute at most.'
	$(BIN)/python -m pip install --quiet uv
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) -c requirements.lock -e '.[dev]'
	@touch $@

$(VENV)/.installed-web: $(VENV)/.installed
	$(INSTALL) -c requirements.lock -e '.[web]'
	@touch $@

# The environment alone.
install: $(VENV)/.installed
	@echo 'Installed in $(VENV). Next: make book, or open a notebook of the folder book.'

# -W turns warnings into errors, --all because -W sees only pages that are read again,
# and the old HTML goes because a build never removes pages.
book: $(VENV)/.installed
	@$(BIN)/python scripts/execute_chapters.py
	@rm -rf _build/html
	$(BIN)/jupyter-book build . -W --keep-going -n --all
	@echo 'The book is built. Open this page in a browser: _build/html/index.html'

# Tests, the docstrings' examples, and the notebooks. Types and shapes of arguments are
# enforced where the package is tested; notebooks run as for a reader.
test: $(VENV)/.installed
	$(BIN)/python -m pytest book tests plastutor $(NOTEBOOKS) $(TYPES) $(WORKERS)

# The lines of the package that no test runs; with the tests that run once a week.
coverage: $(VENV)/.installed
	$(INSTALL) -c requirements.lock -e '.[coverage]'
	PLASTUTOR_WEEKLY=1 $(BIN)/python -m pytest tests plastutor $(WORKERS) \
	  --cov plastutor --cov-report term-missing:skip-covered

# What is timed there may be compilation.
bench: export JAX_ENABLE_COMPILATION_CACHE = 0
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

# The tables behind the chapters on noise and on rewards, about an hour each on 2 cores,
# on form and loops, half an hour each, on trust, three quarters, on e-prop, one quarter,
# on recall, ten minutes, and on flies, over two hours. That on flies needs the real data,
# which `plastutor.data.flies` finds or downloads.
# Ctrl-C keeps what is finished, and the same command goes on from there.
study-robustness study-form study-rewards study-flies study-trust study-loop study-eprop study-recall study-function: study-%: $(VENV)/.installed
	$(BIN)/python studies/run.py $*

# A class: hand-outs for each student, and the marks of an assignment, as
# book/teaching/guide.md says.
#   make handouts CLASS=../course/class.csv SALT=../course/salt.txt OUT=../course/handed-out
#   make grade ASSIGNMENT=recover_a_hidden_rule CLASS=../course/class.csv \
#     SALT=../course/salt.txt SUBMISSIONS=../course/recover OUT=../course/marks-recover
handouts: $(VENV)/.installed
	$(BIN)/python -m coursework.grader.handouts '$(CLASS)' '$(SALT)' '$(OUT)' $(ASSIGNMENT)

grade: $(VENV)/.installed
	$(BIN)/python -m coursework.grader.grade '$(ASSIGNMENT)' '$(CLASS)' '$(SALT)' '$(SUBMISSIONS)' '$(OUT)'

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

fix: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/nbstripout --keep-id --extra-keys 'metadata.colab metadata.language_info' $$(git ls-files '*.ipynb')

# One lock for Python 3.11 to 3.13, one version of each package, no address in it.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	.venv-lock/bin/uv pip compile pyproject.toml --extra book --extra test --quiet \
	  --universal --fork-strategy fewest --python-version 3.11 --upgrade \
	  --custom-compile-command 'make lock' --no-emit-index-url --no-emit-find-links \
	  --output-file requirements.lock

# After make book: its pages in the system's Chromium, where there is one. Some only:
# make test-web PAGES='index oja_recovery'
test-web: $(VENV)/.installed-web
	PLASTUTOR_WEB=1 PLASTUTOR_PAGES='$(PAGES)' $(BIN)/python -m pytest -rs tests/book/test_web.py

# After make book: the PDF of the cheat sheet, from its page.
cheat-sheet: $(VENV)/.installed-web
	$(BIN)/python scripts/print_cheat_sheet.py

# With versions that nobody chose, other packages warn about each other: no error here.
OTHER := -W default

# Each notebook alone, with what Colab ships, then all tests with those versions. Some
# only: make test-colab CHAPTERS='a_synapse or oja'
# The Python is found where there is one of Colab's version; PYTHON_COLAB names another.
test-colab: $(VENV)/.installed
	PLASTUTOR_COLAB=1 $(BIN)/python -m pytest -rs -v tests/book/test_colab.py -k '$(CHAPTERS)'

# The newest of everything, always in a fresh environment: next year's trouble, today.
test-newest:
	$(PYTHON_NEWEST) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade pip
	.venv-newest/bin/python -m pip install --quiet -e '.[book,test]'
	.venv-newest/bin/python -m pytest $(OTHER) book tests plastutor $(NOTEBOOKS) \
	  $(WORKERS)

# The repository, and the branch or tag that Colab opens and installs, stand in two lines
# of _config.yml; all copies follow. One alone may be given:
#   make address REPO=owner/name REVISION=v1.2.3
address:
	@$(PYTHON) scripts/set_address.py --repo '$(REPO)' --revision '$(REVISION)'

clean:
	rm -rf $(VENV) .venv-newest .venv-lock _build dist
	rm -rf .pytest_cache .ruff_cache .coverage
	find plastutor tests book scripts benchmarks studies coursework -name __pycache__ \
	  -prune -exec rm -rf {} + 2>/dev/null || true
