"""What an agent printed, as it is shown."""

import json

import pytest

from headway.output_log import LogPrinter
from headway_core.api import OutputPart

PARTS = (
    OutputPart(text="begin\nhalf", offset=0, next_offset=10, left_out=0),
    OutputPart(text="\x1b[2Jend\n", offset=1010, next_offset=1018, left_out=1000),
    OutputPart(text="last", offset=1018, next_offset=1022, left_out=0),
)


def test_people_read_what_is_left_out_and_obey_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of its own says how much; whatever is printed next begins a line, too."""
    printer = LogPrinter(as_json=False)
    for part in PARTS:
        printer.show(part)
    printer.end()
    assert capsys.readouterr().out == (
        "begin\nhalf\n[headway: 1000 bytes were left out here]\n [2Jend\nlast\n"
    )


def test_programs_read_a_document_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a line, as it is."""
    printer = LogPrinter(as_json=True)
    for part in PARTS:
        printer.show(part)
    printer.end()
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["text"] for document in documents] == [part.text for part in PARTS]
    assert [document["left_out"] for document in documents] == [0, 1000, 0]
