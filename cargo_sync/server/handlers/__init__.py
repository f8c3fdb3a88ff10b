"""The server's commands, one module per noun, each with the routes of its commands.

callback   `callback.…`
cluster    `server.…`
flow       `flow.…`
history    `history`
invitation  `user.invite`, `user.invitation.…`, `user.device.…`
node       `node.…`
server     `reload`
terms      quotas, expiry and networks as commands give them
trash      `trash.list`, `.restore`, `.empty`
user       `user.…`
workspace  `workspace.…`
refusals   refusals of changes that only the server's file may make

A handler gets the checked arguments of its command as a value, and returns JSON values. It refuses
with a ControlError; a ProblemError becomes an answer by itself.
"""
