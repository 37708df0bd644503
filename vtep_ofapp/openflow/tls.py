"""The TLS settings of the OpenFlow port, read again when one of their files changes."""

import logging
import os
import ssl
from typing import TypeAlias

LOG = logging.getLogger("vtep_ofapp.switch.listener")

_Stamp: TypeAlias = "tuple[tuple[int, int, int] | None, ...]"

_HINTS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS, and this port does; its controller is to be "
    "ssl:ADDRESS:PORT",
    "HTTP_REQUEST": "it does not speak TLS, and no OpenFlow either",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no certificate; ovs-vsctl set-ssl gives it one",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not of the CA in ca_certs",
    "TLSV1_ALERT_UNKNOWN_CA": "the CA that it trusts did not sign ctl_cert",
}


def hint(error: Exception) -> str:
    """Return the likely cause of a TLS error, as the end of a log line, or an empty string."""
    known = _HINTS.get(str(error.reason)) if isinstance(error, ssl.SSLError) else None
    return f" ({known})" if known else ""


class Certificates:
    """Our key and certificate, and the CA of the switches, as a TLS context."""

    def __init__(self, key: str, certificate: str, ca: str, ciphers: str | None) -> None:
        """Load PEM files, and set OpenSSL's list of ciphers; raises OSError."""
        self._files = key, certificate, ca
        self._ciphers = ciphers
        self._stamp = self._look()
        self._context = self._read()

    def context(self) -> ssl.SSLContext:
        """Return a context of the current files.

        While these cannot be loaded together, it is the context of the former files.
        """
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._context = self._read()
            except OSError as error:
                files = ", ".join(self._files)
                what = "the new certificates are not used, the former ones are: %s: %s"
                LOG.error(what, files, error)
            else:
                LOG.info("new certificates are used: %s", ", ".join(self._files))
        return self._context

    def _look(self) -> _Stamp:
        return tuple(map(_stamp_of, self._files))

    def _read(self) -> ssl.SSLContext:
        key, certificate, ca = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key, password="")
        if self._ciphers is not None:
            context.set_ciphers(self._ciphers)
        return context


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    """Return a value that changes with the content of a file, None if there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
