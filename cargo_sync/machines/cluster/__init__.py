"""What servers that share one state decide: pure; time is an argument.

states  which of them are there, by what was heard of them and when
"""
