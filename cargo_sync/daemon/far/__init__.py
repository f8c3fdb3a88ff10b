"""The far side of a job, or of a session: which tree it is, by what the address names.

cargo   a workspace on a Cargo server
cargo_place   a user's workspaces on a Cargo server, for a session
choice  the far side of each kind
folders/  a folder on somebody else's server, of each kind
look    who answers at the address of somebody else's server, before a login
login   what a folder on somebody else's server is built from
place   where the files of a session are: the contract
remote  a folder on somebody else's server, over any protocol
remote_place  a folder on somebody else's server, for a session
side    what a far side is built from, and what it brings besides its tree
"""
