"""Any columns of ACL_entry are refused with a reason, or have flows that a switch takes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.openflow import decoding
from vtep_ofapp.ovsdb.hardware_vtep.acl_entries import OPTIONAL, read_match
from vtep_ofapp.pipeline import acls
from vtep_ofapp.values.acls import AclEntry

from . import osken
from .builders import uuid
from .prerequisites import check_prerequisites

TEXTS = st.text(max_size=20)
ANY_NUMBER = st.integers(-(1 << 63), (1 << 63) - 1)
IPS = st.ip_addresses().map(str) | st.sampled_from(["::", "::ffff:1.2.3.4", "255.0.0.1", "0.0.0.0"])
SMALL = st.sampled_from([0, 1, 6, 17, 58, 132, 255])

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "mac": st.sampled_from(["02:00:00:00:00:01", "02:AA:00:00:00:01", "01:00:5e:00:00:01"]) | TEXTS,
    "ethertype": st.sampled_from(["0x0800", "0x86DD", "0x0806", "0x600"]) | TEXTS,
    "ip": IPS | TEXTS,
    "mask": IPS | TEXTS,
    "min": st.integers(-1, 65536) | ANY_NUMBER,
    "max": st.integers(-1, 65536) | ANY_NUMBER,
    "tcp_flags": st.integers(-1, 0x1000),
    "tcp_flags_mask": st.integers(-1, 0x1000),
}
"""Values for columns, by their name or its end."""


def values(column: str) -> st.SearchStrategy[Any]:
    """Return what yields values of a column that are mostly usable by themselves."""
    return VALUES.get(column, VALUES.get(column.rpartition("_")[2], SMALL | ANY_NUMBER))


COLUMNS = st.lists(st.sampled_from(OPTIONAL), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values(name) for name in names})
)


@given(COLUMNS, st.booleans(), st.sampled_from([*acls.INGRESS, *acls.EGRESS]))
def test_any_row_is_refused_or_has_flows_that_a_switch_takes(
    columns: dict[str, Any], permits: bool, table: Any
) -> None:
    found, reasons = read_match(columns)
    assert (found is None) == bool(reasons)
    for each in reasons:
        column, _, what = each.reason.partition(": ")
        assert column in columns or what.startswith("missing"), each
    entry = AclEntry(uuid(1), 0, table in acls.EGRESS, permits, found)
    flows = acls.flows(0xABC, entry, 7, table)
    assert len(flows) == acls.cost(entry) == len({flow.key for flow in flows})
    for flow in flows:
        check_prerequisites(flow)
    assert list(decoding.flows(osken.flow_reply(*flows[:50]))) == list(flows[:50])
