"""An entry of an access list in words."""

import pytest

from vtep_ofapp.features.acls.words import in_words
from vtep_ofapp.values.acls import AclEntry, AclMatch

from .builders import uuid


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (AclMatch(), "deny everything"),
        (None, "deny nothing, because it is not valid"),
        (AclMatch(protocol=6, dest_ports=(22, 22)), "deny tcp dport 22"),
        (
            AclMatch(
                protocol=17,
                source=("10.0.0.0", "255.0.0.0"),
                destination=("192.168.1.5", "255.255.255.255"),
                source_ports=(1024, 65535),
            ),
            "deny udp source 10.0.0.0/8 dest 192.168.1.5 sport 1024-65535",
        ),
        (AclMatch(source=("10.0.0.7", "255.0.0.255")), "deny source 10.0.0.7/255.0.0.255"),
        (AclMatch(destination=("2001:db8::", "ffff:ffff::")), "deny dest 2001:db8::/32"),
        (
            AclMatch(ethertype=0x0806, source_mac="00:00:00:00:00:01"),
            "deny arp source_mac 00:00:00:00:00:01",
        ),
        (
            AclMatch(ethertype=0x88CC, dest_mac="01:80:c2:00:00:0e"),
            "deny ethertype 0x88cc dest_mac 01:80:c2:00:00:0e",
        ),
        (AclMatch(protocol=6, tcp_flags=(0x02, 0x12)), "deny tcp flags +syn-ack"),
        (AclMatch(tcp_flags=(0, 0)), "deny flags any"),
        (AclMatch(protocol=1, icmp_type=3, icmp_code=4), "deny icmp icmp_type 3 icmp_code 4"),
        (AclMatch(protocol=47), "deny protocol 47"),
    ],
)
def test_the_words(match: AclMatch | None, words: str) -> None:
    entry = AclEntry(uuid(1), 10, False, False, match)
    assert in_words(entry) == words


def test_what_is_permitted() -> None:
    assert in_words(AclEntry(uuid(1), 10, True, True)) == "permit everything"
