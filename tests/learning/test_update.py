"""Records baselines; runs with --update-baselines only."""

import pytest

from fixtures import baselines


@pytest.mark.updates
def test_baseline_is_written(trial, plan, say, name):
    """The records of all seeds, whole and consistent, become the stack's baseline."""
    records = [trial(name, seed) for seed in plan.seeds]
    for path in baselines.save(plan.folder, records):
        say(f"wrote {path.relative_to(plan.folder.parent)}")
    baselines.load(plan.folder, plan.selection.installed, name)
