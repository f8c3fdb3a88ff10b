"""The handlers of commands that a daemon and a server share: request -> call.

audit      `audit`: who changed what
bandwidth  `bandwidth.…`: limits of the whole process
feed       `feed.last`: the last message of each topic
key        `key.…`: the keys of clients over TCP
log        `log`: the last lines of the log
process    `hello`, `status`, `reload`, `shutdown`
"""
