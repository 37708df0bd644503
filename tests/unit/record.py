"""Records for tests, and what comes out of their replays."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.recording.contents import Header
from vtep_ofapp.recording.outcome import Outcome, outcome
from vtep_ofapp.recording.reading import sessions
from vtep_ofapp.recording.recorder import Recorder
from vtep_ofapp.recording.replay import Replay
from vtep_ofapp.values.listen_address import ON_LOOPBACK

from .builders import DATABASE


def header(settings: Settings | None = None, clock: float = 100.0, *databases: str) -> Header:
    """Return the header of a process that began long ago."""
    began = "2026-11-26T08:00:00Z"
    names = databases or (DATABASE,)
    return Header("0.1.0", began, clock, settings or Settings(), names, ON_LOOPBACK)


def replayed(path: Path, number: int = -1) -> Outcome:
    """Return the outcome of a session, the last one by default; nothing is noted of it."""
    notes: list[str] = []
    session = sessions(path)[number]
    replay = Replay(session.header, notes.append)
    replay.run(session)
    assert notes == []
    return outcome(replay.components)


class Record(Recorder):
    """A record in a folder of its own, which goes with it."""

    def __init__(self, header: Header, clock: Callable[[], float]) -> None:
        self._folder = TemporaryDirectory()
        self.path = Path(self._folder.name) / "record"
        super().__init__(str(self.path), header, clock)

    def remove(self) -> None:
        """End the record and remove it."""
        self.end()
        self._folder.cleanup()

    def replayed(self) -> Outcome:
        """Return the outcome of the replay."""
        return replayed(self.path)
