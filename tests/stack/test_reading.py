"""Reading files and URLs: what cannot be read is one error, without credentials."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faas_cache.model.errors import InvalidStack
from faas_cache.stack import reading
from faas_cache.stack.stack_file import Stack

TEXT = b"provider: {name: openfaas}\nfunctions: {fn: {image: a/b, zz: 1}}\n"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("gone.yaml", "no such file or directory"),
        (".", "is a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, cause: str) -> None:
    """The message has the path and the cause."""
    path = f"{tmp_path}/{name}"
    with pytest.raises(InvalidStack) as caught:
        Stack.load(path)
    assert [(d.name, d.message, d.hint) for d in caught.value.diagnostics] == [
        (
            "unreadable-stack-file",
            f"cannot read the stack file `{repr(path)[1:-1]}`: {cause}",
            "check the path, or name the stack file with `-f`",
        )
    ]
    assert caught.value.stack is None


def test_a_pipe_is_read_to_its_end() -> None:
    """As a shell passes it for `-f <(generate)`."""
    read, write = os.pipe()
    os.write(write, TEXT)
    os.close(write)
    assert list(Stack.load(f"/dev/fd/{read}").functions) == ["fn"]
    os.close(read)


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A web server that answers every request in one way, by its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def send(
    handler: BaseHTTPRequestHandler,
    *,
    code: int = 200,
    length: int = len(TEXT),
    to: str = "",
    wait: float = 0,
) -> None:
    """Sends the stack file, or the head that the arguments describe."""
    handler.send_response(code)
    handler.send_header("Content-Length", str(length))
    if to:
        handler.send_header("Location", to)
    handler.end_headers()
    time.sleep(wait)
    handler.wfile.write(TEXT)


def test_a_url_is_read_and_its_credentials_are_masked() -> None:
    """The locations show the URL without its query."""
    with serving(send) as host:
        stack = Stack.load(f"http://{host}/stack.yaml?token=hunter2")
    assert str(stack.diagnostics[0].location) == (
        f"http://{host}/stack.yaml?***:2:30: functions.fn.zz"
    )


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (partial(send, code=404), "the server answered with status 404"),
        (
            partial(send, length=len(TEXT) + 1),
            "the connection was closed before the end of the file",
        ),
        (
            partial(send, code=302, to="ftp://127.0.0.1/x"),
            "redirected to a URL that is neither http nor https",
        ),
        (partial(send, code=302, to="x" * 10), None),
        (partial(send, code=302, to="file:///etc/passwd"), None),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "nonsense"),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 2000 OK\r\n\r\n"), None),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200), None),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000), None),
        (
            lambda handler: handler.wfile.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + TEXT
            ),
            None,
        ),
        (
            lambda handler: handler.wfile.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n999\r\n" + TEXT
            ),
            None,
        ),
        (
            lambda handler: handler.wfile.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n"
                % (len(TEXT), TEXT)
            ),
            None,
        ),
        (partial(send, code=206), "the server answered with status 206"),
        *(
            (
                lambda handler, length=length: handler.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n%b" % (length, TEXT)
                ),
                "the connection was closed before the end of the file",
            )
            # as Python reads numbers
            for length in (b"+100", b"1_00", b" 100 ", b"0100")
        ),
        (lambda _: None, None),
    ],
    ids=[
        "status",
        "short",
        "ftp",
        "loop",
        "file",
        "no-http",
        "status line",
        "headers",
        "header",
        "chunk",
        "short chunk",
        "no last chunk",
        "part",
        "plus",
        "underscore",
        "spaces",
        "zero",
        "nothing",
    ],
)
def test_an_answer_that_is_not_the_file_is_an_error(
    answer: Callable[[BaseHTTPRequestHandler], None], cause: str | None
) -> None:
    """An incomplete file is never taken for the whole one."""
    with serving(answer) as host, pytest.raises(InvalidStack) as caught:
        Stack.load(f"http://{host}/x?token=hunter2")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.name == "unreadable-stack-file"
    assert "hunter2" not in str(diagnostic)
    assert cause is None or diagnostic.message.endswith(cause)


def test_one_limit_of_time_for_the_whole_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is slow in each line of its head, or between blocks, is an error, too."""
    monkeypatch.setattr(reading, "_TIMEOUT", 0.5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):  # nobody waits for the end
            for character in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
                handler.wfile.write(bytes([character]))
                time.sleep(0.1)

    for answer in (partial(send, wait=1), drip):
        began = time.monotonic()
        with (
            serving(answer) as host,
            pytest.raises(InvalidStack, match=r"(not complete after 0\.5 s|timed out)"),
        ):
            Stack.load(f"http://{host}/x")
        assert time.monotonic() - began < 10


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """One byte more than the limit is enough to reject it."""
    path = tmp_path / "stack.yaml"
    with path.open("wb") as stream:
        stream.truncate(10 * reading.MAX_SIZE)
    assert len(reading.read_stack(path)) == reading.MAX_SIZE + 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_without_a_length_ends_with_its_connection_or_its_last_chunk(
    chunked: bool,  # noqa: FBT001  # both forms
) -> None:
    """HTTP/1.0 has no other end."""
    head = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT) if chunked else TEXT
    answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body

    def send_all(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    with serving(send_all) as host:
        assert list(Stack.load(f"HTTP://{host}/x").functions) == ["fn"]


def test_user_and_password_in_a_url_are_not_supported() -> None:
    """The error does not show them."""
    with pytest.raises(InvalidStack) as caught:
        Stack.load("http://user:hunter2@127.0.0.1/x")
    assert caught.value.diagnostics[0].message == (
        "cannot read the stack file `http://***@127.0.0.1/x`: user and password in a URL are not"
        " supported"
    )
