"""The packages that are installed, compared with those that were locked."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Dict, List


@lru_cache(maxsize=None)
def installed() -> Dict[str, str]:
    """Every installed distribution by its normalised name (PEP 503).

    Read once: nobody can write to the environment while processes run in it, and forked children
    have what their parent read.
    """
    try:
        from importlib.metadata import distributions
    except ImportError:
        return _installed_in_old_python()
    versions: Dict[str, str] = {}
    for each in distributions():
        # An entry without a name is a leftover of a broken installation. Of two with one name the
        # first on the path is what an import gets; setuptools appends copies of its own.
        vendored = os.path.basename(os.path.normpath(str(each.locate_file("")))) == "_vendor"
        if each.metadata["Name"] and not vendored:
            versions.setdefault(normalised(each.metadata["Name"]), each.version)
    return versions


def _installed_in_old_python() -> Dict[str, str]:
    import pkg_resources  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return {normalised(each.project_name): each.version for each in pkg_resources.working_set}


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differences(locked: Dict[str, str], present: Dict[str, str]) -> List[str]:
    """One sentence per package that is missing here, has another version, or is not locked.

    Nothing is asked where nothing is locked.
    """
    wanted = {normalised(name): (name, version) for name, version in locked.items()}
    other = [
        "package %s: asked %s, found %s" % (name, version, present.get(key, "none"))
        for key, (name, version) in sorted(wanted.items())
        if not are_equal(present.get(key, "none"), version)
    ]
    foreign = sorted(set(present) - set(wanted)) if locked else []
    return other + ["package %s: asked none, found %s" % (name, present[name]) for name in foreign]


def are_equal(one: str, other: str) -> bool:
    """Whether two texts are the same version: 1.0 and 1.0.0, 2021.05 and 2021.5 are."""
    return _comparable(one) == _comparable(other)


def _comparable(version: str) -> str:
    if re.match(r"^[0-9]+(\.[0-9]+)*$", version) is None:
        # TensorFlow itself says 2.20.0-rc0 where its package is called 2.20.0rc0.
        return version.lower().replace("-", "")
    return re.sub(r"(\.0)+$", "", ".".join(str(int(part)) for part in version.split(".")))
