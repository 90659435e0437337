"""`json_schema`: the JSON Schema of a stack file, for editors and other validators.

It describes keys and kinds of values after substitution: what `Stack.loads` and the rules of
`build_cache` reject whatever the text of a value is. Unknown keys pass. Of texts, only the modes of
`build_cache` are checked, and text with `${` passes there, because editors read the file before
substitution. The descriptions are what an editor shows.

Draft 7 is the newest version that all editors support.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from faas_cache.model.specs import OWN_KEYS

__all__ = ["json_schema"]

_Schema: TypeAlias = dict[str, Any]

# A scalar is text for faas-cli, however YAML reads it; null is an empty one.
_SCALARS = ["string", "number", "boolean"]
_TEXT: _Schema = {"type": [*_SCALARS, "null"]}
# YAML 1.2, which editors use, reads `yes` and `on` as strings.
_BOOLEAN: _Schema = {"type": ["boolean", "string", "null"]}
_LIST: _Schema = {"type": ["array", "null"], "items": _TEXT}
_TEXTS: _Schema = {"type": [*_SCALARS, "array", "null"], "items": _TEXT}
_PAIRS: _Schema = {"type": ["object", "null"], "additionalProperties": _TEXT}
_RESOURCES: _Schema = {"type": ["object", "null"], "properties": {"cpu": _TEXT, "memory": _TEXT}}

_SUBSTITUTION = r"\$\{"
_MODES = {
    "inline": "The cache is metadata in the image: it needs no other tag and no special builder, "
    "and holds the steps of the last stage only.",
    "max": "The cache is in the tag `buildcache` beside the image, and holds all steps of all "
    "stages. It needs buildx and a builder that can export caches.",
    "none": "No caching, whatever the default of the stack is.",
}
_ENTRY = (
    "An image reference, or fields of a cache backend such as "
    "`type=registry,ref=ghcr.io/acme/fn:cache,mode=max`."
)
_ENTRIES: _Schema = {
    "type": [*_SCALARS, "array"],
    "items": {"type": _SCALARS, "description": _ENTRY},
}

# The keys of a function, each with its kind and what an editor shows.
_FUNCTION: tuple[tuple[str, _Schema, str], ...] = (
    ("lang", _TEXT, "The template of the function, or `dockerfile`."),
    ("handler", _TEXT, "The folder of the function's code."),
    ("image", _TEXT, "The image that the build makes: `REGISTRY/NAME:TAG`."),
    ("skip_build", _BOOLEAN, "Whether the function is not built."),
    ("build_args", _PAIRS, "Build arguments by name."),
    ("build_secrets", _PAIRS, "The file of each build secret, by its id."),
    ("build_options", _LIST, "Build options of the template."),
    (
        "platforms",
        _TEXT,
        (
            "Comma-separated platforms, such as `linux/amd64,linux/arm64`. They apply where the "
            "image is pushed."
        ),
    ),
    (
        "builder_flags",
        _TEXTS,
        (
            "Further arguments of the builder, each passed as written: one item for a flag with "
            "its value, such as `--network=host`."
        ),
    ),
    ("build_labels", _PAIRS, "Labels of the image by name."),
    ("context", _TEXT, "A build context of its own, in place of `build/NAME`: a path or a URL."),
    ("output", _TEXT, "`push`, `load`, or a value of `--output`."),
    ("pull", _BOOLEAN, "Whether newer base images are pulled."),
    ("squash", _BOOLEAN, "Whether the layers are squashed; BuildKit does not support it."),
    ("ssh", _TEXTS, "SSH agents or keys for the build: values of `--ssh`."),
    ("extra_tags", _TEXTS, "Further tags of the image."),
    ("tag_as", _TEXT, "The image to tag in place of `image`."),
    ("provenance", _TEXT, "The value of `--provenance`: `false` leaves the attestation out."),
    ("sbom", _TEXT, "The value of `--sbom`."),
    ("fprocess", _TEXT, "The process that the watchdog starts."),
    ("namespace", _TEXT, "The namespace of the deployment."),
    ("environment", _PAIRS, "Environment variables of the deployment."),
    ("environment_file", _LIST, "Files with environment variables."),
    ("secrets", _LIST, "Secrets of the deployment."),
    ("constraints", _LIST, "Constraints of the deployment."),
    ("labels", _PAIRS, "Labels of the deployment."),
    ("annotations", _PAIRS, "Annotations of the deployment."),
    ("limits", _RESOURCES, "Limits of `cpu` and `memory`."),
    ("requests", _RESOURCES, "Requests of `cpu` and `memory`."),
    ("readonly_root_filesystem", _BOOLEAN, "Whether the root file system is read-only."),
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a stack file, as `docs/stack.schema.json` holds it."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "OpenFaaS stack file",
        "description": "Functions, and how their images are built and cached.",
        "type": "object",
        "required": ["provider"],
        "properties": {
            "version": _described(_TEXT, "The version of the format: `1.0`.") | {"default": "1.0"},
            "provider": {
                "description": "The platform of the functions.",
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"description": "`openfaas`.", "type": _SCALARS, "default": "openfaas"},
                    "gateway": _described(_TEXT, "The URL of the gateway."),
                },
            },
            "functions": {
                "description": "The functions by name.",
                "type": ["object", "null"],
                "additionalProperties": {"$ref": "#/definitions/function"},
            },
            "configuration": _configuration(),
        },
        "definitions": {"function": _function(), "build_cache": _build_cache()},
    }


def _configuration() -> _Schema:
    return {
        "description": "Settings for all functions.",
        "type": ["object", "null"],
        "properties": {
            "build_cache": {
                "description": "The cache setting of every function without its own.",
                "anyOf": [{"$ref": "#/definitions/build_cache"}],
            },
            "copy": _described(_LIST, "Files and folders to copy into every context."),
            "templates": {
                "description": "Where missing templates are pulled from.",
                "type": ["array", "null"],
                "items": {
                    "type": ["object", "null"],
                    "properties": {
                        "name": _described(_TEXT, "The name of the template."),
                        "source": _described(_TEXT, "A git repository: `URL#REF`."),
                    },
                },
            },
        },
    }


def _function() -> _Schema:
    """A function; one without `lang` and `context` is only deployed, and its build keys pass."""
    kinds = {key: schema for key, schema, _ in _FUNCTION}
    kinds["build_cache"] = {"anyOf": [{"$ref": "#/definitions/build_cache"}]}
    texts = {
        "build_cache": "Where the build imports its cache from, and exports it to. Without a "
        "setting there is no caching."
    } | {key: text for key, _, text in _FUNCTION}
    absent: _Schema = {"enum": ["", None]}
    return {
        "description": "One function.",
        "type": ["object", "null"],
        "properties": {
            key: _described({} if key in OWN_KEYS else kinds[key], text)
            for key, text in texts.items()
        },
        "if": {"properties": {"lang": absent, "context": absent}},
        "else": {"properties": {key: kinds[key] for key in texts if key in OWN_KEYS}},
    }


def _described(schema: _Schema, text: str) -> _Schema:
    return {"description": text, **schema}


def _build_cache() -> _Schema:
    """B, C1 and B5: a mode, the lists of entries, or a mode with options."""
    options = {
        "scope": {
            "description": "Keeps the cache in a tag of its own: a branch, or with `{platform}`.",
            "type": _SCALARS,
        },
        "fallback_scopes": {
            "description": "Scopes that are imported after its own.",
            "type": [*_SCALARS, "array"],
            "items": {"type": _SCALARS},
        },
        "repository": {
            "description": "A repository for caches, without a tag, apart from the images.",
            "type": _SCALARS,
        },
    }
    return {
        "anyOf": [
            {"type": "null"},
            *(_described({"const": mode}, text) for mode, text in _MODES.items()),
            _substitution(),
            {
                "description": "Cache entries to import from and to export to.",
                "type": "object",
                "properties": {
                    "from": _described(_ENTRIES, "Caches to import, in order."),
                    "to": _described(_ENTRIES, "Where the cache is exported to."),
                    "mode": False,
                },
            },
            {
                "description": "`max` with options.",
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": {
                        "anyOf": [_described({"const": "max"}, _MODES["max"]), _substitution()]
                    },
                    **options,
                    "from": False,
                    "to": False,
                },
            },
            {
                "description": "`inline`, which has no options.",
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": _described({"const": "inline"}, _MODES["inline"]),
                    **dict.fromkeys((*options, "from", "to"), False),
                },
            },
        ]
    }


def _substitution() -> _Schema:
    return {"description": "The value of a variable.", "type": "string", "pattern": _SUBSTITUTION}
