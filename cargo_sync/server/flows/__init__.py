"""Flows: each is one negotiated stream of content for a run and a direction, beside the HTTP API.

anywhere       flows at any of several servers
flows          the open flows, and their share of the bandwidth
lane_budget    how much of its offers a lane may hold open
lane_ends      the server's ends of lanes
public_ends    where a flow reads and stages: its problems hold no absolute path of the server
rates          how fast flows moved lately
shared_limits  the bandwidth of users at several servers
shared_quotas  what servers tell each other of promised room
sampler        figures of the open flows
traffic        all of these, connected
"""
