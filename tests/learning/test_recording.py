"""Records trials; runs with --update-baselines or --update-calibration only."""

import pytest

from fixtures.baselines.files import load, save


@pytest.mark.trains
@pytest.mark.per_subject
@pytest.mark.only_recording
def test_records_are_written(records_of, plan, say, subject):
    """The records of all seeds, whole and consistent, are written and can be read again."""
    first = plan.seeds(subject)[0]
    for path in save(plan.target, records_of(subject), first):
        say(f"wrote {path.relative_to(plan.options.baselines.parent)}")
    load(plan.target, plan.selections[subject.backend].installed, subject.variant, first)
