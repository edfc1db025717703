"""What each route asks of its caller: who, with which permission, in which area of the API, how often."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from advisor.domain.identity import LOCAL_CALLER, Area, Caller, Permission, require
from advisor.errors import UnauthenticatedError
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
            caller = self.identify(request)
            require(caller, permission, area)
            return caller

        return Depends(admit)

    def identify(self, request: Request) -> Caller:
        """Return who asks, counted against their limit; raise UnauthenticatedError, TooManyRequestsError."""
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
