"""What a plan needs of the files of a project: templates, Dockerfiles, contexts, secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from faas_cache.contexts.names import (
    BUILD_FOLDER,
    TEMPLATE_FOLDER,
    is_folder_name,
    quoted,
    template_names,
)
from faas_cache.contexts.prebuilt import check_context, check_prebuilt, is_prebuilt
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.faults import FaultCollector
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.builder_flags import dockerfile_path
from faas_cache.planning.plan import BuildPlan
from faas_cache.stack.templates import Template
from faas_cache.stack_plan import DOCKERFILE, StackPlan

__all__ = [
    "check_sources",
    "is_written",
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
        for file in _dockerfiles(plan, build_plan) if build_plan.caching else ():
            path = os.path.join(root, file)
            if path not in texts:
                texts[path] = _read_text(path)
            text = texts[path]
            if text is not None:
                dockerfiles[build_plan.function] = text
                break
    return dockerfiles


def _dockerfiles(plan: StackPlan, build_plan: BuildPlan) -> Iterator[str]:
    """Where the Dockerfile of a function may be; the first that exists is the one."""
    path, spec = dockerfile_path(build_plan), plan.stack.functions[build_plan.function]
    if path is None:
        return
    if path == f"{build_plan.context}/{_DOCKERFILE}" and is_written(plan, spec.name):
        # The context is written from these; what an earlier run left there may be outdated.
        if spec.lang.lower() == DOCKERFILE:
            yield os.path.join(spec.handler, _DOCKERFILE)
        elif spec.lang:
            yield os.path.join(TEMPLATE_FOLDER, spec.lang, _DOCKERFILE)
    yield path


def _read_text(path: str) -> str | None:
    """The beginning of a text file; `None` if there is none."""
    if not os.path.isfile(path):  # a pipe would not end
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_DOCKERFILE)
    except (OSError, ValueError):
        return None


# What must exist before a build.


def written_specs(plan: StackPlan) -> Iterator[FunctionSpec]:
    """The functions, as in the stack file, of a plan whose contexts are written."""
    for build_plan in plan.plans:
        if is_written(plan, build_plan.function):
            yield plan.stack.functions[build_plan.function]


def is_written(plan: StackPlan, name: str) -> bool:
    """Whether the context of a function is neither its own nor one of an earlier run."""
    return plan.stack.functions[name].context is None and not plan.request.options.prebuilt


def missing_sources(plan: StackPlan) -> dict[str, str]:
    """The missing templates with a source in `configuration.templates`: the source by language."""
    sources: dict[str, str] = {}
    for name in plan.specs:
        lang = plan.stack.functions[name].lang
        if is_written(plan, name) and lang not in plan.inputs.templates:
            sources[lang] = _source(plan, name)
    return {lang: source for lang, source in sources.items() if source}


def _source(plan: StackPlan, name: str) -> str:
    """The source of the template of a function in its file; empty if there is none."""
    lang, known = plan.stack.functions[name].lang, plan.stack.file_of(name).templates
    base, _, ref = lang.partition("@")
    return known.get(lang) or (f"{known[base]}#{ref}" if base in known else "")


def check_sources(root: str, plan: StackPlan, *, pull: bool) -> Iterator[Diagnostic]:
    """An error for each thing that a build needs and that does not exist.

    A template counts as present where it can be pulled.
    """
    yield from dict.fromkeys(_bad_extras(root, plan))
    known: tuple[str, ...] | None = None
    for name, prepared in plan.specs.items():
        spec, own = plan.stack.functions[name], plan.stack.own_name(name)
        if plan.request.purpose == "build":
            yield from _missing_secrets(prepared, spec)
        if spec.context is not None:
            yield from _some(check_context(root, name, spec.context))
        elif plan.request.options.prebuilt:
            yield from _some(check_prebuilt(root, name, own))
        elif not spec.lang:
            yield _missing_lang(root, name, own)
        elif spec.lang not in plan.inputs.templates and not (pull and _source(plan, name)):
            if known is None:
                known = (*template_names(root), *plan.stack.file_of(name).templates)
            from faas_cache.contexts.templates import missing_template

            yield missing_template(spec.lang, known).under("functions", name)


def _bad_extras(root: str, plan: StackPlan) -> Iterator[Diagnostic]:
    """The faults of the paths that are copied into the contexts which are written."""
    for name in plan.specs:
        if is_written(plan, name):
            from faas_cache.contexts.extras import check_extras

            yield from check_extras(root, plan, name)


def _some(diagnostic: Diagnostic | None) -> tuple[Diagnostic, ...]:
    return () if diagnostic is None else (diagnostic,)


def _missing_lang(root: str, name: str, own: str) -> Diagnostic:
    """The error of a function that a program made without `context` and `lang`."""
    hint = "write `lang: TEMPLATE` or `lang: dockerfile`, or give the function a `context`"
    if is_prebuilt(root, own):
        hint += (
            f"; pass `--prebuilt` to build {quoted(f'{BUILD_FOLDER}/{own}')} from an earlier run"
        )
    return Diagnostic(
        name="missing-context",
        message="the function has no `lang`, so its build context cannot be written",
        hint=hint,
        location=Location(path=("functions", name)),
    )


def _missing_secrets(prepared: FunctionSpec, spec: FunctionSpec) -> Iterator[Diagnostic]:
    """An error for each build secret whose file does not exist, because docker does not name it."""
    for key, path in spec.build_secrets.items():
        if not os.path.isfile(prepared.build_secrets[key]):
            yield Diagnostic(
                name="missing-secret-file",
                message=f"the file {quoted(path)} of the build secret `{masked(key)[:60]}`"
                " does not exist",
                hint="create it, or correct the path (relative to the project folder)",
                location=Location(path=("functions", spec.name, "build_secrets", key)),
            )
