"""The machine as the stores see it: its kind, its root directory, a home, and an environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from easycert.errors import TrustStoreUnusable
from easycert.trust import platforms
from easycert.trust.children import Children
from easycert.trust.platforms import Platform


class Machine:
    """Where stores are looked for: below *root* and *home*, with programs and variables of *environment*.

    *system* is ``linux`` or ``darwin``, as ``sys.platform`` says. A *root* other than ``/`` is another tree, such as
    that of an image that is being made.
    """

    def __init__(self, *, home: str, environment: Mapping[str, str], root: str = "/", system: str = "linux") -> None:
        """Describe the machine; nothing is looked at yet."""
        self.home = home
        self.environment = environment
        self.root = root
        self.is_macos = system == "darwin"
        self.children = Children(environment)

    @property
    def is_under_sudo(self) -> bool:
        """Whether somebody has become the superuser for this one command."""
        return "SUDO_USER" in self.environment

    @cached_property
    def platform(self) -> Platform | None:
        """The row that describes this system, or None for one that nobody has described."""
        if self.is_macos:
            return platforms.MACOS
        return next((row for row in platforms.LINUX if any(map(self._is_there, row.markers))), None)

    def below_root(self, path: str) -> str:
        """Return *path*, which has no first slash, below the root."""
        return os.path.join(self.root, path)

    def below_home(self, path: str) -> str:
        """Return *path* below the home directory."""
        return os.path.join(self.home, path)

    def require(self, tool: str, place: str) -> None:
        """Raise TrustStoreUnusable, with the command that brings it, when *place* needs a *tool* that is missing."""
        if self.children.find(tool) is None:
            package = self.platform.packages.get(tool, "") if self.platform else ""
            raise TrustStoreUnusable(place, f"the program {tool} is missing", package=package)

    def _is_there(self, path: str) -> bool:
        return os.path.exists(self.below_root(path))
