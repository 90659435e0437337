"""Reads files, URLs and variables: the only module of this package that is not pure."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, TypeAlias

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidStack
from faas_cache.model.masking import masked_message
from faas_cache.stack.positions import LINE_ENDS, LineIndex

__all__ = [
    "MAX_SIZE",
    "FilePath",
    "decode",
    "is_url",
    "process_environment",
    "read_stack",
    "read_template",
]

FilePath: TypeAlias = str | os.PathLike[str]

# A stack of 10,000 functions takes 6 MB; a larger file is not a stack file.
MAX_SIZE = 16 * 2**20
# libyaml compares each %TAG line with all before it; stack files do not need them.
MAX_DIRECTIVES = 8
# How long a URL may take, in seconds: the number of faas-cli.
_TIMEOUT = 120
_BLOCK = 65536
_OK = 200
_SCHEMES = ("http://", "https://")


def process_environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def is_url(path: str) -> bool:
    """Whether a path is an `http` or `https` URL; the case of a scheme does not matter."""
    return path[:8].lower().startswith(_SCHEMES)


def read_stack(path: FilePath, *, pipes: bool = True) -> bytes:
    """The bytes of a stack file, or behind an `http` or `https` URL.

    Raises `InvalidStack` where they cannot be read. As for faas-cli, a path with another scheme
    (`file:`) is a file. With `pipes`, a pipe is read to its end (`-f <(generate)`).
    """
    text = os.fspath(path)
    try:
        return _read_url(text) if is_url(text) else _read_file(text, pipes=pipes)
    except (OSError, ValueError) as error:
        raise InvalidStack(
            Diagnostic(
                name="unreadable-stack-file",
                message=f"cannot read the stack file `{_show(text)}`: {_cause(error)}",
                hint="check the path, or name the stack file with `-f`",
            )
        ) from None


def read_template(path: str, name: str) -> bytes:
    """The bytes of a `template.yml`, a regular file; raises `InvalidStack` without one."""
    try:
        return _read_file(path, pipes=False)
    except (OSError, ValueError) as error:
        raise InvalidStack(
            Diagnostic(
                name="invalid-template",
                message=f"cannot read the template `{_show(name)}`: {_cause(error)}",
                hint="check that the folder of the template has a `template.yml`",
                location=Location(file=path),
            )
        ) from None


def decode(text: str | bytes, file: str | None) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark."""
    if len(text) > MAX_SIZE:
        raise _invalid(
            "unreadable-stack-file",
            f"the file is larger than {MAX_SIZE // 2**20} MiB",
            "split the stack into several files",
            (1, 1),
            file,
        )
    if not isinstance(text, str):
        data, encoding = text, "utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            before = data[: error.start].decode(encoding, "replace").removeprefix("\ufeff")
            raise _invalid(
                "invalid-yaml",
                f"the file is not valid {encoding.upper()} text",
                "save the file as UTF-8",
                LineIndex(before).position(len(before)),
                file,
            ) from None
    text = text.removeprefix("\ufeff")
    if sum(text.count(f"{end}%") for end in LINE_ENDS) > MAX_DIRECTIVES:
        raise _invalid(
            "invalid-yaml",
            f"the file has more than {MAX_DIRECTIVES} lines that begin with `%`",
            "remove these directives",
            (1, 1),
            file,
        )
    return text


def _invalid(
    name: str, message: str, hint: str, position: tuple[int, int], file: str | None
) -> InvalidStack:
    line, column = position
    location = Location(file=file, line=line, column=column)
    return InvalidStack(Diagnostic(name=name, message=message, hint=hint, location=location))


def _read_file(path: str, *, pipes: bool) -> bytes:
    """The bytes of a file, `MAX_SIZE` and one at most; `pipes` also allows other kinds of files."""
    # Opened without blocking: a named pipe without a writer must not block a check.
    flags = 0 if pipes else getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | flags)
    with open(descriptor, "rb") as stream:  # noqa: PTH123  # it is open already
        if not pipes and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        return stream.read(MAX_SIZE + 1)


def _read_url(url: str) -> bytes:
    """The bytes behind a URL, within one limit of time for everything, names and headers included.

    Every failure raises an `OSError` or a `ValueError`.
    """
    from http.client import HTTPException
    from threading import Thread

    results: list[bytes | Exception] = []

    def fetch() -> None:
        try:
            results.append(_fetch(url))
        except Exception as error:  # noqa: BLE001  # it is raised in the thread that waits
            results.append(error)

    # A server can be slow in each of its lines: no limit of one operation limits the whole.
    thread = Thread(target=fetch, daemon=True)
    thread.start()
    thread.join(_TIMEOUT)
    if not results:
        raise TimeoutError(f"not complete after {_TIMEOUT} s")
    (result,) = results
    if isinstance(result, HTTPException):
        cause = str(result) or type(result).__name__
        raise ValueError(cause) from result  # noqa: TRY004  # the type is of the answer
    if isinstance(result, Exception):
        raise result
    return result


def _fetch(url: str) -> bytes:
    """The bytes behind a URL."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class WebRedirectHandler(HTTPRedirectHandler):
        """Follows redirects to http and https only; urllib would follow one to ftp."""

        def redirect_request(self, *arguments: Any) -> Any:  # noqa: ANN401  # urllib's own signature
            """The request for the new URL."""
            if not is_url(str(arguments[-1])):
                arguments[1].close()  # the answer
                raise ValueError("redirected to a URL that is neither http nor https")
            return super().redirect_request(*arguments)

    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("user and password in a URL are not supported")
    data = bytearray()
    with build_opener(WebRedirectHandler).open(url, timeout=_TIMEOUT) as answer:
        if answer.status != _OK:  # 206 is a part of a file
            raise ValueError(f"the server answered with status {answer.status}")
        while len(data) <= MAX_SIZE and (block := answer.read1(_BLOCK)):
            data += block
        # What is still to come, as http.client has read `Content-Length`.
        if len(data) <= MAX_SIZE and answer.length:
            raise ValueError("the connection was closed before the end of the file")
    return bytes(data)


def _cause(error: Exception) -> str:
    """Why something could not be read, in lower case."""
    if code := getattr(error, "code", None):
        error.close()  # type: ignore[attr-defined]  # an HTTPError is also the answer
        return f"the server answered with status {code}"
    reason = getattr(error, "reason", None) or error
    cause = getattr(reason, "strerror", None) or str(reason).strip()
    return _show(cause[:1].lower() + cause[1:])


def _show(text: str) -> str:
    """A path or a cause as it may be shown: escaped, and without credentials of a URL."""
    return masked_message(repr(text)[1:-1])
