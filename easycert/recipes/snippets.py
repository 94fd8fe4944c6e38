"""Templates of configuration: only the named placeholders are replaced, each by one quoted value.

========================  =============================================================================
``{name}``                the name in the certificate directory
``{host}``                the first DNS name or IP address of the certificate; without one, the name
``{hosts}``               all DNS names and IP addresses (IPv6 in brackets, as in URLs), each quoted by itself
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
#: Where the items of a list have commas between them.
_WITH_COMMAS = (Quoting.JSON, Quoting.HCL, Quoting.CADDY)
#: What each is called in an error.
WORDS = {
    "name": "name",
    "host": "host name",
    "hosts": "host name",
    "destination": "directory",
    "object": "name",
    "passphrase": "passphrase",
}


def placeholders(template: str) -> frozenset[str]:
    """Return the placeholders in *template*, as ``destination`` or ``path:fullchain.pem``."""
    return frozenset(_PLACEHOLDER.findall(template))


def filled(template: str, values: Mapping[str, str | tuple[str, ...]], quoting: Quoting) -> str:
    """Return *template* with *values* in place of its placeholders, as *quoting* writes them; several as a list.

    Raises InvalidInput for a value that *quoting* cannot write, or that holds control or invisible characters.
    """

    def value(found: re.Match[str]) -> str:
        what, given = WORDS.get(found[1], "path"), values[found[1]]
        texts = (given,) if isinstance(given, str) else given
        for text in texts:
            if not text.isprintable():
                raise InvalidInput(what, text, "holds characters that no configuration can: control or invisible ones")
        return (", " if quoting in _WITH_COMMAS else " ").join(quoted(quoting, what, text) for text in texts)

    return _PLACEHOLDER.sub(value, template)
