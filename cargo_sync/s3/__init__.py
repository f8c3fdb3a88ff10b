"""S3: a small client of our own, for buckets as a job's far side and as a server's store.

addresses    where a bucket is asked for: endpoint, region, by host or by path
credentials  who asks, and how the server's certificate is checked
requests     one call, signed: what goes over the wire
content      what a request sends: views of bytes, without a copy
sent_hashes  by which hash a server finds that a content came as it was sent
connection   one HTTP session: sends, tries again, translates what fails
direct       requests past aiohttp: short ones, and large contents that nobody slows down
session      the session of one login, in which aiohttp sends nothing twice
meanings     what the codes and statuses of refusals mean: one table
errors       what a server or a connection says, as one exception
answers      answers in XML, as columns and fields
objects      what is told of objects, as values
reading      the content of an object, as it comes
client       the calls for objects and for the bucket
copying      copies that the server makes, of any size
deleting     many deletions in one call, checked one by one
listing      the objects of a bucket, page by page
multipart    uploads in parts
abilities    what this server really does, found by asking it once
crc_checks   whether it compares a content with its CRC-32
"""
