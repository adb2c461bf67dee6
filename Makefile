# Everything that a fresh machine with Python 3.11 to 3.13 needs: `make demo`, then `make lab`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
NOTEBOOKS := 01_create_audio_dataset 02_audio_recording 03_train 04_train_lstm 05_inference 06_text_to_speech 07_new_words 08_spectrogram_to_audio 09_speech_or_noise 10_take_it_with_you 11_it_speaks
DEMO := 01_create_audio_dataset 03_train 05_inference

.PHONY: help demo lab notebooks test test-long test-jax fuzz mutants lint benchmark clean

help:
	@echo "make demo       install, train on spoken digits, recognize: about 5 minutes"
	@echo "make lab        open the notebooks in JupyterLab"
	@echo "make test       run the tests and the examples in docstrings: 5 to 10 minutes"
	@echo "make test-long  run those with devices, browsers and whole notebooks: 10 to 25 minutes"
	@echo "make test-jax   run the tests of networks and what uses them on Keras' JAX backend"
	@echo "make mutants    change the code on purpose and list what no test notices: hours"
	@echo "make notebooks  run all notebooks at full size and keep their outputs"
	@echo "make benchmark  measure everything that docs/benchmarks.md states"
	@echo "make fuzz       feed damaged files to all readers for an hour: docs/reliability.md"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "earshot needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Installing (once, about 3 GB; 3 minutes or more) ..."
	@$(PIP) -r requirements.txt || { \
	  echo "Trying without pynput, which a compiler has to build on Linux. For keys in notebook 02:"; \
	  echo "sudo apt install gcc python3-dev, then make again. The browser's recorder works without."; \
	  grep -v '^pynput' requirements.txt > .venv/requirements.txt; $(PIP) -r .venv/requirements.txt; }
	@mkdir -p .venv/etc/ipython  # what TensorFlow writes when it starts goes to the terminal
	@echo "c.IPKernelApp.capture_fd_output = False" > .venv/etc/ipython/ipython_kernel_config.py
	@touch $@

demo: $(READY)
	@$(BIN)/python notebooks/run.py --quick --into reports $(DEMO)

lab: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks

notebooks: $(READY)
	$(BIN)/python notebooks/run.py --into notebooks --set WHERE=browser $(NOTEBOOKS)

# Two at a time: the tests, the order of the house (tests/test_architecture.py) and the examples in
# the docstrings of src.
test: $(READY)
	$(BIN)/python -m pytest -m "not devices and not long" -n 2 --dist loadfile --no-loadscope-reorder

# What waits for real sound, keys and browsers wants the machine for itself.
test-long: $(READY)
	$(BIN)/python -m pytest -m devices
	$(BIN)/python -m pytest -m "long and not devices" -n 2 --dist loadfile --no-loadscope-reorder

# JAX lies beside: where it is installed, TensorFlow's converter imports it into every process.
test-jax: $(READY)
	@$(PIP) --target .jax --no-deps 'jax>=0.10,<0.12' 'jaxlib>=0.10,<0.12' opt_einsum
	KERAS_BACKEND=jax JAX_PLATFORMS=cpu JAX_DISABLE_MOST_OPTIMIZATIONS=1 PYTHONPATH=.jax $(BIN)/python \
	  -m pytest -m "not devices" -n 2 --dist loadfile tests/networks tests/synthesis tests/recognition tests/exports

# cosmic-ray is for this alone, so it is installed here.
mutants: $(READY)
	@$(PIP) 'cosmic-ray>=8.4,<9'
	$(BIN)/python tests/mutants/run.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(READY)
	@for script in $(filter-out benchmarks/live_peers.py,$(wildcard benchmarks/[a-z]*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

fuzz: $(READY)
	$(BIN)/python tests/fuzz/run.py --minutes 60

clean:
	rm -rf .venv reports
