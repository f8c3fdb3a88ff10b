"""HTTP callbacks: what is told of an event, and the request that tells it.

variables   what an event offers to templates; docs/callbacks.md is the contract
message     an event's settings and variables -> a request, rendered and signed
templates   `{{ NAME }}` in a body and in a url
signature   Standard Webhooks
resolver    names to addresses, each of them allowed
sender      one request, one answer, never a redirect
"""
