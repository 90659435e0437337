"""Public values as plain JSON data, and back."""

from faas_cache.serialization.conversion import from_dict as from_dict
from faas_cache.serialization.conversion import to_dict as to_dict

__all__ = ["from_dict", "to_dict"]
