# Two commands do everything on a fresh machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo test test-long check mjml-golden check-epub check-release bench lock clean

help:        ## Say what can be made
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

setup:       ## Prepare .venv/ with .venv/bin/mscare
	@tools/setup

setup-test:  ## Prepare .venv/ with the test tools too
	@tools/setup test

demo: setup  ## Set up, build the digest and the book, send the digest through the local sandbox
	@.venv/bin/mscare demo

test: setup-test  ## Set up and pass the tests (a quarter of an hour on two cores)
	@.venv/bin/python -m pytest -n 2 -m "not long" --hypothesis-profile=steady

test-long: setup-test  ## The slow tests too: every kill of the crash test, big imports
	@.venv/bin/python -m pytest -n 2

check: setup-test  ## ruff, mypy strict, import-linter
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

mjml-golden: setup-test  ## Have npm's mjml write the golden files anew (Node.js), and compare ours with them
	@.venv/bin/python tools/mjml_golden.py
	@.venv/bin/python -m pytest -q tests/test_mjml_golden.py

check-epub: setup-test  ## EPUBCheck and Ace by DAISY on the built book (Java, Node.js and Chromium)
	@tools/check-epub

check-release: setup  ## Judge the built PDFs by veraPDF too, where Java is there; verdicts in out/book/proof/
	@.venv/bin/mscare build --book
	@.venv/bin/python tools/check_release.py

bench: setup ## Ratios against peers, measured in one run
	@bench/run

lock: setup-test  ## Pin the newest packages, with hashes
	@tools/lock

clean:       ## Remove out/ and the environment; never var/ or content/
	@rm -rf out .venv bench/.venv bench/node_modules tools/ace/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
