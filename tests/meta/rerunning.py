"""Adds the option of pytest-rerunfailures, which the suite does without."""


def pytest_addoption(parser):
    """Register it."""
    parser.addoption("--reruns", type=int)
