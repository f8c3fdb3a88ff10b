"""The content of files over HTTP.

conditions  conditional requests and ranges
files       plain files: GET and PUT
uploads     files in pieces: the requests
unfinished  files in pieces: what has arrived, across cuts and restarts
tickets     addresses for downloads that a browser makes by itself
archive     a zip archive that is made while it is sent
attachment  names for the disks of those who download
"""
