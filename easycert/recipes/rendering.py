"""From a recipe and what there is of a name to files, a snippet of configuration and a command: pure."""

from __future__ import annotations

import posixpath

from cryptography import x509

from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki.keys import key_name
from easycert.recipes.contents import Protection, contents
from easycert.recipes.snippets import filled
from easycert.recipes.values import File, Material, Plan, Quoting, Recipe, Rendering, Secret, Wanted

#: NAME_MAX of every common file system, in bytes.
_FILE_NAME_MAX = 255


def render(recipe: Recipe, material: Material, wanted: Wanted) -> Rendering:
    """Return what *recipe* makes of *material*.

    Raises InvalidInput for a kind, passphrase or legacy form that it is not made for and for a name or directory that
    its configuration cannot hold, NotFound for a key or certificate that is needed and is not there, and WeakKey for
    a key that the format cannot hold.
    """
    _require_fit(recipe, material, wanted)
    protection = Protection(_passphrase(recipe, wanted), wanted.legacy, bool(recipe.password_file))
    files = []
    for plan in recipe.files:
        data = contents(plan, material, protection)
        if data:
            files.append(File(_file_name(plan, material), data, plan.mode))
    values = _values(recipe, material, wanted)
    return Rendering(
        tuple(files),
        filled(recipe.snippet, values, recipe.quoting),
        filled(recipe.reload, values, Quoting.SHELL),
    )


def file_names(recipe: Recipe, material: Material) -> tuple[str, ...]:
    """Return the names of all files that *recipe* may make of *material*. Raises InvalidInput for one too long."""
    return tuple(_file_name(plan, material) for plan in recipe.files)


def is_same(recipe: Recipe, wanted: Wanted, file: File, existing: bytes) -> bool:
    """Return whether *existing* holds what *file*, which *recipe* made for *wanted*, holds.

    That is the same bytes, except in PKCS#12, which is salted: there it is what can be read under the passphrase.
    """
    if file.data == existing:
        return True
    if not any(plan.format.is_pkcs12 for plan in recipe.files):
        return False
    from easycert.pki.formats import pkcs12

    return pkcs12.is_same(file.data, existing, _passphrase(recipe, wanted))


def _require_fit(recipe: Recipe, material: Material, wanted: Wanted) -> None:
    if material.kind not in recipe.kinds:
        fit = " or ".join("CA" if kind is Kind.CA else kind.value for kind in recipe.kinds)
        given = "CA" if material.kind is Kind.CA else material.kind.value
        raise InvalidInput("recipe", recipe.name, f"is for a certificate of a {fit}, not of a {given}")
    key_type = key_name(material.certificate.public_key())
    if recipe.keys and not key_type.startswith(recipe.keys):
        fit = " or ".join(recipe.keys)
        reason = f"is for a program that knows {fit} keys only; {material.name} has one of the type {key_type}"
        raise InvalidInput("recipe", recipe.name, reason)
    given = wanted.passphrase is not None
    if given and recipe.secret is Secret.NONE:
        raise InvalidInput("recipe", recipe.name, "takes no passphrase: what it writes is not encrypted")
    if recipe.secret is Secret.REQUIRED and not given and not recipe.default_passphrase:
        raise InvalidInput("recipe", recipe.name, "needs a passphrase, which protects the private key in its file")
    if wanted.legacy and not (recipe.has_legacy and given):
        reason = "has a legacy form only under a passphrase" if recipe.has_legacy else "has no legacy form"
        raise InvalidInput("recipe", recipe.name, reason)
    if recipe.password_file and wanted.passphrase is not None:
        _require_one_line(wanted.passphrase)


def _require_one_line(passphrase: bytes) -> None:
    try:
        is_line = passphrase.decode().isprintable() and passphrase
    except UnicodeDecodeError:
        is_line = False
    if not is_line:
        raise InvalidInput("passphrase", "***", "is not one line of printable UTF-8, as a file for it needs")


def _passphrase(recipe: Recipe, wanted: Wanted) -> bytes | None:
    return wanted.passphrase if wanted.passphrase is not None else recipe.default_passphrase.encode() or None


def _file_name(plan: Plan, material: Material) -> str:
    name = plan.name.replace("{name}", material.name)
    if len(name.encode()) > _FILE_NAME_MAX:
        raise InvalidInput("file name", name, f"is longer than {_FILE_NAME_MAX} bytes")
    return name


def _values(recipe: Recipe, material: Material, wanted: Wanted) -> dict[str, str | tuple[str, ...]]:
    from easycert.pki.formats.kubernetes import object_name

    hosts = _hosts(material)
    # A passphrase that somebody chose is never shown.
    shown = "PASSPHRASE" if wanted.passphrase is not None else recipe.default_passphrase
    values: dict[str, str | tuple[str, ...]] = {
        "name": material.name,
        "host": hosts[0].strip("[]") if ":" in hosts[0] else hosts[0],
        "hosts": hosts,
        "destination": wanted.destination,
        "object": object_name(material.name),
        "passphrase": shown,
    }
    for plan in recipe.files:
        values[f"file:{plan.name}"] = name = _file_name(plan, material)
        values[f"path:{plan.name}"] = posixpath.join(wanted.destination, name)
    return values


def _hosts(material: Material) -> tuple[str, ...]:
    """Return the DNS names and IP addresses that the certificate is for; without any, the name of the certificate."""
    try:
        names = material.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return (material.name,)
    found = [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    return tuple(f"[{host}]" if ":" in host else host for host in found) or (material.name,)
