"""Requests -> calls: what a server answers, one file per noun, each with the routes of its commands.

A handler takes the arguments of its command as a value, already checked, and answers with JSON
values. It refuses with a ControlError; a ProblemError says itself what to answer.
"""
