"""A package's public names, imported when they are first asked for (PEP 562).

What reads transcripts, and what answers, takes several times as long to import as the types and the settings,
which are all that many a caller needs.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["exported"]


def exported(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package; ``modules`` names where in it each public name is."""

    def getter(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return getter, lambda: sorted({*vars(sys.modules[package]), *modules})
