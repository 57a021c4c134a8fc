"""Spiking neurons: a layer that classifies, and a network with conductances."""

from plastutor.networks.spiking._conductance import (
    Conductance as Conductance,
    ConductanceState as ConductanceState,
)
from plastutor.networks.spiking._layer import (
    Cell as Cell,
    SpikingLayer as SpikingLayer,
    alif as alif,
    init_spiking_layer as init_spiking_layer,
    lif as lif,
    run_spikes as run_spikes,
    spike as spike,
)
