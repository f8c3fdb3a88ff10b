"""Packets of SFTP, version 3, as bytes: pure functions, for other people's SSH servers.

answers   packets of a server, put together and taken apart
packets   their kinds, what a server says of a request, attributes of files
requests  packets of a client

Version 3 is what servers of our days speak (draft-ietf-secsh-filexfer-02, and OpenSSH's own
extensions). Nothing is believed of what a server sends: bytes that are no such packet raise
`SftpFormatError`.
"""
