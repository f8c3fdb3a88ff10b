"""The body of an upload: a form with one file (RFC 7578), written while it is sent."""

from collections.abc import AsyncIterator, Mapping

from cargo_sync.trees.remote.contract import Pace
from cargo_sync.trees.webdav.writing import StreamedBody, paced


def upload_form(
    fields: Mapping[str, str], content: memoryview, boundary: str, pace: Pace
) -> StreamedBody:
    """The form with `content` as the file `userfile_0`.

    Args:
        fields: the other fields; their values are ASCII, without line ends.
        content: of the file.
        boundary: stands between the fields; nobody can guess it, so no content has it.
        pace: is asked before each step of the content.
    """
    start = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = "".join(f'{start}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head += f'{start}"userfile_0"; filename="content"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    tail = f"\r\n--{boundary}--\r\n"

    async def pieces() -> AsyncIterator[bytes | memoryview]:
        yield head.encode("ascii")
        async for step in paced(content, pace):
            yield step
        yield tail.encode("ascii")

    return StreamedBody(len(head) + len(content) + len(tail), pieces())


def form_type(boundary: str) -> str:
    """The type of such a body."""
    return f"multipart/form-data; boundary={boundary}"
