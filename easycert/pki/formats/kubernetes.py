"""Kubernetes objects as YAML: a TLS Secret, and a ConfigMap of certificates.

Source: the Kubernetes API (core/v1), which decodes ``data`` of a Secret from base64 and takes the text of a ConfigMap
as it is. Names are DNS subdomains (RFC 1123).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable

#: metadata.name: a DNS subdomain.
_NAME_MAX = 253


def object_name(name: str) -> str:
    """Return *name* as the name of a Kubernetes object: lower-case letters, digits, hyphens and dots."""
    text = re.sub(r"[^a-z0-9.-]+", "-", name.lower().replace("*", "wildcard"))
    labels = [label.strip("-") for label in text[:_NAME_MAX].split(".")]
    return ".".join(label for label in labels if label) or "certificate"


def secret(name: str, entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a Secret of the type ``kubernetes.io/tls``, which needs the entries ``tls.crt`` and ``tls.key``."""
    data = ((key, binascii.b2a_base64(value, newline=False).decode()) for key, value in entries)
    return _yaml("Secret", name, ["type: kubernetes.io/tls", "data:", *(f"  {key}: {value}" for key, value in data)])


def config_map(name: str, entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a ConfigMap whose values are the texts (PEM) of *entries*."""
    lines = ["data:"]
    for key, value in entries:
        lines += [f"  {key}: |", *(f"    {line}" for line in value.decode("ascii").splitlines())]
    return _yaml("ConfigMap", name, lines)


def _yaml(kind: str, name: str, lines: Iterable[str]) -> bytes:
    # In quotation marks: a name may look like a number, a date or `no` to YAML.
    head = ["apiVersion: v1", f"kind: {kind}", "metadata:", f'  name: "{object_name(name)}"']
    return "".join(f"{line}\n" for line in [*head, *lines]).encode()
