"""The values that all other packages share; nothing here does any I/O.

abilities    what a far side can do, where that is not everything
actions      one planned step of a run (`Action`), and its result (`Outcome`)
agreed       base: what both sides last agreed on, per folder
checkpoints  which parts of a staged file are on disk, so that a cut transfer can continue
conflicts    a path that both sides changed, and how that is resolved
displaced    what was replaced or deleted, and where it is now
contents     the hash of a content, as a name
documents    JSON from outside, parsed only if its structure is small
entries      one path's metadata on one side (`Entry`), and a folder's sorted entries (`Listing`)
events       facts that are kept as rows, and which of them a callback can be made for
history      what happened to the files of a server, who did it, and when
known_hashes  hashes that somebody else's server knows
jobs         what a run needs to know about its job
large_folders  where a large folder is cut into parts
limits       a limit that a command set in place of the configured one
path_pattern  patterns that people write to find paths
paths        relative paths: their order, their parts, which of them are valid
problems     why something failed: a code for programs, a sentence for people
slices       work on many paths, cut so that others come in between
subtrees     some paths, each with everything below it, in a set
transfers    offers, wants and receipts: what both ends of a flow exchange per file
world        the clock, random numbers and threads, as arguments
xattrs       the extended attributes of a file: which travel, and how much of them

Paths are relative to a root, with "/" between components and "" for the root itself.
"""
