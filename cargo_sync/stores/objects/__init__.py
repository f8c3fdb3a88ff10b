"""Contents in buckets: small ones in packs, large ones in parts, and how what is nobody's goes.

ports       calls to a bucket, rows, and what all of the work shares
budget      memory for what is on its way
packing     which contents come together, in which parts one is sent, what is read at once
s3_bucket   a bucket, or a folder in one, over S3
watched     a bucket whose calls are counted
buckets     the buckets of a server: whose each is
retrying    calls that are tried again as long as somebody waits
parts       one large content is sent in parts
uses        which objects were written, and may still be recorded
gathering   small contents that come one after the other go together
storing     contents of the spool become objects
listed_parts  parts, and the lists by which they are known again
handover    who has a file that is on its way, among servers that share a state
coming      what has come of a large file is recorded meanwhile
later_tries  what failed is tried again later, with growing waits
recalling   what came of it to another server is brought here
forwarding  large contents go on while they still arrive
fetching    contents are read, with few requests
upkeep      what is nobody's goes; a bucket is compared with the rows
reclaiming  what the state has never known goes when a person says so
repacking   packs of which much is dead, and small ones, are written anew
store       the store of contents: all of it, connected
"""
