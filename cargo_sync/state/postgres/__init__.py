"""The state of a server in PostgreSQL.

connections  how connections are opened, and what their values become
database     transactions on one connection that writes, reads on others
dialect      the rooms' statements, as PostgreSQL wants them
life         which life of the database this is: whether it went back
problems     the problem behind an error of PostgreSQL
schema_versions  the numbered scripts of schema/
signals      texts between servers, by LISTEN and NOTIFY
waiting      what connections wait for
taking_over  a state from a file goes into an empty database
"""
