"""Whether behaviour changed: what one seed says, and how a change is written."""

import copy

import pytest

from fixtures.judging.behaviour import Behaviour, behaviour_of
from fixtures.judging.difference import compare
from tests.meta.sample_records import make


def edited(change, **other):
    """Return the behaviour of a record whose trace is changed in place by a function."""
    record = copy.deepcopy(make(1))
    change(record["trace"])
    return behaviour_of(compare(make(1), {**record, **other}))


def first_loss(trace):
    """Change the first value loss by less than rounding explains."""
    trace["iterations"][0]["updates"][0]["losses"]["vf_loss"] *= 1 + 1e-7


def targets(trace):
    """Halve the value targets."""
    summary = trace["iterations"][0]["targets"]["value_targets"]
    summary[:] = ["halved123456", *(number / 2 for number in summary[1:])]


def first_observation(trace):
    """Begin the first episode elsewhere, as another seeding of the environment does."""
    trace["opening"]["observations"][0] += 0.5


def second_observation(trace):
    """Move the environment otherwise."""
    trace["opening"]["observations"][1] += 0.5


def second_update(trace):
    """Take another step than the record's: seen at once, on whatever platform."""
    trace["iterations"][0]["updates"][1]["losses"]["policy_loss"] = 9.0


def weights_of_iteration_1(trace):
    """End the first iteration with other weights, as rounding may."""
    summary = trace["iterations"][0]["weights"]["policy"]
    summary[:] = ["another12345", summary[1] * 1.001, *summary[2:]]


def rounding_of_weights(trace):
    """End the first iteration apart by a tenth of how far the weights have moved."""
    initial = trace["initial_weights"]["policy"]
    now = trace["iterations"][0]["weights"]["policy"]
    now[:] = ["another12345", *(b + 0.1 * (b - a) for a, b in zip(initial[1:], now[1:]))]


def no_training(trace):
    """End the first iteration with the weights that it began with."""
    trace["iterations"][0]["weights"]["policy"] = list(trace["initial_weights"]["policy"])


def other_weights_of_iteration_1(trace):
    """End the first iteration with weights that no rounding explains."""
    trace["iterations"][0]["weights"]["policy"] = ["another12345", 9.0, 9.0, 9.0, 9.0, 9.0]


def values_of_iteration_2(trace):
    """Part where a whole iteration was the same."""
    trace["iterations"][1]["sampling"]["values"] = ["another12345", 9.0, 9.0, 9.0, 9.0, 9.0]


def coefficient_of_iteration_2(trace):
    """Adapt a coefficient otherwise: that is an outcome of iteration 1."""
    trace["iterations"][1]["coefficients"]["kl_coeff"] *= 1.5


def number_of_updates(trace):
    """Make an update more."""
    trace["iterations"][0]["number_of_updates"] += 1


def initial_weights(trace):
    """Begin with other weights, and elsewhere too."""
    trace["initial_weights"]["policy"] = ["another12345", 9.0, 9.0]
    first_observation(trace)


ELSEWHERE = {"platform": {"machine": "arm64"}}


@pytest.mark.parametrize(
    ("change", "other", "behaviour"),
    [
        (lambda trace: None, {}, Behaviour.IDENTICAL),
        (first_loss, {}, Behaviour.CHANGED),
        (first_loss, ELSEWHERE, Behaviour.ROUNDING),
        (targets, {}, Behaviour.CHANGED),
        (targets, ELSEWHERE, Behaviour.CHANGED),
        (first_observation, {}, Behaviour.NOT_COMPARABLE),
        (first_observation, ELSEWHERE, Behaviour.NOT_COMPARABLE),
        (second_observation, {}, Behaviour.CHANGED),
        (initial_weights, {}, Behaviour.CHANGED),
        (initial_weights, ELSEWHERE, Behaviour.CHANGED),
        (second_update, ELSEWHERE, Behaviour.CHANGED),
        (number_of_updates, ELSEWHERE, Behaviour.CHANGED),
        (weights_of_iteration_1, {}, Behaviour.CHANGED),
        (weights_of_iteration_1, ELSEWHERE, Behaviour.ROUNDING),
        (rounding_of_weights, ELSEWHERE, Behaviour.ROUNDING),
        (no_training, ELSEWHERE, Behaviour.CHANGED),
        (other_weights_of_iteration_1, ELSEWHERE, Behaviour.CHANGED),
        (values_of_iteration_2, {}, Behaviour.CHANGED),
        (values_of_iteration_2, ELSEWHERE, Behaviour.ROUNDING),
        (coefficient_of_iteration_2, {}, Behaviour.CHANGED),
        (coefficient_of_iteration_2, ELSEWHERE, Behaviour.CHANGED),
    ],
)
def test_one_seed_says_whether_behaviour_changed(change, other, behaviour):
    assert edited(change, **other) is behaviour


def test_only_a_change_is_loud_and_only_sameness_passes_a_strict_gate():
    assert [word.shown for word in Behaviour if word.shown.isupper()] == ["CHANGED"]
    assert [word for word in Behaviour if word.same] == [Behaviour.IDENTICAL, Behaviour.ROUNDING]


def test_numbers_that_are_written_alike_are_no_difference():
    """More digits are, or the other number of a summary; else it says that bits differ."""

    def written(old, new):
        records = [copy.deepcopy(make(1)) for _ in range(2)]
        for record, summary in zip(records, (old, new)):
            record["trace"]["iterations"][0]["targets"]["advantages"] = summary
        return str(compare(*records)).partition(";")[0]

    one = ["0123456789ab", -0.009014623, 1.5]
    assert written(one, ["0123456789ac", -0.009014624, 1.5]).endswith(
        "mean -0.009014623 became mean -0.009014624"
    )
    assert written(one, ["0123456789ac", -0.009014623, 1.6]).endswith(
        "root mean square 1.5 became root mean square 1.6"
    )
    assert written(one, ["0123456789ac", -0.009014623, 1.5]).endswith(
        "mean -0.00901462 stays, and bits differ"
    )
