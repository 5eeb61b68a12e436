"""How long an exchange with GitHub may take, and how much it may bring."""

import attrs


@attrs.frozen(kw_only=True)
class Limits:
    """How long and how much; seconds and bytes."""

    connect_s: float = 5.0
    answer_s: float = 30.0
    """From the request to the whole answer. GitHub itself gives up after ten seconds."""
    answer_bytes: int = 32 * 1024 * 1024
    connect_pauses_s: tuple[float, ...] = (0.2, 1.0)
    """Pauses before a connection is tried again; nothing was sent yet, so that is safe for mutations."""
