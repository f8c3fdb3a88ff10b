"""What servers that share one state decide: pure; time is an argument.

shares  how much of a shared limit each may use
states  which of them are there, by what was heard of them and when
"""
