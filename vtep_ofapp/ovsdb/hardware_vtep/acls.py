"""ACL: only named by ports as yet, whose column could not be read without the table."""

from ..declarations import Group, Table
from ..schemas import TEXT

GROUP = Group(tables=(Table("ACL", {"acl_name": TEXT}),))
