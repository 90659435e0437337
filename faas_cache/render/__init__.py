"""Renderers: a plan spelled out as the commands of one front end."""

from faas_cache.render.commands import (
    RENDERERS as RENDERERS,
)
from faas_cache.render.commands import (
    Command as Command,
)
from faas_cache.render.commands import (
    bake as bake,
)
from faas_cache.render.commands import (
    buildx_build as buildx_build,
)
from faas_cache.render.commands import (
    docker_build as docker_build,
)
from faas_cache.render.commands import (
    docker_push as docker_push,
)
