"""HTTP callbacks: which ones wait, when each is sent, and the request that is sent.

outbox        the callbacks that wait, in the state
dispatcher    sends what is due and stores the results
hosts         how many requests are in flight to each host, and which hosts rest
retry_policy  what happens to a callback after an attempt, and when a host may be tried
variables     the variables of an event for templates; docs/callbacks.md is the contract
file_variables  the same of a server's events
views         callbacks as JSON values, for commands
message       from an event's settings and variables to a rendered and signed request
templates     `{{ NAME }}` in a body and in a URL
signature     signatures as in Standard Webhooks
resolver      from names to addresses, each of which is allowed
sender        sends one request, reads one answer, follows no redirect
"""
