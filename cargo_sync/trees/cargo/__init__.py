"""Our server as a tree: its HTTP API, and the client's end of a flow."""
