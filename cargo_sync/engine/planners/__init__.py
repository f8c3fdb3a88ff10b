"""Planners: the listings of folders -> the steps of each direction, by the pure rules of `plan`.

arrived   what a server has of uploads that were cut off
contract  what every planner gives back
deferred  steps that wait for the end of the survey, and what the guard says of them
distinct  names that the local file system does not tell apart wait
holding   holds back what may have been renamed
links     a server without symbolic links: those of the local folder are left out
moves_by_content  which deletions are moves of small files, if the guard would hold them
obstacles  in a one-way job: files in the place of folders make room for what is new below them
one_way   one side follows the other
rejections  overwrites that a person has rejected
two_way   both sides follow each other
views     what the rules of a direction know about the job
"""
