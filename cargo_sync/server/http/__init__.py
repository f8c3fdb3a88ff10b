"""The HTTP API: requests in, answers out.

answers         JSON and refusals, as responses
authentication  who a request comes from
browsing/       a folder as JSON or as a page, and long polls for its changes
conditions      If-Match, ranges
fields          fields of a body or a query, checked
files           plain files: GET, PUT, DELETE
gateway         the routes
limits          deadlines and sizes of what clients send
listener        the port
operations      changes to a workspace, many in a request
probe           bytes for measuring a line
tls             the certificate
"""
