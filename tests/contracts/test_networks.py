"""RLlib builds the network that a variant names, and it sees as much of the past as it should."""

import pytest

from fixtures.environments.variants import VARIANTS
from fixtures.probing.probe import Probe
from fixtures.probing.reach import BACK, changes, reacts
from fixtures.rllib import matrix
from fixtures.rllib.network_check import MARKS, OtherNetwork, check, memories
from tests.contracts.networks import SUBJECTS, over, probe_of

REACH = {"default": 0, "frame_stacking": 3, "attention": 50}
"""Steps back that a network reads: GTrXL remembers so many by RLlib's defaults."""

LSTM_SURELY = 10
"""Steps back that an LSTM surely remembers; older observations may fade below float precision."""


@over(SUBJECTS)
def test_the_model_has_the_memory_that_its_variant_names_and_no_other(subject):
    """Its parameters' names show which it has."""
    wanted = {VARIANTS[subject.variant].network} & set(MARKS)
    assert memories(probe_of(subject).algorithm.parameters()) == wanted


@over(SUBJECTS)
def test_actions_depend_on_the_past_where_they_must_and_nowhere_else(subject):
    """To the bit: RLlib's own sampler plays again with the observation k steps back moved."""
    back = reacts(changes(probe_of(subject).play))
    row = VARIANTS[subject.variant]
    stacked = sum(wrapper.arguments.get("n", 1) - 1 for wrapper in row.wrappers)
    if row.network == "lstm":
        assert set(range(LSTM_SURELY + stacked + 1)) <= set(back)
    else:
        reach = stacked + REACH[row.network]
        assert reach < BACK and back == list(range(reach + 1))


@pytest.mark.skipif(
    "rlmodule-torch" not in matrix.installed_backends(), reason="this release has no RLModule"
)
@pytest.mark.parametrize("setting", ["model", "_model_config"])
def test_attention_requested_from_an_api_that_has_none_is_reported(setting):
    """RLlib itself warns at most, and builds a network without."""
    probe = Probe("rlmodule-torch", "full", overrides={setting: {"use_attention": True}})
    with pytest.raises(OtherNetwork, match="^asked for attention, got none$"):
        check("default", probe.algorithm.config, probe.algorithm.parameters())
