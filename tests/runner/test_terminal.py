"""Where output goes: streams of text and of bytes, and terminals."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator

import pytest

from faas_cache.runner import terminal
from faas_cache.runner.terminal import channel, follow_size, terminal_of, writer_for

TEXT = "é\n"


class Partial(io.RawIOBase):
    """An unbuffered stream that takes one byte at a time."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: object, /) -> int:
        """Takes one byte."""
        self.data += bytes(data)[:1]  # type: ignore[call-overload]  # any buffer
        return min(1, len(bytes(data)))  # type: ignore[call-overload]  # the same


class OwnText:
    """A stream that has no more than it needs."""

    def __init__(self) -> None:
        self.data = ""

    def write(self, data: str, /) -> None:
        """Takes text only."""
        if not isinstance(data, str):
            raise TypeError
        self.data += data

    def flush(self) -> None:
        """Does nothing."""


def test_streams_of_text_and_of_bytes() -> None:
    """Each gets the same text, also where a character comes in two blocks."""
    text, own, binary, raw = io.StringIO(), OwnText(), io.BytesIO(), Partial()
    wrapped = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    wrapped.write("before ")
    blocks: list[bytes] = []
    for stream in (text, own, binary, raw, wrapped, blocks.append):
        write = writer_for(stream)
        for block in (TEXT.encode()[:1], TEXT.encode()[1:]):
            write(block)
    wrapped.seek(0)
    assert (text.getvalue(), own.data, binary.getvalue(), raw.data, b"".join(blocks)) == (
        TEXT,
        TEXT,
        TEXT.encode(),
        TEXT.encode(),
        TEXT.encode(),
    )
    assert wrapped.buffer.read() == b"before " + TEXT.encode()


def test_a_temporary_file_is_a_stream() -> None:
    """Python wraps it into an object of its own."""
    with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
        writer_for(file)(TEXT.encode())
        file.seek(0)
        assert file.read() == TEXT


def test_sys_stderr_is_looked_up_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `StringIO` in its place counts, and there may be none."""
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    writer_for(None)(b"text")
    assert (stream.getvalue(), terminal_of(None)) == ("text", None)
    monkeypatch.setattr(sys, "stderr", None)
    writer_for(None)(b"text")
    assert terminal_of(None) is None


def test_a_reader_that_has_gone_away_stops_the_output_of_sys_stderr_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the caller passes raises."""
    source, target = os.pipe()
    os.close(source)
    with os.fdopen(target, "wb", buffering=0) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        write = writer_for(None)
        write(b"text")
        write(b"text")
        with pytest.raises(BrokenPipeError):
            writer_for(broken)(b"text")


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """Both sides of a terminal."""
    both = os.openpty()
    yield both
    for side in both:
        os.close(side)


def test_a_terminal_is_recognized(pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """By its stream; not where the system has no `termios`, nor for a closed stream or a function."""
    with os.fdopen(os.dup(pair[1]), "wb", buffering=0) as stream, io.BytesIO() as closed:
        assert terminal_of(stream) == stream.fileno()
        closed.close()
        assert [terminal_of(closed), terminal_of(lambda _: None)] == [None, None]
        monkeypatch.setattr(terminal, "_module", lambda _: None)
        assert terminal_of(stream) is None


def test_a_channel_is_a_terminal_only_where_that_is_possible(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a pipe: without a terminal of ours, a free pseudo-terminal, or the modules for it."""

    def kinds(terminal: int | None) -> bool:
        with channel(terminal) as (_, target):
            is_terminal = os.isatty(target)
            os.close(target)
            return is_terminal

    def full() -> tuple[int, int]:
        raise OSError

    results = [kinds(pair[1]), kinds(None)]
    monkeypatch.setattr(os, "openpty", full)
    results.append(kinds(pair[1]))
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "tty", None)
    assert [*results, kinds(pair[1])] == [True, False, False, False]


def test_a_size_is_followed(pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """When it changes; a pipe has none, and neither has a closed terminal."""
    termios = pytest.importorskip("termios")
    with channel(pair[1]) as (source, target):
        follow = follow_size(source, pair[1])
        follow()
        termios.tcsetwinsize(pair[1], (11, 22))
        follow()
        follow()
        assert termios.tcgetwinsize(target) == (11, 22)
        os.close(target)
    with channel(None) as (source, target):
        follow_size(source, pair[1])()
        follow_size(source, None)()
        os.close(target)
    monkeypatch.setitem(sys.modules, "termios", None)
    follow_size(0, pair[1])()
