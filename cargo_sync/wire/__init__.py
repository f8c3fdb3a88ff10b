"""Bytes and values: pure functions between them, for lanes and for other people's servers.

frames     the unit that is sealed or checksummed on a lane
handshake  how a lane proves which flow it belongs to
http1      HTTP/1.1 for a client of short messages
messages   the values that records carry as JSON
records    the pieces within a frame
refusal    the two errors that end a lane
sftp/      packets of SFTP
shared     contents that are sealed once and go over several lanes
sigv4      the signature of a request to S3
xml        XML answers of S3 and WebDAV, as events

Bytes of a lane that cannot be read always raise a `ProblemError` with the code "protocol".
docs/data-protocol.md describes the same formats for people who write their own end.
"""
