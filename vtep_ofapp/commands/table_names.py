"""The names of our tables in place of their numbers."""

import re

from ..pipeline.layout import Table
from ..values.flows import Flow, Group

_TABLE = re.compile(r"(\btable=|\bgoto_table:|\bresubmit\(,)(\d+)")


def table_name(number: str) -> str:
    """Return the name of the table with a number; what is no table of ours stays as it is."""
    try:
        return Table(int(number)).name
    except ValueError:
        return number


def named(what: Flow | Group | str) -> str:
    """Return a flow, a group or an action with the names of tables, as ``ovs-ofctl --names``."""
    return _TABLE.sub(lambda found: found[1] + table_name(found[2]), str(what))
