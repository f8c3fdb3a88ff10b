"""Flows: one negotiated stream of content for a run and a direction, beside the HTTP API.

flows          those that are open, and their share of the bandwidth
lane_listener  the port that lanes come to
sampler        figures of what runs
"""
