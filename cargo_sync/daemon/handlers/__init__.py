"""The handlers of a daemon's commands, one file per noun: request -> call.

callback      `callback.list`, `.retry`, `.test`
conflict      `conflict.list`, `.show`, `.resolve`
daemon        `status` and `reload`
history       `history`, `job.history`, `run.list` and `run.show`
jobs/         `job.…`
local_folder  `local.list`
rates         `job.rates`
refusals      checks of a job's state that several commands share
replaced      orders to a job that is being replaced wait for the new one
session       `session.…`
trash         `trash.list`, `.restore`, `.empty`
transfer      `transfer.list` and `.cancel`

A handler takes the checked arguments of its command as one value, and answers with JSON values. It
refuses with a ControlError. The router turns a ProblemError into an error reply too.
"""
