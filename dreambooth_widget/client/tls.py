"""Which certificates are trusted: those of the operating system, and those that the environment names."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import sys
import threading
from pathlib import Path

import truststore

__all__ = ["certificate_problem", "tls_context"]

log = logging.getLogger(__name__)

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name a file or a folder of trusted certificates."""

_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)
"""Where Linux distributions keep the system's certificates, for a Python whose OpenSSL looks elsewhere."""

_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_NAME = frozenset({62, 64})
_ADVICE = "set SSL_CERT_FILE to a file with the certificate of its issuer if you trust it"

_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
"""The context by the values of `_VARIABLES`: a cell may set one between two requests."""

_reading = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child must not find it held by a thread that it does not have
    os.register_at_fork(before=_reading.acquire, after_in_parent=_reading.release, after_in_child=_reading.release)


async def tls_context() -> ssl.SSLContext:
    """Return the context for this environment. Reading the certificates (20 ms) runs in a thread, once."""
    values = tuple(os.environ.get(name, "") for name in _VARIABLES)
    if values not in _contexts:
        await asyncio.to_thread(_keep_context, values)
    return _contexts[values]


def _keep_context(values: tuple[str, ...]) -> None:
    with _reading:  # the first requests come together, and connections are pooled by their context
        if values not in _contexts:
            _contexts[values] = _make_context(values)


def _make_context(values: tuple[str, ...]) -> ssl.SSLContext:
    context = _system_context()
    for name, value in zip(_VARIABLES, values, strict=True):
        if not value:
            continue
        try:
            context.load_verify_locations(**{"capath" if Path(value).is_dir() else "cafile": value})
        except OSError as error:  # an `ssl.SSLError` is one: a missing file, a file without certificates
            log.warning("%s names %s, which cannot be used: %s", name, value, error.strerror or "no certificates")
    return context


def _system_context() -> ssl.SSLContext:
    if sys.platform in ("darwin", "win32"):
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Elsewhere the system's certificates are files, which truststore would parse anew for each connection, on the loop.
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        store = next(filter(os.path.isfile, _STORES), None)
        if store is not None:
            context.load_verify_locations(cafile=store)
    return context


def certificate_problem(error: Exception, host: str) -> str:
    """Return what is wrong with the certificate of `host`, and what to do about it, as a clause."""
    code, text = getattr(error, "verify_code", 0), str(error).lower()
    if code == _EXPIRED or "expired" in text:
        return f"the certificate of {host} has expired; check this machine's clock, or tell its owner"
    if code == _NOT_YET_VALID or "not yet valid" in text:
        return f"the certificate of {host} is not valid yet; check this machine's clock"
    if code in _OTHER_NAME or "mismatch" in text or "name does not match" in text:
        return f"the certificate of {host} is for another name; check the address"
    return f"the certificate of {host} comes from an unknown issuer; {_ADVICE}"
