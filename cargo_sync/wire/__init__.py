"""The bytes of a lane: pure functions between bytes and values.

frames     the unit that is sealed or checksummed on a lane
handshake  how a lane proves which flow it belongs to
messages   the values that records carry as JSON
records    the pieces within a frame
refusal    the two errors that end a lane

Bytes that cannot be read always raise a `ProblemError` with the code "protocol".
docs/data-protocol.md describes the same formats for people who write their own end.
"""
