"""Templates of configuration: only the named placeholders are replaced, each by one quoted value.

========================  =============================================================================
``{name}``                the name in the certificate directory
``{host}``                the first DNS name or IP address of the certificate; without one, the name
``{destination}``         the directory that the files are in
``{object}``              the name as that of a Kubernetes object
``{path:FILE}``           the absolute path of a file of the recipe
``{file:FILE}``           its name alone, for files that are taken to another machine
``{passphrase}``          the passphrase that is everybody's, or the word PASSPHRASE where it is a secret
========================  =============================================================================

Other braces stay: many configurations are full of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from easycert.errors import InvalidInput
from easycert.recipes.quoting import quoted
from easycert.recipes.values import Quoting

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?::(?:\{name\})?[^{}\s]*)?)\}")
#: What each is called in an error.
WORDS = {
    "name": "name",
    "host": "host name",
    "destination": "directory",
    "object": "name",
    "passphrase": "passphrase",
}


def placeholders(template: str) -> frozenset[str]:
    """Return the placeholders in *template*, as ``destination`` or ``path:fullchain.pem``."""
    return frozenset(_PLACEHOLDER.findall(template))


def filled(template: str, values: Mapping[str, str], quoting: Quoting) -> str:
    """Return *template* with *values* in place of its placeholders, as *quoting* writes them.

    Raises InvalidInput for a value that *quoting* cannot write, or that holds control or invisible characters.
    """

    def value(found: re.Match[str]) -> str:
        placeholder = found[1]
        what, text = WORDS.get(placeholder, "path"), values[placeholder]
        if not text.isprintable():
            raise InvalidInput(what, text, "holds characters that no configuration can: control or invisible ones")
        return quoted(quoting, what, text)

    return _PLACEHOLDER.sub(value, template)
