"""The real clients, each asked what it makes of many certificates at once: connected to servers, or given files.

Each is a function that gets the questions and a folder of its own, and returns for each question why it refuses, or
an empty text. Nothing here knows a rule.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doctor.cases import Case, Chain
from tests.doctor.presenter import Presented

PROGRAMS = Path(__file__).parent / "programs"
TIMEOUT = 300
#: A browser gives up on nothing by itself.
BROWSER_TIMEOUT = 120


@dataclass(frozen=True)
class Question:
    """A chain in files, and the server that presents it; a client's certificate has none."""

    case: Case
    chain: Chain
    folder: Path
    served: Presented | None

    @property
    def is_address(self) -> bool:
        return self.chain.hostname[:1].isdigit()


Answers = dict[str, str]
Ask = Callable[[Sequence[Question], Path, Callable[[str], str]], Answers]


def run(
    *argv: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = TIMEOUT
) -> tuple[int, str]:
    """Run a program and return its exit code and what it said."""
    words = [str(part) for part in argv]
    done = subprocess.run(
        words,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        timeout=timeout,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def openssl(questions: Sequence[Question], _folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask ``openssl s_client``, as Debian and OpenSSL since 3.2 set the security level; ``verify`` for clients."""
    program = need("openssl")
    answers = {}
    for question in questions:
        roots = ("-CAfile", question.folder / "roots.pem", "-no-CApath", "-no-CAstore")
        if question.served is None:
            sent = question.folder / "sent.pem"
            untrusted: tuple[str | Path, ...] = ("-untrusted", sent) if sent.stat().st_size else ()
            words = ("verify", "-auth_level", "2", "-purpose", "sslclient", *roots, *untrusted)
            code, text = run(program, *words, question.folder / "leaf.pem")
        else:
            host = question.chain.hostname
            name = ("-verify_ip", host) if question.is_address else ("-verify_hostname", host, "-servername", host)
            where = ("-connect", f"127.0.0.1:{question.served.port}")
            level = ("-cipher", "DEFAULT:@SECLEVEL=2")
            code, text = run(program, "s_client", *where, *name, "-verify_return_error", *roots, *level)
        answers[question.case.name] = "" if code == 0 else _errors(text)
    return answers


def openssl_strict(questions: Sequence[Question], _folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask Python's ``ssl`` with the flags that ``create_default_context`` sets since 3.13."""
    answers = openssl_clients_strictly([question for question in questions if question.served is None], need("openssl"))
    for question in questions:
        if question.served is not None:
            answers[question.case.name] = _python_says(question)
    return answers


def openssl_clients_strictly(questions: Sequence[Question], program: str) -> Answers:
    answers = {}
    for question in questions:
        sent = question.folder / "sent.pem"
        untrusted: tuple[str | Path, ...] = ("-untrusted", sent) if sent.stat().st_size else ()
        flags = ("-x509_strict", "-partial_chain", "-auth_level", "2", "-purpose", "sslclient")
        roots = ("-CAfile", question.folder / "roots.pem", "-no-CApath", "-no-CAstore")
        code, text = run(program, "verify", *flags, *roots, *untrusted, question.folder / "leaf.pem")
        answers[question.case.name] = "" if code == 0 else _errors(text)
    return answers


def _python_says(question: Question) -> str:
    import socket

    assert question.served is not None
    context = ssl.create_default_context(cafile=str(question.folder / "roots.pem"))
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        with (
            socket.create_connection(("127.0.0.1", question.served.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=question.chain.hostname),
        ):
            return ""
    except OSError as error:
        return str(error) or type(error).__name__


def go(questions: Sequence[Question], folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask Go's ``crypto/tls`` and ``crypto/x509``; as a module, for a lone file gets the manners of an old version."""
    program, source = folder / "verify", folder / "source"
    source.mkdir()
    shutil.copy(PROGRAMS / "verify.go", source)
    settings = {**os.environ, "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local"}
    for words in (("mod", "init", "verify"), ("build", "-o", program)):
        code, text = run(need("go"), *words, env=settings, cwd=source)
        assert code == 0, text
    return _by_lines(questions, run(program, *(question.folder for question in questions))[1])


def java(questions: Sequence[Question], folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask Java's default trust manager."""
    code, text = run(need("javac"), "-d", folder, PROGRAMS / "Verify.java")
    assert code == 0, text
    return _by_lines(questions, run(need("java"), "-cp", folder, "Verify", *(q.folder for q in questions))[1])


def gnutls(questions: Sequence[Question], _folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask ``gnutls-cli``; ``certtool`` for clients."""
    answers = {}
    for question in questions:
        roots = question.folder / "roots.pem"
        if question.served is None:
            words = ("--verify", "--load-ca-certificate", roots, "--verify-purpose", "1.3.6.1.5.5.7.3.2")
            code, text = run(need("certtool"), *words, "--infile", question.folder / "chain.pem")
        else:
            host = question.chain.hostname
            names = ("--verify-hostname", host, *(() if question.is_address else ("--sni-hostname", host)))
            where = ("--port", str(question.served.port), "127.0.0.1")
            code, text = run(need("gnutls-cli"), "--x509cafile", roots, *names, *where)
        answers[question.case.name] = "" if code == 0 else _errors(text)
    return answers


def chrome(questions: Sequence[Question], folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask Chromium, with the roots in its user's NSS database."""
    home = folder / "home"
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    trust(questions, database, need("certutil"), alone="P,,")
    page = page_of(questions, folder)
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * 127.0.0.1", "--dump-dom")
    settings = {**os.environ, "HOME": str(home)}
    with suppress(subprocess.TimeoutExpired):  # the servers know what it did until then
        run(need("chromium"), *flags, page.as_uri(), env=settings, timeout=BROWSER_TIMEOUT)
    return _by_servers(questions)


def firefox(questions: Sequence[Question], folder: Path, need: Callable[[str], str]) -> Answers:
    """Ask Firefox, with the roots in a profile of its own."""
    profile = folder / "profile"
    profile.mkdir()
    trust(questions, profile, need("certutil"), alone="C,,")
    hosts = {question.chain.hostname for question in questions if not question.is_address}
    preferences: dict[str, Any] = {
        "network.dns.localDomains": ",".join(sorted(hosts)),
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.normandy.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "browser.startup.homepage_override.mstone": "ignore",
        "security.OCSP.enabled": 0,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
    }
    lines = [f'user_pref("{name}", {_javascript(value)});' for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    page = page_of(questions, folder)
    words = ("--headless", "--no-remote", "--profile", profile, "--screenshot", folder / "seen.png", page.as_uri())
    settings = {**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"}
    with suppress(subprocess.TimeoutExpired):
        run(need("firefox-esr"), *words, env=settings, timeout=BROWSER_TIMEOUT)
    return _by_servers(questions)


def trust(questions: Sequence[Question], database: Path, certutil: str, *, alone: str) -> None:
    """Trust all roots as CAs, and a host that no CA signed as *alone* says. What NSS does not read stays untrusted."""
    where = ("-d", f"sql:{database}")
    assert run(certutil, "-N", *where, "--empty-password")[0] == 0
    for number, question in enumerate(questions):
        trust = alone if question.case.rules == {"self-signed"} else "C,,"
        run(certutil, "-A", *where, "-n", f"root {number}", "-t", trust, "-i", question.folder / "roots.pem")


def page_of(questions: Sequence[Question], folder: Path) -> Path:
    images = (f'<img src="https://{q.chain.hostname}:{q.served.port}/">' for q in questions if q.served)
    page = folder / "page.html"
    page.write_text(f"<html><body>{''.join(images)}</body></html>", encoding="utf-8")
    return page


def _by_servers(questions: Sequence[Question]) -> Answers:
    """Return what the servers saw: a request, or how the connection ended."""
    assert any(q.served and (q.served.requests or q.served.alerts) for q in questions), "the browser did not start"
    return {
        q.case.name: "" if q.served.accepted else "; ".join(sorted(set(q.served.alerts))) or "no request"
        for q in questions
        if q.served is not None
    }


def _by_lines(questions: Sequence[Question], text: str) -> Answers:
    lines = text.splitlines()
    assert len(lines) == len(questions), text
    return {q.case.name: line.removeprefix("accepted") for q, line in zip(questions, lines, strict=True)}


def _errors(text: str) -> str:
    telling = [line.strip() for line in text.splitlines() if "rror" in line or "Status" in line or "output:" in line]
    return "; ".join(telling)[:300] or "refused"


def _javascript(value: object) -> str:
    import json

    return json.dumps(value)
