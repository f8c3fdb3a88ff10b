"""The state in one SQLite file, which one process has open.

database      one connection that writes; transactions, faults for tests, SQLite's errors
readers       connections that only read, for those who find that one in use
migrations    the numbered scripts of schema/
upgrade_copy  a copy of the file from before an upgrade
"""
