"""ACL: rows that Physical_Port names; reading acl_bindings requires the table."""

from ..declarations import Group, Table
from ..schemas import TEXT

GROUP = Group(tables=(Table("ACL", {"acl_name": TEXT}),))
