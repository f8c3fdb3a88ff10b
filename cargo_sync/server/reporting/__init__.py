"""What the server reports: on its feed, to commands, to Prometheus.

feed     what is published, and when
metrics  what the server counts and measures
views    users, workspaces and flows as JSON values
"""
