"""Other people's servers, as real programs on loopback, for tests.

server             what a kind of server tells: its version, how it is started, how one logs in
running            one server that runs: its places, kill -9, restart
remotes            the servers of one pytest worker; each is started when a test first asks for it
waiting            waits for a condition, and fails with the log of the program
processes          ends a program with all that it has started, also if the tests are killed
installed          where the programs are
debian             unpacks Debian's packages of servers, without installing them
keys               makes keys for SSH
own_view           a view of the system in which some files are others, for one server
unprivileged       a user without rights, as whom some servers serve
buckets            makes a bucket on an S3 server
matrix             what each server can do, as a table in docs/remotes.md: a command
servers/           the kinds, one file each

A test takes the fixture `remotes`: `remotes.get("swift").place()` is an empty place on a server
that runs, or the test is skipped because there is no such server here.
"""
