"""HTTP APIs of our programs: what is the same for each of them.

connection  a connection that speaks HTTP, at a door
listener    the port: TLS, a limit of connections, an orderly end
refusing    an application whose requests fail in one form
limits      deadlines and sizes for what clients send
fields      the fields of a body or a query, checked
answers     values and problems as JSON responses
"""
