"""MAC moves by the NVC: when a learned station is forgotten."""

from collections.abc import Collection


def has_moved_away(former: str | None, now: str | None, own: Collection[str] | None) -> bool:
    """Return whether the NVC moved a station to a VTEP other than the one that learned it.

    ``former`` and ``now`` are the remote VTEPs of the station's row. ``own`` are the tunnel IPs of
    the switch that learned it, None if that switch is gone. A station that has moved is forgotten:
    if it is still here, its next frame is learned and reported to the NVC again, while a station
    that stays learned is not.
    """
    return now not in (None, former) and own is not None and now not in own
