"""How much of what is to be moved is at its destination, counted over flows that follow each other.

A flow counts the content that it carried, and what the destination had already of its files. Both
belong to what has arrived, but only what was carried says how fast it goes.
"""


class ArrivalCount:
    """Counts the flows of one run or order. All numbers are bytes.

    resumed  what was there before the first flow began
    """

    def __init__(self) -> None:
        self.resumed = 0
        self._before = 0
        """Committed when the current flow began."""
        self._carried = 0
        """By the flows before."""
        self._content = 0

    def begin(self, done: int) -> None:
        """Another flow begins, when `done` bytes are committed."""
        self._before = done
        self._carried += self._content
        self._content = 0

    def count(self, done: int, content: int, had: int) -> int:
        """What has arrived when `done` bytes are committed and the flow has these figures."""
        if content < self._content:
            self.begin(done)
        self._content = content
        # After a cut, the destination has also what an earlier flow carried.
        self.resumed = max(self.resumed, had - self._carried)
        return max(done, self._before + had + content)
