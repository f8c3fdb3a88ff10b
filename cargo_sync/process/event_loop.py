"""The event loop of a program, or of one of its threads: uvloop if it is installed.

It has the same results as the standard library's, with less CPU time. In Python 3.11 that one also
copies what a socket does not take at once.
"""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """One that does not run yet."""
    try:
        import uvloop
    except ImportError:  # it does not exist for every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
