"""Events and their handlers: by type, in the order of the rooms."""

import pytest

from vtep_ofapp.loop.dispatch import Dispatcher


def test_each_room_hears_what_it_declares_in_the_order_of_the_rooms():
    heard = []
    dispatcher = Dispatcher(
        {str: lambda event: heard.append(("one", event))},
        {int: lambda event: heard.append(("other", event)), str: heard.append},
    )
    dispatcher.handle_all(["a", 1])
    assert heard == [("one", "a"), "a", ("other", 1)]
    assert dispatcher.handles(int)
    assert not dispatcher.handles(float)


def test_an_event_that_nobody_handles_is_a_mistake():
    with pytest.raises(KeyError):
        Dispatcher({}).handle_all([1])
