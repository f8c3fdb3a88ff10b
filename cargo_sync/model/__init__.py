"""The words of the house, as values; nothing here does anything.

entry       one path's metadata, as one side was seen to hold it
listing     the entries of one folder, sorted by name
snapshot    all listings of one side at one moment, kept a folder at a time
base        what both sides last agreed on, a folder at a time
action      one planned step
outcome     what became of an action
offer       one file's content as a sender offers it; receipt: what a receiver committed
ordered     a limit that an order set in place of a file's
problem     why something failed, in words for a person
event       a past-tense fact, kept as a row

Paths are relative to a root, with "/" between components and "" for the root itself.
"""
