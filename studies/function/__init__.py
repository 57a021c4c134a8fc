"""Function: rules that make a network useful, by gradient and by evolution.

A neuron that finds a principal component, a layer that finds several, and a spiking
neuron that keeps its rate.
"""
