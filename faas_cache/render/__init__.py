"""Front ends: a plan as the commands of one program."""

from faas_cache.render.bake_file import bake as bake
from faas_cache.render.buildah import buildah_build as buildah_build
from faas_cache.render.buildah import buildah_push as buildah_push
from faas_cache.render.buildctl import buildctl_build as buildctl_build
from faas_cache.render.buildx import buildx_build as buildx_build
from faas_cache.render.commands import Command as Command
from faas_cache.render.docker import docker_build as docker_build
from faas_cache.render.docker import docker_push as docker_push
from faas_cache.render.front_ends import FRONT_ENDS as FRONT_ENDS
from faas_cache.render.front_ends import FrontEnd as FrontEnd
from faas_cache.render.front_ends import choose_front_end as choose_front_end

__all__ = [
    "FRONT_ENDS",
    "Command",
    "FrontEnd",
    "bake",
    "buildah_build",
    "buildah_push",
    "buildctl_build",
    "buildx_build",
    "choose_front_end",
    "docker_build",
    "docker_push",
]
