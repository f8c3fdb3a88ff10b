"""Bytes of the lanes: the handshake, frames, the records in them, and the values that records
carry.

Pure: every function takes bytes or values and gives the other. Whatever cannot be read is one
`ProblemError` with the code "protocol". docs/data-protocol.md tells the same to somebody who writes
the other end.
"""
