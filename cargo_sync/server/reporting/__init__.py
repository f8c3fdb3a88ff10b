"""What the server reports: on its feed, to commands, to Prometheus.

buckets  buckets with contents of workspaces
feed     what is published, and when
metrics  what the server counts and measures
nodes    storage nodes as JSON values, and what a person should know about them
node_feed     the feed's part about storage nodes
node_metrics  the metrics of storage nodes
notices  what people are told of quotas, and of users who expire
own_row  what a server tells the others of itself
servers  the servers that share a state as JSON values
status   what the feed and `status` say of a server
webhooks  HTTP callbacks: rows of the history become requests
views    users, workspaces and flows as JSON values
"""
