"""What each cause asks for: the decisions about one switch, from rows, ports and stations."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from ..features.bindings.ports import Ports
from ..features.learning.limits import Limits
from ..features.learning.stations import LearnedMacs
from ..features.tunnels import bfd
from ..features.tunnels.ports import Tunnels
from ..features.vni_mapping import Keys
from ..pipeline import admission, egress, flooding, learning, tunnels, unicast
from ..pipeline.layout import MAX_BINDINGS
from ..process.settings import ANY, Settings
from ..values.addresses import UNKNOWN_DST
from ..values.faults import Fault, FaultWord, of_port, of_switch
from ..values.flows import Flow
from ..values.rows import ANYONE, PhysicalSwitch, TunnelReport, TunnelRow, VxlanPort
from .desired import NOTHING, Cause, OfAnyone, OfBinding, OfTunnel, Program
from .network import Network, OfGroup, OfLogicalSwitch, OfPeer, OfRefused, OfRouter, OfStation

PATIENCE = 5.0
"""Seconds that others have for what they do in steps, until a line says what is missing."""


class Planner:
    """Works out the program of a cause.

    ``physical``, ``tunnel_rows`` (Tunnel rows by the address of their remote end) and
    ``fixed_keys`` (VXLAN ports of the host that take one VNI each) are set from outside, as they
    are now, and so is ``missing`` (tunnel IPs that the host does not have, with the interface by
    which tunnels leave). ``touched`` collects causes that a decision touches: tunnels that are
    used, or used no more, and whoever waited for one that cannot be had.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        keys: Keys,
        macs: LearnedMacs,
        ports: Ports,
        tunnels: Tunnels,
        settings: Settings,
    ) -> None:
        self.physical: PhysicalSwitch | None = None
        self.tunnel_rows: Mapping[str, list[TunnelRow]] = {}
        self.missing: Mapping[str, str] = {}
        self.fixed_keys: Sequence[VxlanPort] = ()
        self.touched: set[Cause] = set()
        self._name = name
        self._network = network
        self._keys = keys
        self._macs = macs
        self._ports = ports
        self._tunnels = tunnels
        self._settings = settings
        self._limits = Limits(name, macs, settings)
        self._targets: dict[Cause, set[str]] = {}

    def program(self, cause: Cause, former: Program) -> Program:
        """Return what a cause asks for now; ``former`` is what it asked for before."""
        if self.physical is None:
            return self._unmanaged(cause)
        if isinstance(cause, OfStation):
            return self._station(cause, former)
        if isinstance(cause, OfPeer):
            return self._peer(cause)
        if isinstance(cause, OfLogicalSwitch):
            return self._logical_switch(cause)
        if isinstance(cause, OfGroup):
            return self._group(cause)
        if isinstance(cause, OfBinding):
            return self._binding(cause)
        if isinstance(cause, OfTunnel):
            return self._tunnel(cause)
        if isinstance(cause, OfAnyone):
            return self._anyone(self.physical)
        if isinstance(cause, OfRouter):
            return self._router(cause)
        if isinstance(cause, OfRefused):
            return self._refused(cause)
        return self._switch(self.physical)

    def _unmanaged(self, cause: Cause) -> Program:
        if isinstance(cause, OfTunnel):
            self._tunnels.drop(cause.address)
        elif isinstance(cause, OfAnyone):
            self._tunnels.want_anyone(False)
        else:
            self._target(cause, ())
        return NOTHING

    def _switch(self, physical: PhysicalSwitch) -> Program:
        reasons = list(physical.refused)
        if not physical.tunnel_ips:
            reasons.append(
                "it has no usable tunnel_ips, so there are no tunnels: "
                f"vtep-ctl set Physical_Switch {self._name} tunnel_ips=ADDRESS"
            )
        faults = [self._fault(reason) for reason in reasons]
        for address, interface in sorted(self.missing.items()):
            reason = (
                f"no interface of this host has the tunnel IP {address}, and Open vSwitch sends "
                f"nothing from it: ip addr add {address}/PREFIX dev {interface or 'INTERFACE'}"
            )
            faults.append(Fault(f"Physical_Switch {self._name}", reason))
        for port in physical.ports:
            subject = self._port_subject(port.name)
            faults += [
                Fault(subject, reason, of_port(port.uuid, FaultWord.INVALID_VLAN_MAP))
                for reason in port.refused
            ]
            row = self._ports.row(port.name)
            if row is not None and row.uuid != port.uuid:
                reason = f"row {row.uuid} has the same name and is used instead"
                faults.append(Fault(subject, reason, of_port(port.uuid)))
            if port.has_acls:
                reason = "its acl_bindings have no effect: access lists are not supported"
                faults.append(
                    Fault(subject, reason, of_port(port.uuid, FaultWord.INVALID_ACL_BINDING))
                )
        flows = (
            admission.link_local(),
            *learning.unlearnable(),
            learning.unknown(),
            *learning.showing(),
            unicast.elsewhere(),
            *tunnels.inner_tags(),
            *egress.inner_tags(),
        )
        return Program(flows, (flooding.alive(), flooding.again()), tuple(faults))

    def _binding(self, cause: OfBinding) -> Program:
        row = self._ports.row(cause.port)
        if row is None or cause.vlan not in row.vlan_bindings:
            return NOTHING
        subject = self._port_subject(cause.port)
        binding = self._ports.binding(cause)
        if binding is None:
            why = self._ports.why_unusable(cause.port)
            if why is None:
                return NOTHING
            reason, word = why
            fault = (
                Fault(subject, reason, of_port(row.uuid, word))
                if word
                else Fault(subject, reason, patience=PATIENCE)
            )
            return Program(faults=(fault,))
        number = self._network.number(binding.logical_switch)
        if number is None:
            return NOTHING
        flows = (*admission.bound(binding, number), *egress.bound(binding, number))
        if not self._limits.is_full_port(cause.port):
            return Program(flows)
        reason = f"{self._settings.max_local_macs_per_port} MACs were learned, and no more can be"
        fault = Fault(subject, reason, of_port(row.uuid))
        return Program((*flows, learning.full_binding(binding.number)), faults=(fault,))

    def _logical_switch(self, cause: OfLogicalSwitch) -> Program:
        logical_switch = cause.logical_switch
        number = self._network.number(logical_switch)
        if number is None or not self._ports.is_bound(logical_switch):
            self._target(cause, ())
            return NOTHING
        addresses = self._network.replication(logical_switch)
        source_node = self._network.source_node_replication(logical_switch)
        if not addresses and self._settings.flood_without_unknown_dst:
            addresses, source_node = frozenset(self._network.peers(logical_switch)), True
        targets = self._target(cause, self._with_key(logical_switch, addresses))
        bindings = self._ports.bindings_of(logical_switch)
        to_bindings, local = flooding.local(number, bindings)
        to_targets, replication = flooding.replicated(number, targets, source_node)
        flows, groups = (*to_bindings, *to_targets), (*local, *replication)
        faults = [
            *self._set_faults(logical_switch, UNKNOWN_DST),
            *self._binding_faults(logical_switch, len(bindings)),
            *self._key_faults(logical_switch),
            *self._health_faults(logical_switch, targets, source_node),
            *self._flooding_faults(logical_switch),
        ]
        vni = self._keys.vni(logical_switch)
        if vni is not None:
            flows = (*flows, tunnels.encapsulation(number, vni), self._from_anyone(number, vni))
        if self._limits.is_full(logical_switch):
            flows = (*flows, learning.full_logical_switch(number))
            reason = f"{self._settings.max_local_macs} MACs were learned, and no more can be"
            subject = self._network.name(logical_switch)
            faults.append(self._fault(reason, subject, FaultWord.MAC_TABLE_EXHAUSTION))
        return Program(flows, groups, tuple(faults))

    def _group(self, cause: OfGroup) -> Program:
        logical_switch = cause.logical_switch
        number = self._network.number(logical_switch)
        group = self._network.group_number(cause)
        if number is None or group is None or not self._ports.is_bound(logical_switch):
            self._target(cause, ())
            return NOTHING
        addresses = self._network.replication(logical_switch, cause.mac)
        targets = self._target(cause, self._with_key(logical_switch, addresses))
        source_node = self._network.source_node_replication(logical_switch)
        flows, groups = flooding.multicast(number, group, cause.mac, targets, source_node)
        return Program(flows, groups, tuple(self._set_faults(logical_switch, cause.mac)))

    def _station(self, cause: OfStation, former: Program) -> Program:
        logical_switch, mac = cause.logical_switch, cause.mac
        number = self._network.number(logical_switch)
        if number is None or not self._ports.is_bound(logical_switch):
            self._wait(cause)
            return NOTHING
        flows: list[Flow] = []
        learned = self._macs.place(logical_switch, mac)
        if learned is not None and learned.switch == self._name:
            flows.append(learning.known(learned.binding, number, mac, self._settings.mac_aging))
            flows.append(unicast.local(learned.binding, number, mac))
        if self._macs.is_held(logical_switch, mac):
            flows.append(learning.held(number, mac))
        elif learned is not None and self._limits.is_full(logical_switch):
            flows.append(learning.moving(number, mac))
        address = self._network.place(cause)
        if address is None:
            self._wait(cause)
            return Program(tuple(flows))
        if self._is_foreign(address):
            flows.extend(self._to_remote(cause, number, address, former))
        else:
            self._wait(cause)
        return Program(tuple(flows), faults=self._station_faults(cause, address))

    def _to_remote(
        self, cause: OfStation, number: int, address: str, former: Program
    ) -> tuple[Flow, ...]:
        """Return the flow towards the address, or until its tunnel is up the one from before."""
        remote = unicast.remote(number, cause.mac, address)
        if not self._tunnels.is_pending(address):
            self._wait(cause)
            return (remote,)
        kept = tuple(flow for flow in former.flows if flow.key == remote.key)
        self._wait(cause, (address,), {unicast.target(flow) for flow in kept})
        return kept

    def _peer(self, cause: OfPeer) -> Program:
        number = self._network.number(cause.logical_switch)
        if number is None or not self._is_peer(cause):
            return NOTHING
        flows: list[Flow] = []
        vni, common = self._keys.vni_towards(cause), self._keys.vni(cause.logical_switch)
        if vni is not None:
            flows.append(tunnels.decapsulation(cause.address, vni, number))
        if vni != common:
            flows.append(tunnels.encapsulation_towards(number, cause.address, vni))
        if vni is None and common is not None:
            flows.append(tunnels.decapsulation_of_contested(cause.address, common))
        return Program(tuple(flows), faults=self._peer_faults(cause))

    def _tunnel(self, cause: OfTunnel) -> Program:
        address = cause.address
        local = self.physical.tunnel_ip if self.physical else None
        users = [
            OfPeer(logical_switch, address)
            for logical_switch in self._network.mentioning(address)
            if self._is_peer(OfPeer(logical_switch, address))
        ]
        if local is None or not (users or self._tunnels.is_held(address)):
            self.touched.update(map(OfTunnel, self._tunnels.drop(address)))
            return NOTHING
        if self._tunnels.is_taken(address):
            self._tunnels.refuse(address)
            self.touched.update(self._tunnels.take_waiting(address))
            reason = f"no tunnel to {address}: someone else has a port with the name for it"
            return Program(faults=(self._fault(reason),))
        settings, problems = self._bfd_settings(address)
        if not self._tunnels.want(address, settings):
            self.touched.update(self._tunnels.take_waiting(address))
            reason = f"no tunnel to {address}: there are {self._settings.max_tunnels} already"
            return Program(faults=(self._fault(reason, word=FaultWord.TUNNEL_EXHAUSTION),))
        faults = [self._fault(f"tunnel to {address}: {problem}") for problem in problems]
        flows = [tunnels.incoming(address, number) for number in self._tunnels.numbers(address)]
        number = self._tunnels.number(address)
        if number is not None:
            flows.append(tunnels.outgoing(address, number))
        if number is not None and settings:
            flows.append(tunnels.looking_at_bfd(address, number, settings["bfd_src_ip"]))
        port = self._tunnels.port(address)
        if port is not None and port.error:
            reason = f"Open vSwitch cannot make the tunnel to {address}: {port.error}"
            faults.append(self._fault(reason))
        vnis = {self._keys.vni_towards(user) for user in users} | ({0} if settings else set())
        faults += self._taken_faults(address, local, vnis)
        status: Mapping[str, str] = {}
        if settings and port is not None:
            status = bfd.failed(port.error) if port.error else bfd.status(port.bfd_status)
        report = TunnelReport(local, bfd.CONFIG_LOCAL, status)
        locators = {locator.uuid for user in users for locator in self._network.locators(user)}
        rows = tuple((locator, report) for locator in sorted(locators))
        return Program(tuple(flows), faults=tuple(faults), tunnels=rows)

    def _anyone(self, physical: PhysicalSwitch) -> Program:
        """Let frames come in, while any can be let in, whose sender has no tunnel port.

        Of several bridges with one tunnel IP only one can have such a port. That is no fault of
        theirs: what rows name reaches each of them.
        """
        is_wanted = bool(physical.tunnel_ips) and any(True for _ in self._ports.bound())
        self._tunnels.want_anyone(is_wanted)
        if not is_wanted:
            return NOTHING
        numbers = self._tunnels.numbers(ANYONE)
        subject = f"Physical_Switch {self._name}"
        faults = [
            Fault(
                subject,
                f"frames to {port.local} from VTEPs that no row names do not come in here: "
                f"another bridge of this host may have that tunnel IP ({port.error})",
            )
            for port in self._tunnels.refused_to_anyone()
        ]
        if self._tunnels.is_taken(ANYONE):
            reason = "frames from VTEPs that no row names do not come in here: someone else has a "
            faults.append(Fault(subject, f"{reason}port with the name for their tunnel"))
        return Program(tuple(map(tunnels.incoming_from_anyone, numbers)), faults=tuple(faults))

    def _from_anyone(self, number: int, vni: int) -> Flow:
        """Return what becomes of frames with a VNI from senders that no row names for it."""
        if self._settings.accept_from == ANY:
            return tunnels.decapsulation_from_anyone(vni, number)
        return tunnels.unnamed(vni)

    def _router(self, cause: OfRouter) -> Program:
        row = self._network.router(cause.router)
        if row is None or not any(map(self._ports.is_bound, row.logical_switches)):
            return NOTHING
        reason = "logical routers are not supported"
        return Program(
            faults=(self._fault(reason, f"Logical_Router {row.name}", FaultWord.LR_SUPPORT),)
        )

    def _refused(self, cause: OfRefused) -> Program:
        refused = self._network.refused(cause.row)
        if (
            refused is None
            or refused.logical_switch is None
            or not self._ports.is_bound(refused.logical_switch)
        ):
            return NOTHING
        return Program(faults=(self._fault(refused.reason, refused.subject),))

    # Where to, until what is wanted can be had

    def _target(self, cause: Cause, addresses: Iterable[str]) -> dict[str, int]:
        """Return where replication goes, with the numbers of the tunnel ports.

        It goes to the tunnels that are up; while none is and some are to come, it stays where
        it was.
        """
        wanted = self._foreign(addresses)
        up = {address for address in wanted if self._tunnels.number(address) is not None}
        pending = {address for address in wanted if self._tunnels.is_pending(address)}
        targets = up if up or not pending else self._foreign(self._targets.get(cause, ()))
        if targets:
            self._targets[cause] = targets
        else:
            self._targets.pop(cause, None)
        self._wait(cause, pending, targets - wanted)
        numbers = ((address, self._tunnels.number(address)) for address in targets)
        return {address: number for address, number in numbers if number is not None}

    def _with_key(self, logical_switch: UUID, addresses: Iterable[str]) -> list[str]:
        """Leave out remote VTEPs without a key, where keys are those of locators."""
        if self._network.logical_switches[logical_switch].tunnel_key is not None:
            return list(addresses)
        peers = (OfPeer(logical_switch, address) for address in addresses)
        return [peer.address for peer in peers if self._keys.vni_towards(peer) is not None]

    def _wait(self, cause: Cause, pending: Iterable[str] = (), held: Collection[str] = ()) -> None:
        changed = self._tunnels.wait(cause, pending, held)
        if changed:
            self.touched.update(map(OfTunnel, changed))

    def _bfd_settings(self, address: str) -> tuple[dict[str, str], list[str]]:
        """Return the bfd column for a tunnel: of several rows, the first that enables BFD."""
        best: tuple[dict[str, str], list[str]] = {}, []
        for row in self.tunnel_rows.get(address, ()):
            settings, problems = bfd.settings(row.bfd_params, row.bfd_config_remote)
            if settings:
                return settings, problems
            best = {}, [*best[1], *problems]
        return best

    # What is wrong

    def _fault(
        self, reason: str, subject: str = "", word: FaultWord = FaultWord.UNSPECIFIED
    ) -> Fault:
        assert self.physical is not None
        subject = subject or f"Physical_Switch {self._name}"
        return Fault(subject, reason, of_switch(self.physical.uuid, word))

    def _port_subject(self, port: str) -> str:
        return f"Physical_Port {port} of {self._name}"

    def _binding_faults(self, logical_switch: UUID, count: int) -> Iterator[Fault]:
        if count > MAX_BINDINGS:
            reason = f"it has {count} bindings; only {MAX_BINDINGS} of them are flooded to"
            yield self._fault(reason, self._network.name(logical_switch))

    def _set_faults(self, logical_switch: UUID, mac: str) -> list[Fault]:
        subject = f"Mcast_Macs_Remote {mac} in {self._network.name(logical_switch)}"
        reasons = self._network.left_out(logical_switch, mac)
        return [self._fault(reason, subject) for reason in reasons]

    def _key_faults(self, logical_switch: UUID) -> list[Fault]:
        subject = self._network.name(logical_switch)
        row = self._network.logical_switches[logical_switch]
        if row.refused:
            return [self._fault(reason, subject) for reason in row.refused]
        others = self._keys.sharing(logical_switch)
        if others:
            reason = f"its tunnel key is also that of {', '.join(others)}; none of them uses it"
            return [self._fault(reason, subject)]
        if row.tunnel_key is not None:
            return []
        peers = [OfPeer(logical_switch, each) for each in self._network.peers(logical_switch)]
        if not peers or any(self._network.key(peer) is None for peer in peers):
            return [Fault(subject, "it has no tunnel key yet; it switches locally only")]
        return []

    def _health_faults(
        self, logical_switch: UUID, targets: Iterable[str], source_node: bool
    ) -> list[Fault]:
        states = [
            port.bfd_status.get("forwarding") == "false"
            for port in map(self._tunnels.port, targets)
            if port is not None
        ]
        if source_node or not states or not all(states):
            return []
        reason = "all its service nodes are down by BFD; frames still go to one of them"
        return [Fault(self._network.name(logical_switch), reason)]

    def _flooding_faults(self, logical_switch: UUID) -> list[Fault]:
        """Return that nothing is flooded to remote VTEPs, where there are some."""
        network = self._network
        if (
            self._settings.flood_without_unknown_dst
            or network.has_unknown_dst(logical_switch)
            or not any(map(self._is_foreign, network.peers(logical_switch)))
        ):
            return []
        reason = (
            "rows name remote VTEPs and there is no unknown-dst in Mcast_Macs_Remote, so that "
            "broadcast and unknown unicast reach none of them; if the NVC never writes one, set "
            "flood_without_unknown_dst"
        )
        return [Fault(network.name(logical_switch), reason, patience=PATIENCE)]

    def _taken_faults(self, address: str, local: str, vnis: set[int | None]) -> Iterator[Fault]:
        """Yield what Open vSwitch hands to ports with a fixed key; those of BFD have key 0."""
        for port in self.fixed_keys:
            if port.key in vnis and port.takes(address, local, port.key or 0):
                sender = f"from {address}" if port.remote else "from every VTEP"
                reason = (
                    f"VXLAN port {port.name} of bridge {port.bridge} takes the packets with key "
                    f"{port.key} that come {sender}: ovs-vsctl del-port {port.bridge} {port.name}, "
                    "or if ovs-vtep left it, python -m vtep_ofapp.cleanup --ovs-vtep"
                )
                yield self._fault(reason)

    def _peer_faults(self, cause: OfPeer) -> tuple[Fault, ...]:
        subject = self._network.name(cause.logical_switch)
        row = self._network.logical_switches[cause.logical_switch]
        faults = []
        others = self._keys.sharing_at(cause)
        if others and not self._keys.sharing(cause.logical_switch):
            reason = (
                f"its key at {cause.address} is also that of {', '.join(others)}; "
                "none of them uses it there"
            )
            faults.append(self._fault(reason, subject))
        keys = {locator.tunnel_key for locator in self._network.locators(cause)} - {None}
        if row.tunnel_key is None and len(keys) > 1:
            reason = f"its locators for {cause.address} have several keys; only the least is used"
            faults.append(self._fault(reason, subject))
        elif row.tunnel_key is not None and keys - {row.tunnel_key}:
            further = ", ".join(map(str, sorted(filter(None, keys - {row.tunnel_key}))))
            reason = (
                f"its own key {row.tunnel_key} is used towards {cause.address}, and not the key "
                f"{further} of the locator; vtep(5) has one or the other"
            )
            faults.append(Fault(subject, reason))
        return tuple(faults)

    def _station_faults(self, cause: OfStation, address: str) -> tuple[Fault, ...]:
        rivals = self._network.rivals(cause)
        if not rivals and self._is_foreign(address):
            return ()
        subject = f"Ucast_Macs_Remote {cause.mac} in {self._network.name(cause.logical_switch)}"
        faults = []
        if rivals:
            rows = ", ".join(map(str, rivals))
            reason = f"it is placed more than once; {address} is used and not row {rows}"
            is_contradicted = self._network.are_rivals_elsewhere(cause)
            faults.append(
                self._fault(reason, subject) if is_contradicted else Fault(subject, reason)
            )
        assert self.physical is not None
        if not (
            self._is_foreign(address)
            or self._network.is_bound_elsewhere(cause.logical_switch, self.physical.uuid)
        ):
            faults.append(
                self._fault(f"its locator {address} is an address of this switch", subject)
            )
        return tuple(faults)

    # Small questions

    def _foreign(self, addresses: Iterable[str]) -> set[str]:
        """Return the addresses that are not our own; NVCs list all members of a set."""
        return set(filter(self._is_foreign, addresses))

    def _is_foreign(self, address: str) -> bool:
        """Whether an address is not our own."""
        return self.physical is None or address not in self.physical.tunnel_ips

    def _is_peer(self, cause: OfPeer) -> bool:
        """Whether the NVC names the address for a logical switch that is bound here."""
        return (
            self._ports.is_bound(cause.logical_switch)
            and cause.address in self._network.peers(cause.logical_switch)
            and self._is_foreign(cause.address)
        )
