"""The route of an application that receives GitHub's webhooks."""

from collections.abc import Mapping
from http import HTTPStatus

import headway


async def deliver(hw: headway.Headway, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
    """Take one delivery; what to answer. The body is what came in, byte for byte: it is what is signed."""
    try:
        await hw.webhooks.receive(headers, body)
    except headway.PermissionDenied:
        return HTTPStatus.UNAUTHORIZED
    except headway.InvalidInput:
        return HTTPStatus.BAD_REQUEST
    except headway.Unavailable:  # no secret is configured, or the database can't be used now
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.NO_CONTENT
