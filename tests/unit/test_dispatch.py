"""Events and their handlers: by type, in the order of the components."""

import pytest

from vtep_ofapp.loop.dispatch import Dispatcher


def test_each_component_handles_what_it_declares_in_their_order() -> None:
    handled = []
    dispatcher = Dispatcher(
        {str: lambda event: handled.append(("one", event))},
        {int: lambda event: handled.append(("other", event)), str: handled.append},
    )
    dispatcher.handle_all(["a", 1])
    assert handled == [("one", "a"), "a", ("other", 1)]
    assert dispatcher.handles(int)
    assert not dispatcher.handles(float)


def test_an_event_that_nobody_handles_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Dispatcher({}).handle_all([1])
