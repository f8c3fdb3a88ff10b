"""What every long-running process of ours is made of, whatever it does.

offload      blocking work, in a bounded number of threads
stopping     how it ends: asked once it comes to rest, asked twice it ends at once
parent       one that lives as long as the process that started it
descriptors  as many files and sockets as the system lets it have
"""
