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


def test_an_event_may_have_no_handler() -> None:
    handled: list[int] = []
    dispatcher = Dispatcher({int: handled.append})
    dispatcher.handle_known(1)
    dispatcher.handle_known("a")
    assert handled == [1]


def test_an_event_without_a_handler_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Dispatcher({}).handle_all([1])
