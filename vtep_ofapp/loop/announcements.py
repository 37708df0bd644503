"""Changes of features' shared objects: told to all switches, and to the reports."""

from ..engine.feature import Announcer
from ..engine.model import Model
from .publisher import Publisher
from .switches import Switches


class Announcements:
    """Passes on what the Announcers among the shared objects of features have to tell."""

    def __init__(self, model: Model, switches: Switches, publisher: Publisher) -> None:
        known = model.known.values()
        self._announcers = [each for each in known if isinstance(each, Announcer)]
        self._switches = switches
        self._publisher = publisher

    def tell(self) -> None:
        """Tell the reports and all switches of the changes since the last call."""
        for announcer in self._announcers:
            for topic in announcer.take_topics():
                self._publisher.announce(topic)
                self._switches.invalidate(topic)
