"""A folder on a WebDAV server as a remote, over aiohttp.

addresses   paths as URLs, and the hrefs of answers as paths
answers     which of the hrefs in an answer are meant, and what they say
calls       what WebDAV can do with a path: look, list, put, move, copy, delete, make a folder
checksums   hashes of contents, where the server has them
chunks      a larger file in chunks, as Nextcloud and ownCloud take them
connection  one HTTP session: a request, an answer, and what may be sent twice
content     a file that is being read
entries     what the server says of a file, as an `Entry`; names that cannot be used
folder      the remote: one folder on the server
listing     the answer to a PROPFIND, read while it comes
login       who asks, and which certificate is trusted
problems    refusals and errors of the connection, as problems
ranged      the content of a file in an answer, which may be a range of it
staging     files in our staging folder: sent there, then moved to their places
times       how this server takes the time of a file: found out with a file of our own
upload      a larger file under way to the server
writing     content as it goes into the body of a request
"""
