"""What each long-running process needs, independent of what it does.

alongside        tasks that run beside the application: watchdog, process metrics, metrics page
body_arrivals    how much of a long body comes at once
body_room        memory in which the body of an answer is received
buffers          large buffers that are used again
byte_stream      a connection whose bytes are received into large buffers
descriptors      how many files and sockets may be open, and how many are kept back
doors            the TCP ports; connections are counted until their client has logged in
event_loop       the event loop of a program or a thread
fair_lock        a lock that threads get in the order of asking
file_lock        one process per file, by a kernel lock that names its holder
http/            HTTP APIs: their port, requests, answers and refusals
http_body        the body of an answer; a large one is received past aiohttp
http_exchange    messages to somebody else's HTTP server, over connections that are kept
http_problems    what aiohttp raises about a connection to somebody else's server, as a problem
http_sending     the body of a request as it goes out
journal          the log in systemd's journal
line_progress    waits for a connection as long as it moves
lines            one line of the log, without secrets
log_file         the log as a file with rotation
logs             where the log goes: terminal or journal, file, memory
loop_thread      an event loop in a thread of its own
metrics          metrics in the text format of Prometheus
offload          blocking work, in a bounded number of threads
passing_on       bytes of a connection, used in the thread that receives them
parent           ends a process together with the process that started it
patient_start    what needs a database is tried again while that is away or locked
ring             the last lines of the log, in memory
scrape           serves the metrics over HTTP
service          what an application gets from its process: its log, its service manager
slow_start       what a start waits for, if it takes long
stopping         how a process ends: the first request stops it, the second one ends it at once
system           the clocks, chance and threads of the system
systemd          tells systemd: ready, reloading, stopping, alive
tasks            tasks whose failure costs only themselves
tls              the certificate of a port: given, or made and pinned; served while it changes
vitals           metrics of the process itself: event loop, memory, descriptors
wakeup           an event that wakes up one waiting task
zone             the time zone of this machine
zone_rules       the newer rules of time zones: the system's or those of the package tzdata
"""
