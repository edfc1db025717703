"""What each route asks of its caller: who, with which permission, in which area of the API, how often."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from advisor.domain.identity import LOCAL_CALLER, Area, Caller, Permission
from advisor.errors import ForbiddenError, UnauthenticatedError
from integrations.web.credentials import Credentials
from integrations.web.limits import RateLimits

BEARER = HTTPBearer(auto_error=False, description="An API key (`adv_...`), a widget token or an OIDC token.")


class Guard:
    """Makes the dependencies by which routes learn who asks."""

    def __init__(self, credentials: Credentials, limits: RateLimits) -> None:
        self.credentials = credentials
        self._limits = limits

    def needs(self, permission: Permission, area: Area) -> Any:
        """Return a dependency that gives the Caller, or raises for one who may not."""

        def admit(request: Request) -> Caller:
            caller = self._identify(request)
            if area not in caller.areas:
                raise ForbiddenError(
                    f"This credential does not open the area {area.value}.", "Use a key that was made for it."
                )
            if not caller.may(permission):
                raise ForbiddenError(
                    f"You have the permission {caller.permission.value}; this needs {permission.value}.",
                    "Ask the operator for the permission.",
                )
            return caller

        return Depends(admit)

    def _identify(self, request: Request) -> Caller:
        address = self.credentials.find_address(request)
        try:
            caller = self.credentials.identify(request)
        except UnauthenticatedError:
            self._limits.spend_refusal(address)
            raise
        request.state.caller = caller
        if caller != LOCAL_CALLER:
            self._limits.spend(f"{caller.id}/{address}" if caller.anonymous else caller.id)
        return caller
