"""The names that a face exports: all but those that begin with an underscore."""

from types import ModuleType


def public_names(room: ModuleType) -> list[str]:
    return sorted(name for name in dir(room) if not name.startswith("_"))
