"""Roles: what each may do, and what nobody hands on."""

from __future__ import annotations

import pytest

from supplychain.access.roles import (
    MEANINGS,
    PERMISSIONS,
    inside,
    permissions_of,
    require,
    require_scope,
    require_within,
)
from supplychain.errors import ForbiddenError, InputError
from supplychain.model.access import Permission, Principal, Role, Scope


def somebody(*roles: Role, projects: tuple[str, ...] | None = None) -> Principal:
    return Principal("alice", "default", Scope(roles, projects), "token x")


def test_every_role_and_every_permission_is_in_the_table() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert set(MEANINGS) == set(Permission)
    granted = permissions_of(Role)
    assert granted == set(Permission), "a permission that no role has"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_may_do_what_the_table_says_and_nothing_else(
    role: Role, permission: Permission
) -> None:
    if permission in PERMISSIONS[role]:
        require(somebody(role), permission, "shop")
    else:
        with pytest.raises(ForbiddenError, match="alice may not"):
            require(somebody(role), permission, "shop")


def test_who_says_who_may_what_approves_nothing() -> None:
    assert Permission.ANSWER_WAIVERS not in PERMISSIONS[Role.ADMIN]
    assert [r for r in Role if Permission.ANSWER_WAIVERS in PERMISSIONS[r]] == [
        Role.WAIVER_APPROVER
    ]
    assert [r for r in Role if Permission.WRITE_ACCESS in PERMISSIONS[r]] == [Role.ADMIN]


def test_nobody_reaches_into_a_project_that_is_not_theirs() -> None:
    mine = somebody(Role.VIEWER, projects=("shop",))
    require(mine, Permission.READ, "shop")
    with pytest.raises(ForbiddenError, match="project 'bank'"):
        require(mine, Permission.READ, "bank")
    with pytest.raises(ForbiddenError):
        require(somebody(Role.VIEWER, projects=()), Permission.READ, "shop")


def test_what_is_about_the_organisation_takes_all_its_projects() -> None:
    require(somebody(Role.ADMIN), Permission.WRITE_ACCESS)
    with pytest.raises(ForbiddenError, match="some projects alone"):
        require(somebody(Role.ADMIN, projects=("shop",)), Permission.WRITE_ACCESS)


@pytest.mark.parametrize("role", [Role.WAIVER_APPROVER, Role.ADMIN])
def test_a_machine_has_no_persons_word(role: Role) -> None:
    with pytest.raises(InputError, match="is a machine"):
        require_scope("machine:ci", Scope((Role.SUBMITTER, role), None))
    require_scope("alice", Scope((role,), None))


@pytest.mark.parametrize("scope", [Scope((), None), Scope((Role.VIEWER,), ())])
def test_a_scope_of_nothing_is_refused(scope: Scope) -> None:
    with pytest.raises(InputError, match="nobody says"):
        require_scope("alice", scope)


@pytest.mark.parametrize(
    "wanted",
    [
        Scope((Role.ADMIN,), ("shop",)),
        Scope((Role.SUBMITTER, Role.AUDITOR), ("shop",)),
        Scope((Role.SUBMITTER,), None),
        Scope((Role.SUBMITTER,), ("shop", "bank")),
    ],
)
def test_nobody_hands_on_more_than_they_have(wanted: Scope) -> None:
    own = Scope((Role.SUBMITTER,), ("shop",))
    require_within(Scope((Role.VIEWER,), ("shop",)), own)
    with pytest.raises(ForbiddenError):
        require_within(wanted, own)


def test_a_scope_inside_another_is_what_both_have() -> None:
    both = (Role.SUBMITTER, Role.ADMIN)
    inner, outer = Scope(both, ("shop", "bank")), Scope((Role.ADMIN, Role.VIEWER), ("bank",))
    assert inside(inner, outer) == Scope((Role.ADMIN,), ("bank",))
    assert inside(Scope(both, None), outer).projects == ("bank",)
    assert inside(outer, Scope(both, None)).projects == ("bank",)
    assert inside(Scope(both, None), Scope(both, None)).projects is None


def test_who_may_do_more_may_have_a_token_that_does_less() -> None:
    """A viewer's permissions are all a submitter's, too."""
    assert inside(Scope((Role.VIEWER,), None), Scope((Role.SUBMITTER,), None)).roles == (
        Role.VIEWER,
    )
