"""Content as it goes to an FTP server."""

from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.ftp.channel import FtpChannel
from cargo_sync.trees.remote.contract import Pace

STEP: Final = 256 * 2**10
"""Bytes that are paced together."""


async def send(channel: FtpChannel, content: memoryview, pace: Pace) -> None:
    """Sends content over a data connection.

    Raises:
        ProblemError: the connection failed, or what the server says of it: it may have ended the
            transfer itself, for example because its disk is full.
    """
    try:
        for start in range(0, len(content), STEP):
            step = content[start : start + STEP]
            await pace(len(step))
            await channel.write(step)
    except ProblemError as error:
        if not channel.line.broken:
            try:
                await channel.finish()  # says why, if the server has ended it
            except ProblemError as told:
                raise told from error
            finally:
                channel.drop()
        raise
    except BaseException:
        channel.drop()
        raise
