"""The setting `listen`, read: where web workers take requests."""

from __future__ import annotations

from heliograph.errors import OperatorError


def address_of(listen: str) -> tuple[str, int]:
    """The host, without the brackets of IPv6, and the port. Raises `OperatorError`."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise OperatorError(f"listen: {listen!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
