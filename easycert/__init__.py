"""easycert: a private certificate authority that one person runs from one command and keeps for ten years.

Everything that the command line does is here, as functions over a :class:`CertDir`::

    from easycert import CaName, CertDir, HostName, IssueRequest, Kind, issue

    certdir = CertDir.open("certs")
    issue(certdir, [IssueRequest(Kind.CA, CaName("root"))])
    [made] = issue(certdir, [IssueRequest(Kind.HOST, HostName("www.example.com"), signas=CaName("root"))])
    print(made.certificate_path)

Names are imported when they are first used, so ``import easycert`` itself costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easycert.certdir import CertDir as CertDir
    from easycert.errors import EasycertError as EasycertError
    from easycert.errors import VerificationFailed as VerificationFailed
    from easycert.model import Kind as Kind
    from easycert.pki.keys import KeyType as KeyType
    from easycert.pki.lint import lint_certificate as lint_certificate
    from easycert.pki.lint import lint_crl as lint_crl
    from easycert.pki.names import CaName as CaName
    from easycert.pki.names import CodeName as CodeName
    from easycert.pki.names import HostName as HostName
    from easycert.pki.names import SafeName as SafeName
    from easycert.pki.names import UserName as UserName
    from easycert.pki.profiles import MODERN as MODERN
    from easycert.pki.profiles import SYNAPSE as SYNAPSE
    from easycert.pki.profiles import Profile as Profile
    from easycert.pki.sans import SubjectAltName as SubjectAltName
    from easycert.pki.sans import parse_san as parse_san
    from easycert.pki.subjects import parse_subject as parse_subject
    from easycert.pki.validity import parse_when as parse_when
    from easycert.workflows.adopt.adoption import AdoptRequest as AdoptRequest
    from easycert.workflows.adopt.adoption import adopt as adopt
    from easycert.workflows.adopt.results import Adopted as Adopted
    from easycert.workflows.csr import CsrMade as CsrMade
    from easycert.workflows.csr import CsrRequest as CsrRequest
    from easycert.workflows.csr import make_requests as make_requests
    from easycert.workflows.export import Exported as Exported
    from easycert.workflows.export import export_pkcs12 as export_pkcs12
    from easycert.workflows.exports.refreshing import HookTerms as HookTerms
    from easycert.workflows.exports.refreshing import refresh_exports as refresh_exports
    from easycert.workflows.exports.remembered import remembered_exports as remembered_exports
    from easycert.workflows.exports.values import ExportedFiles as ExportedFiles
    from easycert.workflows.exports.values import ExportRequest as ExportRequest
    from easycert.workflows.exports.writing import export as export
    from easycert.workflows.import_ import Imported as Imported
    from easycert.workflows.import_ import ImportRequest as ImportRequest
    from easycert.workflows.import_ import import_files as import_files
    from easycert.workflows.issue import Issued as Issued
    from easycert.workflows.issue import IssueRequest as IssueRequest
    from easycert.workflows.issue import issue as issue
    from easycert.workflows.lint import Linted as Linted
    from easycert.workflows.lint import LintReport as LintReport
    from easycert.workflows.lint import lint as lint
    from easycert.workflows.listing import Filter as Filter
    from easycert.workflows.listing import Listed as Listed
    from easycert.workflows.listing import listed as listed
    from easycert.workflows.next_crl import CrlOptions as CrlOptions
    from easycert.workflows.next_crl import Published as Published
    from easycert.workflows.ocsp import RespondRequest as RespondRequest
    from easycert.workflows.ocsp import SignerRequest as SignerRequest
    from easycert.workflows.ocsp import make_signer as make_signer
    from easycert.workflows.ocsp import respond as respond
    from easycert.workflows.publish import publish as publish
    from easycert.workflows.publish import publish_due as publish_due
    from easycert.workflows.renew.run import renew as renew
    from easycert.workflows.renew.values import Renewed as Renewed
    from easycert.workflows.renew.values import RenewRequest as RenewRequest
    from easycert.workflows.renew.values import RenewRun as RenewRun
    from easycert.workflows.revoke import Revoked as Revoked
    from easycert.workflows.revoke import RevokeRequest as RevokeRequest
    from easycert.workflows.revoke import Why as Why
    from easycert.workflows.revoke import revoke as revoke
    from easycert.workflows.revoke import revoke_named as revoke_named
    from easycert.workflows.show import shown as shown
    from easycert.workflows.sign import SigningRequest as SigningRequest
    from easycert.workflows.sign import sign_request as sign_request
    from easycert.workflows.tree import tree as tree
    from easycert.workflows.verify import VerifyRequest as VerifyRequest
    from easycert.workflows.verify import verify_named as verify_named

__version__ = "0.1.0"

_MODULES = {
    "certdir": ("CertDir",),
    "errors": ("EasycertError", "VerificationFailed"),
    "model": ("Kind",),
    "pki.keys": ("KeyType",),
    "pki.lint": ("lint_certificate", "lint_crl"),
    "pki.names": ("CaName", "CodeName", "HostName", "SafeName", "UserName"),
    "pki.sans": ("SubjectAltName", "parse_san"),
    "pki.profiles": ("MODERN", "SYNAPSE", "Profile"),
    "pki.subjects": ("parse_subject",),
    "pki.validity": ("parse_when",),
    "workflows.adopt.adoption": ("AdoptRequest", "adopt"),
    "workflows.adopt.results": ("Adopted",),
    "workflows.csr": ("CsrMade", "CsrRequest", "make_requests"),
    "workflows.sign": ("SigningRequest", "sign_request"),
    "workflows.export": ("Exported", "export_pkcs12"),
    "workflows.exports.refreshing": ("HookTerms", "refresh_exports"),
    "workflows.exports.remembered": ("remembered_exports",),
    "workflows.exports.values": ("ExportRequest", "ExportedFiles"),
    "workflows.exports.writing": ("export",),
    "workflows.import_": ("ImportRequest", "Imported", "import_files"),
    "workflows.issue": ("IssueRequest", "Issued", "issue"),
    "workflows.next_crl": ("CrlOptions", "Published"),
    "workflows.ocsp": ("RespondRequest", "SignerRequest", "make_signer", "respond"),
    "workflows.publish": ("publish", "publish_due"),
    "workflows.renew.run": ("renew",),
    "workflows.renew.values": ("RenewRequest", "RenewRun", "Renewed"),
    "workflows.revoke": ("RevokeRequest", "Revoked", "Why", "revoke", "revoke_named"),
    "workflows.lint": ("LintReport", "Linted", "lint"),
    "workflows.listing": ("Filter", "Listed", "listed"),
    "workflows.show": ("shown",),
    "workflows.tree": ("tree",),
    "workflows.verify": ("VerifyRequest", "verify_named"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604  (the names are strings; they come from the table above)


def __getattr__(name: str) -> Any:
    """Import *name* from where it lives (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'easycert' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(f"easycert.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
