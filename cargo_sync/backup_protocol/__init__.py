"""Servidor Backup's protocol, as bytes: what both ends of it read and write.

answers   what a coordinator answers, as values
client    calls a framed port
frames    the framed form: a length, a JSON head, the content
messages  requests and answers as values
text      the published program's text form
"""
