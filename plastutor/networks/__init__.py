"""Networks: what one step of a learner is, everything but the rule."""

from plastutor.networks._network import (
    BEHAVIOUR,
    FLY,
    LINEAR,
    RECORDED,
    Network,
    identity,
)
from plastutor.networks._reward import expect_rewards, expected_reward, remember
from plastutor.networks._spiking import (
    Cell,
    SpikingLayer,
    alif,
    init_spiking_layer,
    lif,
    run_spikes,
    spike,
)
from plastutor.networks._step import (
    State,
    accept_logit,
    check_network,
    initial_state,
    network_step,
    observe,
    step_size,
    weight_change,
)

__all__ = [
    "BEHAVIOUR",
    "Cell",
    "FLY",
    "LINEAR",
    "Network",
    "RECORDED",
    "SpikingLayer",
    "State",
    "accept_logit",
    "alif",
    "check_network",
    "expect_rewards",
    "expected_reward",
    "identity",
    "init_spiking_layer",
    "initial_state",
    "lif",
    "network_step",
    "observe",
    "remember",
    "run_spikes",
    "spike",
    "step_size",
    "weight_change",
]
