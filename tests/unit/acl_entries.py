"""Entries of access lists, numbered by their rows and sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vtep_ofapp.values.acls import AclEntry, AclMatch, Refusal

from .builders import uuid


def entry(number: int, *, out: bool = False, permits: bool = False, **fields: Any) -> AclEntry:
    """Return the entry whose sequence is 10 times its number."""
    return AclEntry(uuid(0xE00 + number), 10 * number, out, permits, AclMatch(**fields))


def invalid(number: int, *, out: bool = False) -> AclEntry:
    """Return the entry whose source_mask cannot be used."""
    refused = (Refusal("source_mask: ff:: is no mask", "source_mask", clears=True),)
    return replace(entry(number, out=out), match=None, refused=refused)
