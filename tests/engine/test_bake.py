"""Entries as buildx itself reads them: generated texts through `docker buildx bake --print` and through `parse_entries`.

Only buildx's plugin is asked, no daemon. A string in a bake file is a template of its own: `${` and `%{` are escaped, and what
the template reader changes before buildx sees it is not compared: texts that are not normalised, a byte order mark at the
beginning, an escape behind another `$` or a carriage return. bake drops repeated entries; each text has a target to itself.
The parser is the same for imports and exports.
"""

import json
import re
import subprocess
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from engines import UP

from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import InvalidEntry

pytestmark = pytest.mark.engine

ACCEPTED, REFUSED = 4000, 300
PIECES = (
    *(
        "type=",
        "Type=",
        "TYPE=",
        "ref=",
        "dest=",
        "src=",
        "mode=max",
        "scope=",
        "=",
        "==",
        ",",
        ",",
        ",",
        '"',
        '""',
        '","',
    ),
    *(
        "registry",
        "local",
        "gha",
        "inline",
        "s3",
        "nope",
        "ghcr.io/a/b:c",
        "a/b",
        "127.0.0.1:5000/x@sha256:0",
        "/a,b",
        "",
    ),
    *(
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\\",
        "'",
        "#",
        ";",
        "${x}",
        "$${x}",
        "%{if}",
        "$",
        "%",
        "é",
        "İ",
        "ẞ",
        "ſ",
        "σς",
        "\ufeff",
    ),
)
STARTS = ("", "", "type=registry,", "type=local,", '"type=gha",', "ref=a/b,type=registry,", "a/b,")


def texts(random: Random) -> str:
    """One text: pieces in a row, some behind a beginning that makes them readable."""
    while True:
        text = random.choice(STARTS) + "".join(random.choices(PIECES, k=random.randint(1, 6)))
        templated = re.search(r"^\ufeff|\$\$\{|%%\{|\r.*[$%]\{", text, re.DOTALL)
        if text and not templated and unicodedata.is_normalized("NFC", text):
            return text


def ours(text: str) -> list[dict[str, str]] | None:
    """What we make of a text: objects as bake prints them, or None where it is refused."""
    try:
        return [{"type": entry.type, **entry.attrs} for entry in parse_entries(text)]
    except InvalidEntry:
        return None


def bake(folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One bake file with a target for each text, printed."""
    escaped = {name: text.replace("${", "$${").replace("%{", "%%{") for name, text in texts.items()}
    targets = {name: {"cache-to": [text]} for name, text in escaped.items()}
    file = folder / f"{next(iter(texts))}.json"
    file.write_text(json.dumps({"group": {"default": {"targets": list(texts)}}, "target": targets}))
    plugin = subprocess.run(
        [UP, "--unpack", "docker28"], check=True, capture_output=True, text=True
    ).stdout.strip()
    argv = [plugin, "bake", "-f", str(file), "--print"]
    return subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=folder, env={"HOME": str(folder)}
    )


@pytest.mark.parametrize("engine", ["docker28"])
@pytest.mark.parametrize("seed", [940, 2022])
def test_buildx_takes_what_we_take_and_reads_it_alike(
    tmp_path: Path, engine: str, seed: int
) -> None:
    """C10: thousands of texts that we take, in one file: buildx takes them all, and makes the same of each."""
    random, taken = Random(seed), dict[str, list[dict[str, str]]]()
    while len(taken) < ACCEPTED:
        text = texts(random)
        entries = ours(text)
        if entries is not None:
            taken[text] = entries
    done = bake(tmp_path, {f"t{number}": text for number, text in enumerate(taken)})
    assert done.returncode == 0, (engine, done.stderr[-2000:])
    printed = json.loads(done.stdout)["target"]
    theirs = {text: printed[f"t{number}"].get("cache-to", []) for number, text in enumerate(taken)}
    different = {
        text: (entries, theirs[text])
        for text, entries in taken.items()
        if as_set(entries) != as_set(theirs[text])
    }
    assert different == {}


def as_set(entries: list[dict[str, str]]) -> set[frozenset[tuple[str, str]]]:
    """Entries without their order, each once: bake keeps neither."""
    return {frozenset(entry.items()) for entry in entries}


@pytest.mark.parametrize("engine", ["docker28"])
def test_buildx_refuses_what_we_refuse(tmp_path: Path, engine: str) -> None:
    """C10: texts that we refuse, each in a file of its own, for one refusal refuses a file."""
    random, refused = Random(940), dict[str, None]()
    while len(refused) < REFUSED:
        text = texts(random)
        if ours(text) is None:
            refused[text] = None
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda item: bake(tmp_path, {f"r{item[0]}": item[1]}), enumerate(refused))
        )
    assert [
        (engine, text) for text, result in zip(refused, done, strict=True) if result.returncode == 0
    ] == []
    assert not any("panic" in result.stderr for result in done)
