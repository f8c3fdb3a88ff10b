"""What every long-running process of ours is made of, whatever it does.

service      the process around an application: its log, its service manager
alongside    what runs beside the application: watchdog, vital signs, metrics
logs         where the log goes: terminal or journal, file, ring; lines: what a record comes to
metrics      figures as Prometheus reads them; vitals: the process's own; scrape: served over HTTP
systemd      ready, reloading, stopping, alive
offload      blocking work, in a bounded number of threads
stopping     how it ends: asked once it comes to rest, asked twice it ends at once
parent       one that lives as long as the process that started it
file_lock    one process per file, by a kernel lock; its holder is named
descriptors  as many files and sockets as the system lets it have
"""
