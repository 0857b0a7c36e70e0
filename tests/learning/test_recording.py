"""Records trials; runs with --update-baselines only."""

import pytest

from fixtures.baselines.files import load, save


@pytest.mark.trains
@pytest.mark.per_subject
@pytest.mark.only_recording
def test_records_are_written(records_of, plan, say, subject):
    """The records of all seeds, whole and consistent, are written and can be read again."""
    folder = plan.options.baselines
    for path in save(folder, records_of(subject)):
        say(f"wrote {path.relative_to(folder.parent)}")
    load(folder, plan.selections[subject.backend].installed, subject.variant)
