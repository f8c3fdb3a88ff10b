"""Messages to text, purely: a dict of the control plane in, lines out, nothing read and nothing
printed."""
