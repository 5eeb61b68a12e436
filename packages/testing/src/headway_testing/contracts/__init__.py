"""What every implementation of a port must hold: subclass a port's suite, and give it its fixture."""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in ("ledger", "supervisor", "worktrees")))
