"""What each role may do: the one table, from which the documents are made too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supplychain.errors import ForbiddenError, InputError
from supplychain.model.access import MACHINE, Permission, Principal, Role, Scope

# What each permission lets somebody do, for people.
MEANINGS: Mapping[Permission, str] = {
    Permission.READ: "see images, components, findings, policies, waivers, VEX, decisions, runs",
    Permission.DECIDE: "ask the gate",
    Permission.HAND_IN: "hand in evidence that was made elsewhere",
    Permission.SUBMIT_RUNS: "have images scanned and signed; cancel such runs",
    Permission.OPERATE_RUNS: "cancel anybody's runs, run dead ones again",
    Permission.REPORT: "report what runs where",
    Permission.APPROVE: "approve images for environments",
    Permission.REQUEST_WAIVERS: "ask for waivers, change and revoke them",
    Permission.ANSWER_WAIVERS: "approve and reject waivers that somebody else asked for",
    Permission.IMPORT_VEX: "hand in VEX documents",
    Permission.REVIEW_VEX: "accept claims of VEX documents",
    Permission.IMPORT_FEEDS: "hand in editions of EPSS and KEV",
    Permission.WRITE_POLICIES: "write policies",
    Permission.OWN_TOKENS: "make, list and revoke tokens of one's own, within one's own roles",
    Permission.READ_ACCESS: "see everybody's tokens, the rules of trust and the members",
    Permission.WRITE_ACCESS: "change who may what: members, rules of trust, machines' tokens",
    Permission.WRITE_PROJECTS: "make projects",
    Permission.READ_AUDIT: "read and verify the audit log",
    Permission.OPERATE: "see how the service fares, set retention to work",
}

_VIEWER = frozenset({Permission.READ, Permission.DECIDE, Permission.OWN_TOKENS})
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.SUBMITTER: _VIEWER
    | {
        Permission.HAND_IN,
        Permission.SUBMIT_RUNS,
        Permission.REPORT,
        Permission.REQUEST_WAIVERS,
        Permission.IMPORT_VEX,
    },
    Role.POLICY_AUTHOR: _VIEWER | {Permission.WRITE_POLICIES, Permission.REQUEST_WAIVERS},
    Role.WAIVER_APPROVER: _VIEWER
    | {Permission.ANSWER_WAIVERS, Permission.REVIEW_VEX, Permission.APPROVE},
    Role.AUDITOR: _VIEWER | {Permission.READ_AUDIT, Permission.READ_ACCESS},
    Role.OPERATOR: _VIEWER
    | {
        Permission.SUBMIT_RUNS,
        Permission.OPERATE_RUNS,
        Permission.REPORT,
        Permission.IMPORT_FEEDS,
        Permission.OPERATE,
    },
    # Who says who may what has no say in the rest: whoever wants both takes both, on record.
    Role.ADMIN: _VIEWER
    | {
        Permission.READ_ACCESS,
        Permission.WRITE_ACCESS,
        Permission.WRITE_PROJECTS,
        Permission.READ_AUDIT,
    },
}
# A person's word, which no machine's takes the place of.
FOR_PEOPLE = frozenset({Role.WAIVER_APPROVER, Role.ADMIN})


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that one of the roles may do."""
    return frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))


def require(principal: Principal, permission: Permission, project: str | None = None) -> None:
    """Refuse what somebody may not do.

    Args:
        principal: Who wants to.
        permission: What it takes.
        project: In which project; None where it is about the organisation.

    Raises:
        ForbiddenError: They may not. A project that they do not reach is refused as one that
            is not there would be.
    """
    if project is not None and not principal.scope.covers(project):
        raise ForbiddenError(
            f"{principal.name} may do nothing in project {project!r}",
            hint="ask an admin of your organisation",
        )
    if project is None and principal.scope.projects is not None and permission in _EVERYWHERE:
        raise ForbiddenError(
            f"{principal.name} may do this in some projects alone, and it is about all of them",
            because=f"it takes {permission}",
        )
    if permission not in permissions_of(principal.scope.roles):
        named = [role.value for role in Role if permission in PERMISSIONS[role]]
        raise ForbiddenError(
            f"{principal.name} may not {MEANINGS[permission]}",
            because=f"it takes {permission}, which is for {' or '.join(named)}",
            hint="ask an admin of your organisation",
        )


def may(principal: Principal, permission: Permission, project: str | None = None) -> bool:
    """Whether somebody may do something; as `require`."""
    try:
        require(principal, permission, project)
    except ForbiddenError:
        return False
    return True


# About the organisation as a whole: a scope of some projects does not reach so far.
_EVERYWHERE = frozenset(
    {
        Permission.READ_ACCESS,
        Permission.WRITE_ACCESS,
        Permission.WRITE_PROJECTS,
        Permission.READ_AUDIT,
    }
)


def inside(scope: Scope, other: Scope) -> Scope:
    """What is left of a scope inside another one: roles whose every permission it has, too."""
    there = permissions_of(other.roles)
    roles = tuple(role for role in scope.roles if PERMISSIONS[role] <= there)
    if scope.projects is None or other.projects is None:
        projects = other.projects if scope.projects is None else scope.projects
    else:
        projects = tuple(name for name in scope.projects if name in other.projects)
    return Scope(roles, projects)


def require_scope(name: str, scope: Scope) -> None:
    """Refuse a scope that nobody of this name may have.

    Raises:
        InputError: It has no role or no project, or a machine would have a person's word.
    """
    if not scope.roles:
        raise InputError("nobody says what they are", hint=f"--role {Role.VIEWER}")
    if scope.projects == ():
        raise InputError("nobody says in which project", hint="name one, or all of them")
    mine = sorted(FOR_PEOPLE.intersection(scope.roles))
    if name.startswith(MACHINE) and mine:
        raise InputError(
            f"{name} is a machine and cannot be {' or '.join(mine)}",
            because="only people approve, and say who may what",
        )


def require_within(wanted: Scope, own: Scope) -> None:
    """Refuse to hand on more than one has.

    Raises:
        ForbiddenError: Something of it is not in one's own scope.
    """
    beyond = permissions_of(wanted.roles) - permissions_of(own.roles)
    if beyond:
        raise ForbiddenError(
            "a token may do no more than whoever makes it",
            because=f"you lack {', '.join(sorted(beyond))}",
        )
    theirs = None if own.projects is None else set(own.projects)
    if theirs is not None and (wanted.projects is None or not theirs.issuperset(wanted.projects)):
        raise ForbiddenError("a token may reach no further than whoever makes it")
