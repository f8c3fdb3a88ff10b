"""Several servers on one PostgreSQL and one store, behind a balancer, while they are killed.

fleet     the programs: a PostgreSQL, a store, servers, a balancer
standby   the same with a second PostgreSQL, which takes over
forward   a TCP proxy of our own: balances where there is no HAProxy, and answers 503 for a store
balancer  HAProxy, with the file that is in configs/cluster
writers   clients that write the same paths, each version only in the place of the one it has read
troubles  what happens to the programs meanwhile
chain     what must be true at the end, of what was acknowledged and what the history says
demo      a tree goes up through them and down, one of them is killed: `make demo CLUSTER=1`
campaign  one trial from its beginning to its end, and the table: `make cluster`
"""
