"""`cargo_ctl top`: the jobs of a daemon on the whole screen, with keys for what people do to them.

model    what is selected and asked, and which command a key means (pure)
picture  the model as lines of styled text (pure)
screen   the terminal, the feed and the commands
"""
