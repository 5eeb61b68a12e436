"""How much is asked for at once: less after an answer that did not come, slowly more again."""

import attrs

GOOD_TO_GROW = 10
"""So many whole answers in a row, and the next question is twice as large."""


@attrs.define
class BatchSize:
    """How much one question asks for. A time-out costs points of the next hour too, so its size is not
    repeated.
    """

    most: int
    now: int = attrs.field(init=False)
    _good: int = attrs.field(default=0, init=False)

    @now.default
    def _begin(self) -> int:
        return self.most

    def too_big(self, tried: int) -> None:
        """Note that a question for `tried` was not answered."""
        self.now = max(1, min(self.now, tried // 2))
        self._good = 0

    def answered(self) -> None:
        """Note that a question was answered."""
        self._good += 1
        if self._good >= GOOD_TO_GROW:
            self.now, self._good = min(self.most, self.now * 2), 0
