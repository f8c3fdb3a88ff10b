"""Cargo: folders kept in step with folders on servers. docs/architecture.md is the map.

admission/        who may move files now, and how fast
api/              the messages of the control plane, its addresses, and a small client
backup_protocol/  Servidor Backup's protocol, both ends
catalogue/        the entries of a workspace, with their versions
choice            a word of a few, on a command line
cluster/          servers that share one state
config/           settings files -> frozen settings, with errors that name the line
control/          ZeroMQ: commands and feed, ports and keys
copying/          one get or put, without a job
daemon/           the service that runs jobs and sessions
demo/             `cargo_sync demo`
engine/           one run of a job: survey, plan, execute, commit
init/             `cargo_sync init`
lanes/            the data plane: content between sockets and files
local/            everything that touches a local folder
machines/         small state machines and schedules (pure)
main              the command line
migration/        `cargo_sync migrate`
model/            values that every package shares (pure)
node/             a storage node: contents for one server
once              `cargo_sync run`
page/             the pages that people look at: scripts and styles for browsers, no Python
plan/             which steps bring a destination up to its source (pure)
process/          what every long-running process needs: log, metrics, threads, signals
pydio             the command line of pydio-sync
running           an application, run to its end
s3/               a client of buckets
server/           users, workspaces, files, and the HTTP API
state/            SQLite: what a daemon or a server remembers
stores/           where a server keeps content
suggest           "did you mean"
testing/          fakes for tests, in memory
trees/            the sides of a job: a local folder, our server
webhooks/         HTTP callbacks: what waits, when it is sent, how it is signed
wire/             bytes and values: a lane, XML, the signature of S3 (pure)
"""
