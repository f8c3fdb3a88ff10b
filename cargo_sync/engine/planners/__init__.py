"""Planners: the listings of folders -> the steps of each direction, by the pure rules of `plan`.

contract  what every planner gives back
one_way   one side follows the other
two_way   both sides follow each other
views     what the rules of a direction know about the job
"""
