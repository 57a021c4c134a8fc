"""Networks: what one step of a learner is, everything but the rule."""

from plastutor.networks._blocks import (
    block_length as block_length,
    in_blocks as in_blocks,
)
from plastutor.networks._conductance import (
    Conductance as Conductance,
    ConductanceState as ConductanceState,
)
from plastutor.networks._fast_layer import sum_and_gradient as sum_and_gradient
from plastutor.networks._network import (
    BEHAVIOUR as BEHAVIOUR,
    FLY as FLY,
    LINEAR as LINEAR,
    RECORDED as RECORDED,
    AnyNetwork as AnyNetwork,
    Forced as Forced,
    Network as Network,
    State as State,
    accept_logit as accept_logit,
    identity as identity,
    local_activity as local_activity,
    own_activity as own_activity,
    recorded_activity as recorded_activity,
    seeing as seeing,
)
from plastutor.networks._parallel import Parallel as Parallel, bias as bias
from plastutor.networks._recurrent import (
    Recurrent as Recurrent,
    RecurrentState as RecurrentState,
)
from plastutor.networks._reward import (
    expect_rewards as expect_rewards,
    expectation as expectation,
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
from plastutor.networks._weights import (
    next_weights as next_weights,
    step_size as step_size,
    weight_change as weight_change,
)
