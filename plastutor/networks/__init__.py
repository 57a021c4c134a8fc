"""Networks: what one step of a learner is, everything but the rule."""

from plastutor.networks._network import (
    BEHAVIOUR as BEHAVIOUR,
    FLY as FLY,
    LINEAR as LINEAR,
    RECORDED as RECORDED,
    Network as Network,
    identity as identity,
)
from plastutor.networks._reward import (
    expect_rewards as expect_rewards,
    expected_reward as expected_reward,
    remember as remember,
)
from plastutor.networks._spiking import (
    Cell as Cell,
    SpikingLayer as SpikingLayer,
    alif as alif,
    init_spiking_layer as init_spiking_layer,
    lif as lif,
    run_spikes as run_spikes,
    spike as spike,
)
from plastutor.networks._step import (
    State as State,
    accept_logit as accept_logit,
    check_network as check_network,
    initial_state as initial_state,
    network_step as network_step,
    observe as observe,
    step_size as step_size,
    weight_change as weight_change,
)
