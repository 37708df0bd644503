"""What an access list does to a packet, read from the rows as vtep(5) says, packet by packet."""

from collections.abc import Collection
from ipaddress import ip_address

from vtep_ofapp.values.acls import AclEntry, AclMatch, MaskedAddress, PortRange

from .packets import ICMP, ICMPV6, IPV4, IPV6, IPV6_FRAGMENT, SCTP, TCP, UDP, Fragment, Packet


def permits(
    entries: Collection[AclEntry],
    src: str,
    dst: str,
    packet: Packet,
    *,
    is_egress: bool,
    fails_open: bool = False,
) -> bool:
    """Whether an access list with these entries permits a packet in a direction.

    If it looks at ports or flags, it drops first fragments that are cut before these.

    A list with an entry that cannot be used drops everything in each direction for which it has
    entries, or leaves such entries out if it ``fails_open``.
    """
    mine = [entry for entry in entries if entry.is_egress is is_egress]
    if not fails_open and any(entry.match is None for entry in entries):
        return not mine
    if packet.is_cut and any(entry.match and _looks_at(entry.match, packet) for entry in mine):
        return False
    for entry in sorted(mine, key=lambda each: (each.sequence, each.permits, each.uuid)):
        if entry.match is not None and _matches(entry, entry.match, src, dst, packet):
            return entry.permits
    return True


def _looks_at(fields: AclMatch, packet: Packet) -> bool:
    """Whether an entry looks at ports or flags of packets with such a header."""
    if fields.tcp_flags is None and fields.source_ports is None and fields.dest_ports is None:
        return False
    version = 4 if packet.eth_type == IPV4 else 6
    addresses = [each[0] for each in (fields.source, fields.destination) if each]
    if any(ip_address(each).version != version for each in addresses):
        return False
    return fields.ethertype in (None, packet.eth_type) and _is_of_protocol(fields, packet)


def _matches(entry: AclEntry, fields: AclMatch, src: str, dst: str, packet: Packet) -> bool:
    if fields.source_mac not in (None, src) or fields.dest_mac not in (None, dst):
        return False
    if fields.ethertype not in (None, packet.eth_type):
        return False
    if not (_has(fields.source, packet.source) and _has(fields.destination, packet.dest)):
        return False
    if packet.fragment is not Fragment.LATER:
        return _is_of_protocol(fields, packet) and _is_in_layer4(fields, packet)
    if packet.eth_type == IPV6 and fields.protocol != IPV6_FRAGMENT:
        return not _names_protocol(fields) or (entry.permits and not _is_icmp_of_ipv4(fields))
    if packet.eth_type == IPV6:
        return True
    return _is_of_protocol(fields, packet) and (entry.permits or not _has_layer4(fields))


def _has(wanted: MaskedAddress | None, address: str | None) -> bool:
    if wanted is None:
        return True
    if address is None:
        return False
    (host, mask), found = (ip_address(each) for each in wanted), ip_address(address)
    if host.version != found.version:
        return False
    return int(found) & int(mask) == int(host) & int(mask)


def _is_of_protocol(fields: AclMatch, packet: Packet) -> bool:
    if not _names_protocol(fields):
        return True
    if packet.eth_type not in (IPV4, IPV6) or fields.protocol not in (None, packet.protocol):
        return False
    if _has_icmp(fields):
        return packet.protocol == (ICMP if packet.eth_type == IPV4 else ICMPV6)
    if fields.tcp_flags is not None:
        return packet.protocol == TCP
    return not _has_layer4(fields) or packet.protocol in (TCP, UDP, SCTP)


def _is_in_layer4(fields: AclMatch, packet: Packet) -> bool:
    if fields.icmp_type not in (None, packet.icmp_type):
        return False
    if fields.icmp_code not in (None, packet.icmp_code):
        return False
    if fields.tcp_flags is not None:
        flags, mask = fields.tcp_flags
        if packet.tcp_flags is None or (packet.tcp_flags ^ flags) & mask:
            return False
    source, dest = packet.source_port, packet.dest_port
    return _is_in(fields.source_ports, source) and _is_in(fields.dest_ports, dest)


def _is_in(wanted: PortRange | None, port: int | None) -> bool:
    return wanted is None or (port is not None and wanted[0] <= port <= wanted[1])


def _names_protocol(fields: AclMatch) -> bool:
    return fields.protocol is not None or _has_layer4(fields)


def _has_layer4(fields: AclMatch) -> bool:
    ports = fields.source_ports or fields.dest_ports
    return bool(ports or fields.tcp_flags) or _has_icmp(fields)


def _has_icmp(fields: AclMatch) -> bool:
    return (fields.icmp_type, fields.icmp_code) != (None, None)


def _is_icmp_of_ipv4(fields: AclMatch) -> bool:
    return fields.protocol == ICMP and _has_icmp(fields)
