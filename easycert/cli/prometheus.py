"""What ``check`` saw as metrics in Prometheus' text format, version 0.0.4, for node_exporter's textfile collector.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and /docs/practices/naming/.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from easycert.pki.wording import one_line

if TYPE_CHECKING:
    from easycert.workflows.check import Check, Checked

#: By labels: of what is the same to its labels, the last counts, as the format wants it.
_Samples: TypeAlias = dict[str, int]


def metrics(check: Check) -> str:
    """Return the metrics of *check*."""
    families = (
        _family(
            "certificate_not_after_timestamp_seconds",
            "When the certificate ends (notAfter), in seconds since 1970.",
            {_labels(item): _seconds(item.not_after) for item in check.items},
        ),
        _family(
            "certificate_not_before_timestamp_seconds",
            "When the certificate begins (notBefore), in seconds since 1970.",
            {_labels(item): _seconds(item.not_before) for item in check.items},
        ),
        _family(
            "certificate_revoked",
            "Whether the certificate is revoked (1) or not (0).",
            {_labels(item): int(item.state == "revoked") for item in check.items},
        ),
        _family(
            "crl_next_update_timestamp_seconds",
            "When the CRL is out of date (nextUpdate), in seconds since 1970.",
            {
                _labelled(name=item.name, issuer=item.issuer or ""): _seconds(item.next_update)
                for item in check.crls
                if item.next_update
            },
        ),
        _family("check_failing", "How many certificates end too soon.", {"": len(check.failing)}),
        _family("check_problems", "How many files could not be read.", {"": len(check.problems)}),
        _family("check_timestamp_seconds", "When this was written, in seconds since 1970.", {"": _seconds(check.at)}),
    )
    return "".join(line for family in families for line in family)


def _family(name: str, about: str, samples: _Samples) -> Iterator[str]:
    if samples:
        yield f"# HELP easycert_{name} {about}\n# TYPE easycert_{name} gauge\n"
    for labels, value in samples.items():
        yield f"easycert_{name}{labels} {value}\n"


def _labels(item: Checked) -> str:
    kind, name = (item.kind.value, item.name) if item.kind and item.name else ("file", item.path)
    return _labelled(kind=kind, name=name, issuer=item.issuer, serial=item.serial)


def _labelled(**labels: str) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    return one_line(value).replace("\\", "\\\\").replace('"', '\\"')


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
