"""One file a noun: call the daemon, render the result."""
