"""Where two trials first differ: at which stage, and whether by more than rounding."""

import copy

import numpy as np
import pytest

from fixtures.judging.difference import compare, config_differences
from fixtures.judging.rounding import EARLY, LATER, TOLERANCE, distance
from fixtures.records.tracing import Tracer, size, summary, weight_summaries
from tests.meta.sample_records import make


def changed(path, change, seed=1):
    """Return a record whose trace has one value changed; ``path`` leads to it."""
    record = make(seed)
    *parents, last = path
    place = record["trace"]
    for key in parents:
        place = place[key]
    place[last] = change(place[last])
    return record


def other(value):
    """Change a value by far more than rounding: a summary, a size or a number."""
    if isinstance(value, list):
        digest = ["another12345"] if isinstance(value[0], str) else []
        return [*digest, *(2 * number + 1 for number in value[len(digest) :])]
    return 9.0


def rounded(value):
    """Change a value as another order of sums might: a summary, a size or a number."""
    if isinstance(value, list):
        return [rounded(number) for number in value]
    return "another12345" if isinstance(value, str) else value * (1 + TOLERANCE / 9)


def test_the_same_record_is_identical():
    difference = compare(make(1), make(1))
    assert difference.identical and str(difference) == "identical to the last bit"


def elsewhere(record):
    """Return a record as another platform would have made it."""
    return {**record, "platform": {"machine": "arm64"}}


def test_cost_and_platform_are_not_compared():
    assert compare(make(1), {**elsewhere(make(1)), "cost": {}}).identical


FIRST = ["iterations", 0]
UPDATE = [*FIRST, "updates", 0]

PLACES = [
    (["initial_weights", "value"], "value weights (initial weights), before training"),
    ([*FIRST, "coefficients", "kl_coeff"], "KL coefficient (coefficients), iteration 1"),
    (["opening", "logits", 0], "logits (sampling), iteration 1, step 1"),
    (["opening", "observations", 1], "observations (sampling), iteration 1, step 2"),
    ([*FIRST, "sampling", "actions"], "actions (sampling), iteration 1"),
    ([*FIRST, "targets", "advantages"], "advantages (targets), iteration 1"),
    ([*UPDATE, "rows"], "rows (minibatches), iteration 1, update 1"),
    ([*UPDATE, "observations"], "order (minibatches), iteration 1, update 1"),
    ([*UPDATE, "advantages"], "normalised advantages (minibatches), iteration 1, update 1"),
    ([*UPDATE, "losses", "vf_loss"], "value loss (losses), iteration 1, update 1"),
    ([*UPDATE, "gradients", "policy"], "policy gradients (gradients), iteration 1, update 1"),
    (
        [*UPDATE, "applied", "policy"],
        "policy gradients as applied (applied), iteration 1, update 1",
    ),
    ([*UPDATE, "steps", "value"], "step of value weights (steps), iteration 1, update 1"),
    ([*UPDATE, "weights", "value"], "value weights (weights), iteration 1, update 1"),
    ([*FIRST, "number_of_updates"], "number of updates (minibatches), iteration 1"),
    ([*FIRST, "weights", "policy"], "policy weights (weights), iteration 1"),
    (["iterations", 1, "sampling", "values"], "values (sampling), iteration 2"),
]
"""(path into a trace, the text of a difference there), in the order in which training goes."""


@pytest.mark.parametrize(("path", "text"), PLACES)
def test_the_stage_that_differs_is_named(path, text):
    for record in (changed(path, other), elsewhere(changed(path, other))):
        difference = compare(make(1), record)
        assert str(difference.first) == text and difference.bits == difference.first
        followed = not difference.exact and difference.first.iteration > 1
        until = "followed up to rounding" if followed else "identical to the bit until then"
        assert until in str(difference)


@pytest.mark.parametrize("number", range(len(PLACES) - 1))
def test_of_two_differences_the_earlier_is_named(number):
    (first, text), (second, _) = PLACES[number : number + 2]
    record = changed(first, other)
    later = changed(second, other)
    place, source = record["trace"], later["trace"]
    for key in second[:-1]:
        place, source = place[key], source[key]
    place[second[-1]] = source[second[-1]]
    assert str(compare(make(1), record).first) == text


ROUNDED = changed([*UPDATE, "gradients", "policy"], rounded)


def test_on_another_platform_rounding_is_no_change_of_behaviour():
    difference = compare(make(1), elsewhere(ROUNDED))
    assert not difference.identical and difference.first is None and not difference.exact
    assert "equal up to rounding throughout" in str(difference)
    assert "policy gradients (gradients), iteration 1, update 1" in str(difference)


def test_a_step_next_to_zero_is_held_to_the_size_of_the_others():
    old, new = make(1), elsewhere(make(1))
    for record, value in ((old, 1e-5), (new, 1.1e-5)):
        record["trace"]["opening"]["values"][3] = value
    assert compare(old, new).first is None
    new["trace"]["opening"]["values"][3] = 1e-3
    assert str(compare(old, new).first) == "values (sampling), iteration 1, step 4"


@pytest.mark.parametrize("versions", [{"numpy": "9.9.9"}, {"tensorflow": "9.9.9"}])
def test_with_other_numerical_libraries_rounding_is_no_difference(versions):
    record = copy.deepcopy(ROUNDED)
    record["versions"].update(versions)
    assert compare(make(1), record).first is None


def test_another_rllib_on_the_same_libraries_is_held_to_every_bit():
    record = copy.deepcopy(ROUNDED)
    record["versions"]["ray"] = "9.9.9"
    difference = compare(make(1), record)
    assert difference.exact and difference.first.quantity == "policy gradients"


def test_rounding_first_and_behaviour_later_are_both_named():
    record = changed(["opening", "logits", 0], rounded)
    weights = record["trace"]["iterations"][0]["weights"]
    weights["policy"] = other(weights["policy"])
    difference = compare(make(1), elsewhere(record))
    assert str(difference.bits) == "logits (sampling), iteration 1, step 1"
    assert str(difference.first) == "policy weights (weights), iteration 1"
    text = str(difference)
    assert "policy weights from iteration 1 on" in text and "equal up to rounding" in text
    assert "bits differ from logits (sampling), iteration 1, step 1 on" in text
    assert "policy weights agree" not in text
    assert "value weights agree until iteration 2" in text


UPDATES = ["iterations", 0, "updates"]


def by(share):
    """Return a function that moves every number of a value by a share of it."""
    return lambda value: [
        "another12345" if isinstance(number, str) else number * (1 + share) for number in value
    ]


@pytest.mark.parametrize("stage", ["gradients", "applied", "steps"])
@pytest.mark.parametrize("update", [2, 8, 9, 512])
def test_more_is_allowed_after_the_first_updates_and_only_there(stage, update):
    """Where rounding may have jumped; on the record's own platform every bit counts."""

    def trained(change):
        record = changed([*UPDATES, 1, stage, "policy"], change)
        record["trace"]["iterations"][0]["updates"][1]["number"] = update
        record["trace"]["iterations"][0]["number_of_updates"] = update
        return record

    later = update > EARLY
    old, new = trained(lambda value: value), trained(by(LATER[stage] / 3))
    assert compare(old, elsewhere(new)).followed == later
    assert not compare(old, new).followed
    assert not compare(old, elsewhere(trained(by(3 * LATER[stage])))).followed


def test_what_minibatches_hold_does_not_drift_in_the_first_iteration():
    record = changed([*UPDATES, 1, "observations"], by(1e-4))
    record["trace"]["iterations"][0]["updates"][1]["number"] = 512
    old = make(1)
    old["trace"]["iterations"][0]["updates"][1]["number"] = 512
    for one in (old, record):
        one["trace"]["iterations"][0]["number_of_updates"] = 512
    assert (
        str(compare(old, elsewhere(record)).first)
        == "order (minibatches), iteration 1, update 512"
    )


def test_elements_that_differ_are_seen_where_mean_and_size_are_not():
    """By a thousandth of their size, in all of 200 draws."""
    random = np.random.default_rng(0)
    values = random.normal(size=4000)
    for _ in range(200):
        moved = values + 1e-3 * random.normal(size=4000)
        moved += values.mean() - moved.mean()
        moved *= np.sqrt(np.square(values).mean() / np.square(moved).mean())
        assert distance(summary(values), summary(moved)) > TOLERANCE
        assert distance(size([values]), size([moved])) > TOLERANCE
    assert distance(summary(values), summary(values[::-1])) > 0.01


def test_a_projection_is_the_same_whatever_the_order_of_arrays():
    one, other = np.arange(6.0).reshape(2, 3), np.arange(9.0, 15.0).reshape(2, 3)
    assert size([one, other]) == size([other, one])
    assert summary(one, other)[1:] == summary(other, one)[1:]


def test_an_action_is_not_rounded():
    record = elsewhere(changed([*FIRST, "sampling", "actions"], rounded))
    assert compare(make(1), record).first.quantity == "actions"


def test_what_differs_at_the_same_time_is_named_too():
    record = changed([*FIRST, "sampling", "values"], other)
    record["trace"]["iterations"][0]["sampling"]["actions"] = other([0, 1.0, 1.0])
    text = str(compare(make(1), record))
    assert text.startswith("values (and actions) from iteration 1 on: mean 1.5 became mean 4")


def test_updates_that_only_one_makes_are_a_difference_in_their_number():
    record = changed([*FIRST, "number_of_updates"], lambda _: 1)
    del record["trace"]["iterations"][0]["updates"][1]
    assert str(compare(make(1), record)).startswith(
        "number of updates from iteration 1 on: 3 became 1; identical to the bit until then"
    )


def test_a_layer_group_that_only_one_has_is_a_difference():
    record = make(1)
    record["trace"]["initial_weights"]["memory"] = ["0123456789ab", 1.0, 1.0]
    text = str(compare(make(1), record))
    assert text.startswith("memory weights from before training on: absent became mean 1")


def test_an_episode_that_differs_is_a_difference():
    record = copy.deepcopy(make(1))
    record["episodes"][1][3][0] += 1.0
    assert str(compare(make(1), record).first) == "episodes (outcome), iteration 2"


def test_a_loss_that_is_not_finite_is_a_difference():
    record = changed([*UPDATE, "losses", "vf_loss"], lambda _: "nan")
    assert "1.5 became nan" in str(compare(make(1), record))


def test_a_digest_sees_every_bit_and_no_type():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert summary(values) == summary(values.astype(np.float64))
    assert summary(values)[0] != summary(np.nextafter(values, 9, dtype=np.float32))[0]
    assert summary(values)[0] != summary(values.T)[0]
    assert summary(values)[1:3] == [2.5, 3.02765035]


def test_renamed_or_reordered_layers_have_the_same_summary():
    kernel, bias = np.ones((2, 3)), np.zeros(3)
    summaries = weight_summaries({"policy": [kernel, bias]})
    assert summaries == weight_summaries({"policy": [bias, kernel]})
    assert weight_summaries({"policy": [kernel]}) != weight_summaries({"policy": [bias]})


def test_tracing_counts_its_own_time():
    tracer = Tracer()
    with tracer.clock():
        sum(range(10**6))
    assert 0 < tracer.seconds < 10


def test_settings_that_differ_are_listed_and_those_of_one_release_counted():
    old = {"lr": 1, "model": {"dim": 84, "use_lstm": False}, "horizon": None}
    new = {"lr": 2, "model": {"dim": 84, "use_lstm": True}, "a": 1, "b": {}}
    assert config_differences(old, new) == [
        "lr 1 became 2",
        "model.use_lstm False became True",
        "1 settings are gone and 2 are new",
    ]
    assert config_differences(old, old) == []


def test_an_update_that_was_made_and_not_recorded_is_a_difference():
    """Only updates that the other record never made are passed over: their number says so."""
    for damage in (
        lambda update: update["gradients"].pop("value"),
        lambda update: update["losses"].update(vf_loss=None),
    ):
        record = make(1)
        for iteration in record["trace"]["iterations"]:
            for update in iteration["updates"]:
                damage(update)
        assert not compare(make(1), record).identical
    record = make(1)
    for iteration in record["trace"]["iterations"]:
        iteration["updates"] = []
    difference = compare(make(1), record)
    assert difference.first.within == "update 1" and "became absent" in str(difference)
