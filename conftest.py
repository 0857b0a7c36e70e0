"""Options, fixtures and summary come from fixtures/plugin."""

from hypothesis import settings

pytest_plugins = ["fixtures.plugin"]

# The machine may be busy training: a slow example is no failure.
settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")
