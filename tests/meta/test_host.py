"""What a trial's process runs under, whatever the shell that asked for it holds."""

import pytest

from fixtures.stack import host
from fixtures.training.spec import TrialSpec
from fixtures.training.store import Store

LEFTOVERS = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "OPENBLAS_CORETYPE": "Nehalem",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
    "RAY_ADDRESS": "auto",
    "PYTHONOPTIMIZE": "1",
}


@pytest.mark.parametrize("name", LEFTOVERS)
def test_a_variable_that_chooses_kernels_is_taken_away(monkeypatch, name):
    monkeypatch.setenv(name, LEFTOVERS[name])
    assert host.pinned_environment()[name] is None


def test_threads_are_pinned_whatever_the_shell_says(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "8")
        assert host.pinned_environment()[name] == "1"


def test_what_is_taken_away_is_no_part_of_a_stored_trials_key(tmp_path, monkeypatch):
    spec = TrialSpec("modelv2-tf", "full", 1)
    before = Store(tmp_path).key(spec)
    for name, value in LEFTOVERS.items():
        monkeypatch.setenv(name, value)
    assert Store(tmp_path).key(spec) == before
