"""Organizational units: made, renamed, deleted.

Rules: units nest at most 5 deep; two units below one parent have two names; a unit with children stays.
"""

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.organization.control import Control
from localorg.organization.publishing import publish
from localorg.organization.records import UnitRecord
from localorg.organization.refusals import constraint
from localorg.organization.tagging import checked_tags
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

DEPTH_MAX = 5
UNITS_MAX = 2000
"""AWS: Organizations quotas: OU maximum nesting in a root, and number of OUs in an organization."""


class Units:
    """Changes the tree's branches."""

    def __init__(self, kernel: Kernel, tree: Tree, control: Control) -> None:
        self._kernel = kernel
        self._tree = tree
        self._control = control

    def create(self, request: Request) -> Output:
        """CreateOrganizationalUnit."""
        parent, name = request.params["ParentId"], request.params["Name"]
        self._tree.require_parent(parent)
        tags = checked_tags(request.params.get("Tags", ()))
        self._require_free_name(parent, name)
        if len(self._tree.levels(parent)) > DEPTH_MAX:
            raise constraint("OU_DEPTH_LIMIT_EXCEEDED", "You attempted to create an OU tree that is too many levels deep.")
        if len(self._tree.units) >= UNITS_MAX:
            raise constraint("OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of organizational units.")
        suffix = self._tree.organization().root_id.removeprefix("r-")
        unit_id = f"ou-{suffix}-{ids.hexadecimal(self._kernel.dice, 8)}"
        unit = self._tree.units.put(UnitRecord(unit_id, name, parent, tags), unit_id)
        self._control.welcome(unit_id)
        publish(self._kernel, "ou-created", ou=unit_id, parent=parent)
        return {"OrganizationalUnit": self._tree.unit_shape(unit)}

    def rename(self, request: Request) -> Output:
        """UpdateOrganizationalUnit."""
        unit = self._tree.unit(request.params["OrganizationalUnitId"])
        name = request.params.get("Name", unit.name)
        if name != unit.name:
            self._require_free_name(unit.parent, name)
        unit.name = name
        self._tree.units.put(unit, unit.unit_id)
        return {"OrganizationalUnit": self._tree.unit_shape(unit)}

    def delete(self, request: Request) -> Output:
        """DeleteOrganizationalUnit: only an empty one."""
        unit = self._tree.unit(request.params["OrganizationalUnitId"])
        if self._tree.units_of(unit.unit_id) or self._tree.accounts_of(unit.unit_id):
            raise AwsError(
                "OrganizationalUnitNotEmptyException", "You cannot delete the organizational unit because it is not empty."
            )
        self._tree.units.delete(unit.unit_id)
        self._control.forget(unit.unit_id)
        publish(self._kernel, "ou-deleted", ou=unit.unit_id, parent=unit.parent)
        return {}

    def _require_free_name(self, parent: str, name: str) -> None:
        if any(unit.name == name for unit in self._tree.units_of(parent)):
            raise AwsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
