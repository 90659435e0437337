"""Ignore files on real engines: our reading of them, against what docker sends of a context."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from engines import EngineProject
from ignored_trees import files_in, kept, make_tree, random_text, read_vectors

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("engine", ["docker26", "docker28"])]

# Contexts in one build: each is a named context, whose ignore file docker reads as that of the main one.
TOGETHER = 60


def sent(project: EngineProject, texts: Iterable[str]) -> list[tuple[str, ...]]:
    """What docker sends of the tree for each of some ignore files."""
    flags, lines = [], ["FROM scratch"]
    for number, text in enumerate(texts):
        context = project.folder / f"c{number}"
        write_tree(context, text)
        flags += ["--build-context", f"n{number}={context}"]
        lines.append(f"COPY --from=n{number} . /{number}/")
    main = project.folder / "main"
    main.mkdir()
    (main / "Dockerfile").write_text("\n".join(lines))
    out = project.folder / "out"
    project.docker("buildx", "build", *flags, "--output", f"type=local,dest={out}", str(main))
    folders = [out / str(number) for number in range(len(lines) - 1)]
    return [without_ignore_file(files_in(folder)) for folder in folders]


def write_tree(folder: Path, text: str) -> None:
    make_tree(folder)
    (folder / ".dockerignore").write_bytes(text.encode())


def without_ignore_file(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if path != ".dockerignore")


@pytest.mark.parametrize("part", range(4))
def test_the_recorded_table(project: EngineProject, part: int) -> None:
    """Each ignore file of the table, on this engine."""
    vectors = [vector for vector in read_vectors() if vector.kept is not None][part::4]
    assert 0 < len(vectors) <= TOGETHER
    results = sent(project, [vector.text for vector in vectors])
    assert results == [vector.kept for vector in vectors]


@pytest.mark.parametrize("start", [50_000])
def test_generated_ignore_files(project: EngineProject, start: int) -> None:
    """Files that are not in the table."""
    texts = [random_text(start + number) for number in range(TOGETHER)]
    expected = {text: result for text in texts if (result := kept(text)) is not None}
    assert sent(project, expected) == list(expected.values())


def test_invalid_patterns_fail(project: EngineProject) -> None:
    """Those that are invalid for us fail a build, whether docker finds that at once or late."""
    texts = [vector.text for vector in read_vectors() if vector.kept is None]
    context = project.folder / "context"
    make_tree(context)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for text in texts[:5]:
        (context / ".dockerignore").write_bytes(text.encode())
        with pytest.raises(subprocess.CalledProcessError):
            project.docker("buildx", "build", str(context))


@pytest.mark.parametrize(
    "text", ["**/node_modules\n!function/node_modules/y\n", "*\n!function/*.py\n"]
)
def test_an_image_is_the_same_with_a_smaller_context(project: EngineProject, text: str) -> None:
    """`build` leaves out files, and the image has those that docker copies of the whole context."""
    project.write(None, "one", lang="tree")
    template = project.folder / "template" / "tree"
    template.mkdir(parents=True)
    (template / "template.yml").write_text("")
    base = project.environ["FAAS_CACHE_TEST_BASE"]
    (template / "Dockerfile").write_text(f"FROM {base}\nCOPY . /c/\n")
    (template / ".dockerignore").write_text(text)
    make_tree(project.folder / "fn")
    listing = ("run", "--rm", "--network", "none", project.image, "find", "/c")
    assert project.faas_cache("build", "--shrinkwrap").returncode == 0
    whole = files_in(project.folder / "build/fn")
    project.docker("build", "--tag", project.image, str(project.folder / "build/fn"))
    expected = sorted(project.docker(*listing).splitlines())

    done = project.faas_cache("build")
    assert done.returncode == 0, done.stderr
    assert len(files_in(project.folder / "build/fn")) < len(whole)
    assert sorted(project.docker(*listing).splitlines()) == expected
