"""What a plan needs of the files of a project: templates, Dockerfiles, contexts, secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from faas_cache.contexts.names import BUILD_FOLDER, TEMPLATE_FOLDER, is_folder_name, quoted
from faas_cache.contexts.prebuilt import check_context, check_prebuilt
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import DOCKERFILE, StackPlan

__all__ = [
    "check_sources",
    "check_templates",
    "missing_sources",
    "read_dockerfiles",
    "read_templates",
    "written_specs",
]

_DOCKERFILE = "Dockerfile"
# As much of a Dockerfile as is read for its stages, in characters.
MAX_DOCKERFILE = 2**20


# What a plan is made from.


def read_templates(
    root: str, specs: Iterable[FunctionSpec], faults: FaultCollector, *, outside_links: bool = False
) -> dict[str, Template]:
    """The templates of the functions that exist, by language.

    A fault of a template is located in its file, an invalid name of a template at its function.
    """
    templates: dict[str, Template] = {}
    langs: set[str] = set()
    for spec in specs:
        if not spec.lang or spec.lang in langs or spec.context is not None:
            continue
        langs.add(spec.lang)
        if _is_missing(root, spec.lang):
            continue
        from faas_cache.contexts.templates import find_template

        with faults.catch():
            try:
                template = find_template(root, spec.lang, outside_links=outside_links)
            except InvalidFunction as error:
                own = (diagnostic.under("functions", spec.name) for diagnostic in error.diagnostics)
                raise InvalidFunction(*own) from None
            if template is not None:
                templates[spec.lang] = template
    return templates


def _is_missing(root: str, lang: str) -> bool:
    """Whether a language with a valid name has no template: then nothing has to be read."""
    if lang.lower() == DOCKERFILE or not is_folder_name(lang):
        return False
    return not os.path.lexists(os.path.join(root, TEMPLATE_FOLDER, lang))


def read_dockerfiles(root: str, plan: StackPlan) -> dict[str, str]:
    """The Dockerfiles that the checks read, by function: those that the builds will read."""
    texts: dict[str, str | None] = {}
    dockerfiles: dict[str, str] = {}
    for build_plan in plan.plans:
        spec = plan.specs[build_plan.function]
        prebuilt = plan.request.options.prebuilt
        for file in _dockerfiles(spec, prebuilt=prebuilt) if build_plan.caching else ():
            path = os.path.join(root, file)
            if path not in texts:
                texts[path] = _read_text(path)
            text = texts[path]
            if text is not None:
                dockerfiles[build_plan.function] = text
                break
    return dockerfiles


def _dockerfiles(spec: FunctionSpec, *, prebuilt: bool) -> Iterator[str]:
    """Where the Dockerfile of a function may be; the first that exists is the one."""
    for flag in spec.builder_flags:
        name, _, value = flag.partition("=")
        if name in ("--file", "-f") and value:
            yield value
            return
    if spec.context is None and not prebuilt:
        # The context is written from these; what an earlier run left there may be outdated.
        if spec.lang.lower() == DOCKERFILE:
            yield os.path.join(spec.handler, _DOCKERFILE)
        elif spec.lang:
            yield os.path.join(TEMPLATE_FOLDER, spec.lang, _DOCKERFILE)
    yield os.path.join(spec.context_path, _DOCKERFILE)


def _read_text(path: str) -> str | None:
    """The beginning of a text file; `None` where there is none."""
    if not os.path.isfile(path):  # a pipe would not end
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_DOCKERFILE)
    except (OSError, ValueError):
        return None


# What must exist before a build.


def written_specs(root: str, plan: StackPlan) -> Iterator[FunctionSpec]:
    """The functions of a plan whose contexts are written: neither their own nor left by a run."""
    for spec in _planned_specs(plan):
        if (
            spec.context is None
            and not plan.request.options.prebuilt
            and (check_prebuilt(root, spec) is None)
        ):
            yield spec


def check_templates(root: str, plan: StackPlan, *, pull: bool) -> list[Diagnostic]:
    """An error for each function whose template does not exist, and cannot be pulled."""
    from faas_cache.contexts.templates import missing_template

    sources = missing_sources(root, plan) if pull else {}
    return [
        missing_template(spec.lang).under("functions", spec.name)
        for spec in written_specs(root, plan)
        if spec.lang not in plan.inputs.templates and spec.lang not in sources
    ]


def missing_sources(root: str, plan: StackPlan) -> dict[str, str]:
    """The missing templates with a source in `configuration.templates`: the source by language."""
    known = plan.stack.templates
    sources: dict[str, str] = {}
    for spec in written_specs(root, plan):
        name, _, ref = spec.lang.partition("@")
        source = known.get(spec.lang) or (f"{known[name]}#{ref}" if name in known else "")
        if source and spec.lang not in plan.inputs.templates:
            sources[spec.lang] = source
    return sources


def check_sources(root: str, plan: StackPlan) -> list[Diagnostic]:
    """What the builds need: errors for what does not exist, notes for contexts that were left."""
    diagnostics: list[Diagnostic | None] = []
    for build_plan, spec in zip(plan.plans, _planned_specs(plan), strict=True):
        diagnostics += _missing_secrets(build_plan)
        if spec.context is not None:
            diagnostics.append(check_context(root, spec.name, spec.context))
        elif plan.request.options.prebuilt:
            diagnostics.append(_check_left(root, spec.name))
        else:
            diagnostics.append(check_prebuilt(root, spec))
    return [diagnostic for diagnostic in diagnostics if diagnostic is not None]


def _planned_specs(plan: StackPlan) -> Iterator[FunctionSpec]:
    return (plan.specs[build_plan.function] for build_plan in plan.plans)


def _check_left(root: str, name: str) -> Diagnostic | None:
    """The error of `--prebuilt` for a function whose context does not exist."""
    if os.path.isdir(os.path.join(root, BUILD_FOLDER, name)):
        return None
    return Diagnostic(
        name="missing-context",
        message=f"the build context {quoted(f'{BUILD_FOLDER}/{name}')} does not exist",
        hint="write it with `faas-cache build --shrinkwrap`, or leave out `--prebuilt`",
        location=Location(path=("functions", name)),
    )


def _missing_secrets(build_plan: BuildPlan) -> Iterator[Diagnostic]:
    """An error for each build secret whose file does not exist, because docker does not name it."""
    for key, path in build_plan.secrets.items():
        if not os.path.isfile(path):
            yield Diagnostic(
                name="missing-secret-file",
                message=f"the file {quoted(path)} of the build secret `{masked(key)[:60]}`"
                " does not exist",
                hint="create it, or correct the path (relative to the project folder)",
                location=Location(path=("functions", build_plan.function, "build_secrets", key)),
            )
