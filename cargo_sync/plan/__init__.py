"""Pure decisions: which steps make a destination like its source, and which of them must wait.

arrived       whether a server has what was sent when that was cut off
changes       what became of one side of a path since both agreed
collisions    names of which a file system keeps only one
conflict_names   what a conflict copy is called
conflict_policy  how a conflict is resolved: the policy and what both sides have -> a choice
differences   what differs on the two sides, whether a run would do something about it or not
drop_box      what a job must not want where it may only add files
drift         what a destination does not have any more as it was delivered
file_types    whether a file begins as files of its type do
filters       which paths a job leaves out: gitignore patterns
folder_chain  what a folder inherits from the folder above it
guard         stops a run that would delete or overwrite too many files
moves         renames instead of copies and deletions
metadata      what may be a change of time or mode alone
moved_content  which deleted files were moved: their content was brought to another path
obstacles     what stands at the destination where the source has a folder
one_way       the planner: from the listings of one folder to its steps
reconciliation  what both sides of a two-way job have at one path -> its steps
two_way       the planner of jobs in both directions
"""
