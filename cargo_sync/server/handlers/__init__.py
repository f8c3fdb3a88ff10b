"""Requests -> calls: what a server answers, one file a noun, each a part of the router's dispatch
table.

A handler is given arguments that were checked against the command's table, and answers with JSON
values. It refuses with a ControlError; a ProblemError says itself what to answer.
"""
