"""The HTTP API: requests come in, responses go out.

gateway         the routes, and errors in one form
authentication  the user and the address of a request
ports           the API's port and that of lanes, with the certificate
certificate     the certificate that a server shows
invitations     a device or a password for an invitation
nodes           a storage node joins
fields          the fields of bodies and queries
answers         the bodies of responses, and refusals
browsing/       what is in a folder, and long polls for its changes
content/        the content of files: GET and PUT, uploads in pieces, tickets for downloads
operations      changes to a workspace and hashes, many per request
probe           the speed of the connection to a client
"""
