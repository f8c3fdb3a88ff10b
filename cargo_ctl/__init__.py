"""Front ends. They speak ZeroMQ to a daemon; of its code they know only the messages,
`cargo_sync.api`."""
