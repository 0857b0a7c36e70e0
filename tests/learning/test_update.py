"""Records baselines; runs with --update-baselines only."""

import pytest

from fixtures import baselines


@pytest.mark.updates
def test_baseline_is_written(records_of, plan, say, name):
    """The records of all seeds, whole and consistent, become the stack's baseline."""
    for path in baselines.save(plan.folder, records_of(name)):
        say(f"wrote {path.relative_to(plan.folder.parent)}")
    baselines.load(plan.folder, plan.selection.installed, name)
