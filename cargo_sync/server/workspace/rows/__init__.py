"""What both builds of a workspace do alike with its rows in the state.

answers   what a workspace answers from its rows
offers    an offer beside what a catalogue has at its path
tree      the rows of one workspace, and whom they tell
way_back  where a version of the trash goes
"""
