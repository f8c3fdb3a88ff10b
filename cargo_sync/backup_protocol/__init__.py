"""The protocol of Servidor Backup, as bytes: what both ends read and write.

messages  requests as values, verbs, statuses and refusals
text      the text form of the published program
frames    the framed form: a length, a JSON head, the content
answers   the coordinator's answers, as values
client    a client of a framed port
file_server  a file server of the published program: it registers, gets texts, gives them back
"""
