"""The sides of a job, behind one contract: a local folder, or a workspace on a server.

calls     calls in threads that use a folder, which is not closed under them
cargo/    a workspace on a Cargo server
cloud/    a folder of a service that OpenDAL reaches
contract  the rules that each tree must keep: `Tree`, `NearTree`, `FarTree`
cut_short  steps that are cut short: what was done of them by then
folder    the near tree: the local folder of a job
ftp/      a folder on an FTP server
guest     a local folder that a get or a put uses without owning it
landing   checks in the local folder before and after a download's files are published
offers    turns tasks into offers, and receipts into what became of a batch
placed    sources and sinks that use other paths than the other side
pump      moves content without lanes
pydio/    a folder in a workspace of a Pydio server
recording  what was done is recorded, also when a run is cut short
remote/   a folder on somebody else's server: what does not depend on the protocol
retiring  deletes or moves delivered source files
s3/       a folder of an S3 bucket
sftp/     a folder on an SSH server
trash     the trash of a far side that can be listed
visit     the interfaces of folders that a get or a put uses
webdav/   a folder on a WebDAV server
"""
