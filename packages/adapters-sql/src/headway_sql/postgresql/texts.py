r"""Texts that PostgreSQL can't hold: it knows no NUL character.

NUL is stored as two characters, and so is the one after it, which stands for both. Equality and order of
texts stay what they are: `"\0" < "\1" < "\2"` is `"\1\1" < "\1\2" < "\2"`.
"""

from typing import TYPE_CHECKING

from psycopg.adapt import Buffer, Dumper, Loader

if TYPE_CHECKING:
    from psycopg import Connection


class TextDumper(Dumper):
    """A text as it is sent."""

    def dump(self, obj: str) -> bytes:
        data = obj.encode()
        if b"\x01" in data or b"\x00" in data:
            return data.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
        return data


class TextLoader(Loader):
    """A text as it comes back."""

    def load(self, data: Buffer) -> str:
        data = bytes(data)
        if b"\x01" in data:
            data = data.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01")
        return data.decode()


def hold_every_text(connection: "Connection") -> None:
    """Have the connection send and read texts so."""
    connection.adapters.register_dumper(str, TextDumper)
    for kind in ("text", "varchar"):
        connection.adapters.register_loader(kind, TextLoader)
