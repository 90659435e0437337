"""Entries as buildx itself reads them: generated texts through `docker buildx bake --print` and `parse_entries`.

This runs the buildx plugin alone, without a daemon. A string in a bake file is a template: `${` and `%{` are escaped, and
what the template parser changes before buildx reads it is not compared: texts that are not normalized, a leading byte order
mark, an escape after another `$` or after a carriage return. bake drops repeated entries, so each text has its own target.
buildx has one parser for imports and exports.
"""

import json
import re
import subprocess
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from engines import UP

from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import InvalidEntry
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.resolution import resolve
from faas_cache.render.bake_file import bake as bake_file
from faas_cache.render.bake_file import target_names

pytestmark = pytest.mark.engine

ACCEPTED, REJECTED = 4000, 300
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
PREFIXES = (
    "",
    "",
    "type=registry,",
    "type=local,",
    '"type=gha",',
    "ref=a/b,type=registry,",
    "a/b,",
)


def generate(random: Random) -> str:
    """One text: several pieces, some after a prefix that makes a valid entry likely."""
    while True:
        text = random.choice(PREFIXES) + "".join(random.choices(PIECES, k=random.randint(1, 6)))
        templated = re.search(r"^\ufeff|\$\$\{|%%\{|\r.*[$%]\{", text, re.DOTALL)
        if text and not templated and unicodedata.is_normalized("NFC", text):
            return text


def parse(text: str) -> list[dict[str, str]] | None:
    """The entries of a text, as objects like those that bake prints; `None` if `parse_entries` rejects it."""
    try:
        return [{"type": entry.type, **entry.attrs} for entry in parse_entries(text)]
    except InvalidEntry:
        return None


def bake(folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The result of printing a bake file with one target for each text."""
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
def test_c10_buildx_accepts_what_we_accept_and_reads_the_same(
    tmp_path: Path, engine: str, seed: int
) -> None:
    """C10: of thousands of accepted texts in one file, buildx accepts all, and reads each as `parse_entries` does."""
    random, accepted = Random(seed), dict[str, list[dict[str, str]]]()
    while len(accepted) < ACCEPTED:
        text = generate(random)
        entries = parse(text)
        if entries is not None:
            accepted[text] = entries
    done = bake(tmp_path, {f"t{number}": text for number, text in enumerate(accepted)})
    assert done.returncode == 0, (engine, done.stderr[-2000:])
    printed = json.loads(done.stdout)["target"]
    theirs = {
        text: printed[f"t{number}"].get("cache-to", []) for number, text in enumerate(accepted)
    }
    different = {
        text: (entries, theirs[text])
        for text, entries in accepted.items()
        if as_set(entries) != as_set(theirs[text])
    }
    assert different == {}


def as_set(entries: list[dict[str, str]]) -> set[frozenset[tuple[str, str]]]:
    """The entries as a set: bake keeps neither their order nor repeated ones."""
    return {frozenset(entry.items()) for entry in entries}


@pytest.mark.parametrize("engine", ["docker28"])
def test_c10_buildx_rejects_what_we_reject(tmp_path: Path, engine: str) -> None:
    """C10: buildx rejects each rejected text, in a file of its own, and never panics."""
    random, rejected = Random(940), dict[str, None]()
    while len(rejected) < REJECTED:
        text = generate(random)
        if parse(text) is None:
            rejected[text] = None
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda item: bake(tmp_path, {f"r{item[0]}": item[1]}), enumerate(rejected))
        )
    assert [
        (engine, text)
        for text, result in zip(rejected, done, strict=True)
        if result.returncode == 0
    ] == []
    assert [result.stderr for result in done if "panic" in result.stderr] == []


ODD_TEXTS = ("${A}", "%{if}", "$$", 'a"b\\', "é")


@pytest.mark.parametrize("engine", ["docker26", "docker28"])
def test_a_bake_file_read_by_buildx_gives_the_plan(tmp_path: Path, engine: str) -> None:
    """The file of `faas-cache bake` has each function's entries, arguments, labels and tags for buildx."""
    setting = {"from": ["a/b:c", "type=gha"], "to": ["a/b:c", "type=local,dest=/tmp/${x}"]}
    specs = [
        FunctionSpec(name="f.n", image="a/one", context=".", build_cache=setting),
        FunctionSpec(
            name="f_n",
            image="a/two:1",
            context=".",
            build_args={f"A{n}": text for n, text in enumerate(ODD_TEXTS)},
            build_labels=dict.fromkeys(ODD_TEXTS, "x"),
        ),
        FunctionSpec(name="default", image="a/three", context=".", build_cache="max"),
    ]
    plans = [resolve(spec) for spec in specs]
    file = tmp_path / "docker-bake.json"
    file.write_text(bake_file(plans).stdin)
    plugin = subprocess.run(
        [UP, "--unpack", engine], check=True, capture_output=True, text=True
    ).stdout.strip()
    done = subprocess.run(
        [plugin, "bake", "-f", str(file), "--print"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert sorted(printed["group"]["default"]["targets"]) == ["default", "f_n", "f_n_"]
    assert [printed_target(target) for target in printed["target"].values()] == [
        (
            sorted(plan.tags),
            dict(plan.build_args),
            dict(plan.labels),
            as_set([{"type": e.type, **e.attrs} for e in plan.cache_from]),
            as_set([{"type": e.type, **e.attrs} for e in plan.cache_to]),
        )
        for plan in sorted(plans, key=lambda plan: target_names(plans)[plans.index(plan)])
    ]


def printed_target(target: dict[str, Any]) -> tuple[object, ...]:
    """The parts of a printed target; newer versions print objects, and escape strings again."""
    args, labels = (
        {name: unescape(value) for name, value in target.get(key, {}).items()}
        for key in ("args", "labels")
    )
    sides = (target.get(key, []) for key in ("cache-from", "cache-to"))
    imports, exports = (as_set([read_entry(entry) for entry in side]) for side in sides)
    return sorted(target["tags"]), args, labels, imports, exports


def read_entry(entry: str | dict[str, str]) -> dict[str, str]:
    """A printed entry as its type and fields."""
    if isinstance(entry, str):
        (parsed,) = parse_entries(unescape(entry))
        return {"type": parsed.type, **parsed.attrs}
    return {key: unescape(value) for key, value in entry.items()}


def unescape(text: str) -> str:
    """A string of the print as it was before it was escaped, where it was."""
    return text.replace("$${", "${").replace("%%{", "%{")
