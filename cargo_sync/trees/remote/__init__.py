"""A folder on somebody else's server as a far tree: what does not depend on the protocol.

contract  what one protocol must be able to do (`RemoteFolder`): who adds one writes that
walking   walks a tree by listing its folders
"""
