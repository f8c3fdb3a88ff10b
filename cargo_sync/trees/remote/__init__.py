"""A folder on somebody else's server as a far tree: what does not depend on the protocol.

below      a folder in a remote's folder, as a remote
contract   what one protocol must be able to do (`RemoteFolder`): who adds one writes that
feed       looks at a server that tells of its changes (`TellsChanges`)
findings   what was found out about a server, while it is to be believed
kept_trash  the trash as a person sees it: listed, brought back, freed
looking    listings become what a survey takes; empty ones are doubted
problems   problems of steps that are the same over every protocol
reading    hashes that the server does not have, by reading
relayed    a folder that is copied to another remote
renaming   steps of servers that rename, and overwrite nothing
staging    what remotes share that stage a new file, then rename it
steps      MKDIR, DELETE, MOVE and META, several at the same time
together   calls side by side, and which failures concern everything
transfer/  content between the near side and a remote, both ways
trash      what is replaced or deleted is kept first, as far as the server can
tree       `RemoteTree`: the far tree
upkeep     old runs of the trash, and uploads with which nobody has gone on
visit      a remote for a get, a put or the shell
walking    walks a tree by listing its folders
"""
