"""The same seed gives the same bits: in another process, and in the stored records."""

import pytest

from fixtures.judging.difference import compare
from fixtures.records.rewards import begun
from fixtures.reporting.facts import differing_settings, differing_versions
from fixtures.training.spec import TrialFailed, TrialSpec

pytestmark = [pytest.mark.trains, pytest.mark.per_subject]


def test_the_same_seed_in_two_processes_gives_the_same_bits(verdict_of, trials, subject):
    """Where the stored record is not the second process, an interpreter of its own is.

    One iteration of it: what is not determined shows in the first weights.
    """
    verdict = verdict_of(subject)
    if verdict.difference.identical:
        return
    first = verdict.records[0]
    try:
        second = trials.obtain(trials.request(*subject, first["seed"], iterations=1, fresh=True))
    except TrialFailed as failure:
        pytest.fail(f"BROKEN in an interpreter of its own: {failure}", pytrace=False)
    difference = compare(begun(first, 1), second)
    assert difference.identical, f"{subject}, seed {first['seed']}, trained twice: {difference}"


@pytest.mark.needs_own_baseline
def test_what_did_not_change_trains_the_same_bits(verdict_of, subject):
    """Demanded with the very versions, settings and platform of the stored record only."""
    verdict = verdict_of(subject)
    baseline, again = verdict.baseline, verdict.records[0]
    changed = differing_versions(baseline, again) + differing_settings(baseline, again)
    platform = baseline.record(again["seed"], again["platform"])["platform"]
    if platform != again["platform"]:
        changed.append(f"platform {platform} -> {again['platform']}")
    if changed:
        pytest.skip(
            f"bit identity is not demanded, the learned reward counts: {', '.join(changed)}"
        )
    if not verdict.difference.identical:
        pytest.fail(
            f"{subject}, seed {again['seed']}, is not what {baseline.stack} recorded with the same"
            f" versions and settings on this platform: {verdict.difference}.\n"
            f"repeat it alone: {TrialSpec.of(again).command()}",
            pytrace=False,
        )
