"""Cargo side by side with what else would move the same files: `python -m benchmarks.transfers`.

A round runs every tool once, one after the other, in an order that rotates; each run has a fresh
folder to fill. What is compared is the ratio of two tools within a round, and its median over all
rounds: so a machine that becomes slower for a while is slower for all. Cargo is a real server and
a real daemon, each a process of its own, from `job.start` until the feed says `synced`.

options    the options of the command line, and what they mean
packages   the packages of the tools: which are missing, how they are installed
previous   an older commit, built beside this one
workloads  what is moved: how many files, how large, in which folders
places     where the files are: in memory or on a disk
trees      folders of files: made, linked, checked
procfs     what /proc tells of a process: CPU time, peak memory, children
metering   what one run took at both ends: seconds, CPU time, memory
servers    starts the servers of peers, asks commands for their versions
peer       the contract of a tool that is measured
peers/     the tools
alone/     the other end of our programs, when each is measured alone
rounds     who runs when
forecast   how long the rest will take
progress   says so to a person who waits
link/      the same over long links that lose packets
verdicts   medians, ratios and rates of what was measured
results    rows and machine, as JSON
table      rows as text
pictures   rows as bars in SVG
page       docs/benchmarks.md, from results
"""
