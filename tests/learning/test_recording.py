"""Records trials; runs with --update-baselines only."""

from datetime import date

import pytest

from fixtures.baselines.errors import BaselineError
from fixtures.baselines.files import load, save
from fixtures.judging.acceptance import accept, verdict_on
from fixtures.reporting import terminal
from fixtures.stack import host


@pytest.mark.trains
@pytest.mark.per_subject
@pytest.mark.only_recording
def test_records_are_written(records_of, plan, say, subject):
    """The records of all seeds, whole and consistent, are written and can be read again.

    What earns less than the baseline before, or behaves otherwise, takes a reason.
    """
    folder, before = plan.options.baselines, plan.replaced.get(subject)
    records, accepted, verdict = records_of(subject), None, None
    if before:
        try:
            verdict = verdict_on(plan.rule, before, records, host.platform())
            accepted = accept(verdict, plan.options.because, date.today())
        except (BaselineError, ValueError) as error:
            pytest.fail(str(error), pytrace=False)
        if accepted is None and plan.is_own(subject):
            accepted = before.accepted
    for path in save(folder, records, accepted):
        say(f"wrote {path.relative_to(folder.parent)}")
    written = load(folder, plan.selections[subject.backend].installed, subject.variant)
    if verdict:
        say(
            f"{subject}: {terminal.in_short(before)} of {before.stack} became"
            f" {terminal.in_short(written)}: {verdict.learned}, behaviour {verdict.behaviour}"
        )
