"""Cargo beside other tools on long links that lose packets: `python -m benchmarks.transfers.link`.

Both ends run in network namespaces of their own, so this needs root. Between them is `tc netem`
where the kernel has it, else the emulator that the variable WANLINK names. It is called as
`PROGRAM -d MS -r MBIT -l PERCENT -- SERVER CLIENT`, with WAN_LIMIT, WAN_WAIT (seconds) and WAN_CC
in its environment. Each run lasts the same time, from the start of the client; what has arrived by
then is compared with what the link carries.

links      the links, and the commands that make them
carriers   how a server and a client are run at both ends
tools      the tools: what is run at both ends
runs       one run: how much has arrived after so many seconds
verdicts   what the runs mean
"""
