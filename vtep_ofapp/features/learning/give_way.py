"""When a learned station gives way to what the NVC says of it."""

from collections.abc import Collection


def has_moved_away(former: str | None, now: str | None, own: Collection[str] | None) -> bool:
    """Return whether the NVC moved a station to another VTEP than that where it was learned.

    ``former`` and ``now`` are the remote VTEPs where the NVC places it, ``own`` the tunnel IPs of
    the switch that learned it, None if it has none any more. A station that has moved is to be
    forgotten: if it is still here, its next frame is a new claim that the NVC can see, while a
    known station would stay silent.
    """
    return now not in (None, former) and own is not None and now not in own
