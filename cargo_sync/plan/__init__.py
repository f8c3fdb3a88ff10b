"""Pure decisions about trees: which steps bring a destination up to its source, and which of them
wait."""
