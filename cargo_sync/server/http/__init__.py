"""The HTTP API: requests come in, responses go out.

gateway         the routes, and errors in one form
listener        the port
tls             the certificate
authentication  the user and the address of a request
limits          deadlines and sizes for what clients send
fields          the fields of a body or a query, checked
answers         JSON responses and refusals
browsing/       a folder as JSON or as a page, and long polls for its changes
conditions      conditional requests and ranges
files           plain files: GET and PUT
operations      changes to a workspace and hashes, many per request
probe           the speed of the connection to a client
"""
