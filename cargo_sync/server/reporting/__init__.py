"""What the server reports: on its feed, to commands, to Prometheus.

feed     what is published, and when
metrics  what the server counts and measures
webhooks  HTTP callbacks: rows of the history become requests
views    users, workspaces and flows as JSON values
"""
