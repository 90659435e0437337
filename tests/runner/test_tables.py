"""Reports as tables."""

from faas_cache.buildkit.reports import CacheReport, Step
from faas_cache.buildkit.tables import format_markdown, format_table

REPORTS = [
    CacheReport(function="none"),
    CacheReport(
        function="a|b",
        steps=(
            Step(name="[1/2] FROM a", kind="base", seconds=2.0, finished=True),
            Step(name="[2/2] RUN " + "x" * 60, kind="build", seconds=1.0, finished=True),
            Step(name="importing cache manifest from r", kind="import", error="not found"),
            Step(name="importing cache manifest from s", kind="import", finished=True),
            Step(name="exporting cache to registry", kind="export", seconds=0.5, finished=True),
            Step(name="exporting cache to registry", kind="export", error="no"),
            Step(name="exporting cache to registry", kind="export", error="context canceled"),
        ),
    ),
    CacheReport(
        function="c",
        steps=(
            Step(name="[2/2] RUN \x1b[1m`<b>`\u202e", kind="build", finished=True),
            Step(name="importing cache manifest from s", kind="import", finished=True),
        ),
    ),
]
MISSING = Step(name="importing cache manifest from r", kind="import", error="not found")


def test_the_table() -> None:
    """One line each, for people; none for nothing; control characters are escaped."""
    assert format_table([]) == ""
    assert format_table(REPORTS).splitlines() == [
        "function  cached  import        export                   first step that ran",
        "none      -       -             -                        -",
        f"a|b       0 of 1  1 of 2 found  0.5 s, failed, canceled  [2/2] RUN {'x' * 49}…",
        "c         0 of 1  found         -                        [2/2] RUN \\x1b[1m`<b>`\\u202e",
    ]
    table = format_table([CacheReport(function="d", steps=(MISSING,))])
    assert table.splitlines()[1].split() == ["d", "-", "missing", "-", "-"]


def test_the_summary_of_a_job() -> None:
    """GitHub's Markdown, in which nothing of a name is markup."""
    assert format_markdown(REPORTS).splitlines() == [
        "### Cache",
        "",
        "| function | cached | import | export | first step that ran |",
        "|---|---|---|---|---|",
        "| <code>none</code> | - | - | - | - |",
        f"| <code>a&#124;b</code> | 0 of 1 | 1 of 2 found | 0.5 s, failed, canceled | <code>[2/2] RUN {'x' * 49}…</code> |",
        "| <code>c</code> | 0 of 1 | found | - | <code>[2/2] RUN \\x1b[1m&#96;&#60;b&#62;&#96;\\u202e</code> |",
    ]
