"""Measurements of what the docs promise; run one with `.venv/bin/python -m benchmarks.NAME`.

callbacks        no callback is lost or out of order, through crashes and errors
cluster          what several servers on one PostgreSQL and one bucket cost
cluster_look     what a look costs in a workspace of a million entries on PostgreSQL
hostile_server   what a hostile server costs a daemon and its other jobs
jobs             what many jobs cost: latency, memory, CPU time
node_store       what a workspace on storage nodes costs, against one in a folder
offers           what offers without content cost a server
programs         the server and the daemon that are measured
remotes/         a job with somebody else's server, beside rclone on the same server
speeds           how exactly a flow follows a changed speed
sealing          sealed frames compared with TLS
slow_subscriber  what a stopped subscriber of the feed costs
strangers        what honest clients get done beside silent connections
subscribers      how fast commands are answered beside clients that subscribe in a loop
transfers/       Cargo side by side with rsync, rclone, curl and others: `make bench`
"""
