# `make report`, `make test` and `make lab` set everything up by themselves; the rest is for those who change the code.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
RENDERING := .venv/rendering

.PHONY: report test lab notebooks rendering lint bench docs proofs proofs-long wirings certificates budgets clean

report: $(STAMP)
	$(BIN)/drnn-theory report

test: $(STAMP)
	$(BIN)/python -m pytest -n auto

lab: $(RENDERING)
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/01_quickstart.ipynb

# every notebook from top to bottom, saved with its outputs
notebooks: $(STAMP)
	$(BIN)/python -m tests.notebooks

# what is seen in a browser (chromium) and in print (pdflatex); skips what is not installed
rendering: $(RENDERING)
	$(BIN)/python -m pytest -m rendering -rs tests/rendering

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# 2,000 random graphs with identities, phases and several outputs against a search of their own
wirings: $(STAMP)
	RANDOM_WIRINGS=2000 $(BIN)/python -m pytest -q tests/test_identities.py

# 5,000 random graphs at a span of 10^18, and 2,000 certificates against the same search
certificates: $(STAMP)
	RANDOM_GRAPHS=5000 $(BIN)/python -m pytest -q tests/test_certificates.py

# the options of 500 random budgets, to 32 steps, against brute force
budgets: $(STAMP)
	RANDOM_BUDGETS=500 $(BIN)/python -m pytest -q tests/test_design.py -k complete

# every proof in proofs/rocq with Coq or Rocq (coqc on the PATH), printing what each assumes
proofs:
	mkdir -p build/rocq && cp proofs/rocq/_CoqProject proofs/rocq/*.v build/rocq/
	cd build/rocq && for proof in $$(grep '\.v$$' _CoqProject); do \
		echo $$proof && coqc -Q . drnn_theory $$proof || exit 1; done

# the rows of the table of optimal dilations whose search takes longest; proofs/rocq/README.md records the last run
proofs-long: proofs
	cp proofs/rocq/long/*.v build/rocq/
	cd build/rocq && time coqc -Q . drnn_theory optimal_table_long.v

bench: $(STAMP)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only

# the site, build/docs/html/index.html; proofs and notebooks are pages of it
docs: .venv/docs
	rm -rf build/docs/source && mkdir -p build/docs/source
	cp -pr docs/. proofs notebooks CHANGELOG.md build/docs/source
	$(BIN)/sphinx-build -q -n -W --keep-going build/docs/source build/docs/html

.venv/docs: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all,test]"
	touch $@

$(RENDERING): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[rendering]"
	touch $@

clean:
	rm -rf .venv build report figures *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
