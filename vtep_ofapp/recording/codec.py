"""Values as JSON, and back: the events of the loop and all that they hold.

To write, Python's JSON encoder does nearly everything: it is asked for the objects only that it
does not know. A dataclass becomes an array of its name and its fields, a NamedTuple an array of its
fields. To read, the annotations of the classes say what each place holds. Nothing else is made: a
record may come from a stranger.
"""

import enum
import json
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from ..values.events import Connection

Decode: TypeAlias = Callable[[Any], Any]
Names: TypeAlias = "Mapping[str, Sequence[str]]"
"""The names of the fields of each class, by its name."""

AT_ONCE = 2000
"""Objects that are encoded without a pause."""
_SCALARS = {bool, int, float, str}


class Unreadable(ValueError):
    """A record is damaged or of another version; the text says where and why."""


def names_of(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or NamedTuple."""
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    names: tuple[str, ...] = kind._fields
    return names


def classes(hint: Any, unions: Mapping[type, Iterable[type]]) -> set[type]:
    """Return the dataclasses and NamedTuples that a value of an annotated type can have in it."""
    found: set[type] = set()
    hints = [hint]
    while hints:
        each = hints.pop()
        if each in unions:
            hints += unions[each]
        elif get_args(each):
            hints += get_args(each)
        elif (is_dataclass(each) or hasattr(each, "_fields")) and each not in found:
            found.add(each)
            hints += _hints(each).values()
    return found


class Encoder:
    """Encodes values as one line of JSON.

    ``number`` returns the number of a connection. ``pause`` is called now and then while a value
    with very many others is encoded, to let other green threads run.
    """

    def __init__(self, number: Callable[[Any], int], pause: Callable[[], None]) -> None:
        self._number = number
        self._pause = pause
        self._encoded = 0
        self._of: dict[type, Callable[[Any], Any]] = {UUID: _digits}
        self.line = json.JSONEncoder(
            check_circular=False, separators=(",", ":"), default=self._encode
        ).encode
        """Returns a value as JSON."""

    def _encode(self, value: Any) -> Any:
        """Return a value that JSON does not know as one that it knows, at least on the outside."""
        self._encoded += 1
        if self._encoded % AT_ONCE == 0:
            self._pause()
        encode = self._of.get(type(value))
        if encode is None:
            encode = self._of[type(value)] = self._encoding(type(value))
        return encode(value)

    def _encoding(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, enum.Enum):
            return lambda value: value.value
        if issubclass(kind, bytes):
            return bytes.hex
        if issubclass(kind, frozenset | set):
            return list
        if issubclass(kind, Mapping):
            return dict
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} cannot be recorded")
        name, names, special = kind.__name__, names_of(kind), self._special_fields(kind, 1)
        if not names:
            return lambda value: [name]
        get = attrgetter("__class__", *names)  # one more, as one alone would not be in a tuple

        def encoded(value: Any) -> list[Any]:
            items = list(get(value))
            items[0] = name
            for place, encode in special:
                items[place] = encode(items[place])
            return items

        return encoded

    def _special_fields(self, kind: type, first: int) -> list[tuple[int, Callable[[Any], Any]]]:
        """Return the places of special fields, and how these are encoded."""
        hints = enumerate(_hints(kind).values(), first)
        special = ((place, self._special(hint)) for place, hint in hints)
        return [(place, encode) for place, encode in special if encode is not None]

    def _special(self, hint: Any) -> Callable[[Any], Any] | None:
        """Return how a field is encoded if JSON would do it wrong, or slowly."""
        if hint is Connection:
            return self._number
        if hint is UUID:
            return _digits
        if _is_mapping(hint) and get_args(hint)[0] is not str:
            return _values if _key_is_in_value(hint) else _pairs
        special = self._special_fields(hint, 0) if hasattr(hint, "_fields") else []
        if not special:
            return None

        def encoded(value: Any) -> list[Any]:
            items = list(value)
            for place, encode in special:
                items[place] = encode(items[place])
            return items

        return encoded


def _digits(value: UUID) -> str:
    return f"{value.int:032x}"


def _values(value: Mapping[Any, Any]) -> list[Any]:
    return list(value.values())


def _pairs(value: Mapping[Any, Any]) -> list[Any]:
    return list(value.items())


class Decoder:
    """Makes values of what JSON has.

    ``unions`` are the classes that an abstract class stands for. ``connection`` returns the
    connection of a number. ``names`` are the fields with which a record was written. All
    functions raise Unreadable for what does not fit.
    """

    def __init__(
        self,
        unions: Mapping[type, Iterable[type]],
        connection: Callable[[int], Connection],
        names: Names,
    ) -> None:
        self._unions = {kind: tuple(members) for kind, members in unions.items()}
        self._connection = connection
        self._names = names
        self._known: dict[Any, Decode] = {}

    def of(self, hint: Any) -> Decode:
        """Return the function that makes a value of an annotated type."""
        if hint not in self._known:
            self._known[hint] = self._decoding(hint)
        return self._known[hint]

    def _decoding(self, hint: Any) -> Decode:
        if hint in _SCALARS:
            return _scalar(hint)
        if hint is Connection:
            number = _scalar(int)
            return lambda value: self._connection(number(value))
        if hint in self._unions:
            return self._one_of(self._unions[hint])
        origin = get_origin(hint)
        if origin in (Union, types.UnionType):
            return self._one_of(get_args(hint))
        if origin is not None:
            return self._collection(hint, origin)
        if issubclass(hint, enum.Enum):
            return _converted(str, hint)
        if hint is UUID:
            return _converted(str, UUID)
        if hint is bytes:
            return _converted(str, bytes.fromhex)
        return self._tagged([hint]) if is_dataclass(hint) else self._fields(hint, 0)

    def _one_of(self, hints: Sequence[Any]) -> Decode:
        """Return how one of several types is decoded: JSON or a name tell them apart."""
        scalars = {hint for hint in hints if hint in _SCALARS or hint is types.NoneType}
        tagged = [hint for hint in hints if is_dataclass(hint)]
        others = [self.of(hint) for hint in hints if hint not in scalars and hint not in tagged]
        if tagged:
            others.insert(0, self._tagged(tagged))
        return lambda value: value if type(value) in scalars else _first(others, value)

    def _tagged(self, kinds: Iterable[Any]) -> Decode:
        by_name = {kind.__name__: kind for kind in kinds}
        decode: dict[str, Decode] = {}

        def decoded(value: Any) -> Any:
            if type(value) is not list or not value or type(value[0]) is not str:
                raise Unreadable(f"{_shown(value)} is none of {', '.join(by_name)}")
            name = value[0]
            if name not in decode:
                if name not in by_name:
                    raise Unreadable(f"{name!r:.40} is none of {', '.join(by_name)}")
                decode[name] = self._fields(by_name[name], 1)
            return decode[name](value)

        return decoded

    def _fields(self, kind: Any, first: int) -> Decode:
        """Return how an object is decoded whose fields follow the first items of an array."""
        hints = _hints(kind)
        names = self._names.get(kind.__name__, ())
        for name in names:
            if name not in hints:
                raise Unreadable(f"this version knows no {name} of {kind.__name__}")
        decode = [self.of(hints[name]) for name in names]
        count = first + len(names)

        def decoded(value: Any) -> Any:
            if type(value) is not list or len(value) != count:
                raise Unreadable(f"{_shown(value)} is no {kind.__name__}")
            items = zip(names, decode, value[first:], strict=True)
            try:
                return kind(**{name: make(item) for name, make, item in items})
            except TypeError:
                raise Unreadable(f"the record lacks fields of {kind.__name__}") from None

        return decoded

    def _collection(self, hint: Any, origin: Any) -> Decode:
        arguments = get_args(hint)
        if origin is tuple and arguments[1:] != (...,):
            return _place_by_place([self.of(each) for each in arguments])
        if not _is_mapping(hint):
            make = frozenset if issubclass(origin, frozenset) else tuple
            decode, array = self.of(arguments[0]), _scalar(list)
            return lambda value: make(map(decode, array(value)))
        if _key_is_in_value(hint):
            decode, array = self.of(arguments[1]), _scalar(list)
            return lambda value: {each.key: each for each in map(decode, array(value))}
        if arguments[0] is str:
            decode, table = self.of(arguments[1]), _scalar(dict)
            return lambda value: {key: decode(each) for key, each in table(value).items()}
        pair, array = _place_by_place([self.of(each) for each in arguments]), _scalar(list)
        return lambda value: dict(map(pair, array(value)))


def _hints(kind: type) -> dict[str, Any]:
    """Return the types of the fields of a dataclass or NamedTuple, in their order."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in names_of(kind)}


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _key_is_in_value(hint: Any) -> bool:
    """Whether each value of a mapping has its key as a field, so that the values are enough."""
    key, value = get_args(hint)
    return hasattr(value, "_fields") and get_type_hints(value).get("key") is key


def _scalar(kind: type) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise Unreadable(f"{_shown(value)} is no {kind.__name__}")
        return value

    return decode


def _converted(kind: type, convert: Callable[[Any], Any]) -> Decode:
    check = _scalar(kind)

    def decode(value: Any) -> Any:
        try:
            return convert(check(value))
        except ValueError as error:
            raise Unreadable(str(error)) from None

    return decode


def _place_by_place(decode: Sequence[Decode]) -> Decode:
    def decoded(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(decode):
            raise Unreadable(f"{_shown(value)} is no array of {len(decode)}")
        return tuple(make(item) for make, item in zip(decode, value, strict=True))

    return decoded


def _first(decoders: Iterable[Decode], value: Any) -> Any:
    """Return what the first decoder makes that can; raises what the last one raised."""
    reason = Unreadable(f"{_shown(value)} does not belong here")
    for decode in decoders:
        try:
            return decode(value)
        except Unreadable as error:
            reason = error
    raise reason


def _shown(value: Any) -> str:
    return f"{json.dumps(value):.60}"
