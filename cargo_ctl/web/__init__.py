"""`cargo_ctl web`: the page of a fleet. Browsers speak HTTP to it, it speaks ZeroMQ to the others.

accounts     who may log in now
answers      answers and bodies of the HTTP API
certificate  TLS: a given certificate, or one of its own
commands     who may send which command (pure)
errors       why a daemon or server did not answer
fleet        all sources, and who looks at which
link_file    the link, in a file that only this user can read
pace         wrong passwords make the next login wait (pure)
places       which daemons and servers it shows, and what it calls them
process      listening, and stopping in order
reachable    the exact addresses of the page (pure)
routes       the HTTP API
sessions     who is logged in, and the key of the link
settings     `web.json`
source       calls to one daemon or server
stream       the feed of one browser
threads      calls in threads that the end of the process does not wait for
upstream     the feed of one source, in a thread
viewer       what waits for one browser (a machine)
views        what a browser looks at, and its snapshots

It keeps nothing but who may log in, and it never sees the content of a file.
"""
