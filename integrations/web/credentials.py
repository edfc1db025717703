"""From a request to a Caller: API key, widget token, OIDC token, trusted proxy, local user, anonymous reader."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import jwt
from starlette.requests import HTTPConnection

from advisor.domain.identity import ANONYMOUS, LOCAL_CALLER, ApiKey, Caller, Directory
from advisor.errors import ForbiddenError, InvalidInputError, UnauthenticatedError
from advisor.settings import Settings
from advisor.storage.keys import PREFIX, SqlKeys
from integrations.web.oidc import OidcVerifier
from integrations.web.tokens import TYPE, WidgetTokens, load_secret

_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_PERSON = re.compile(r"^[^\s:,;<>\"']{1,250}$")
_LONGEST_TOKEN = 8_000


class Credentials:
    """Says who asks. What a request shows is either accepted or refused: a bad credential never counts as none."""

    def __init__(self, settings: Settings, keys: SqlKeys) -> None:
        """Raise InvalidInputError for settings that cannot be used."""
        self._settings = settings
        self._keys = keys
        self._directory = Directory(settings.people, settings.groups, otherwise=settings.default_permission)
        self._oidc = OidcVerifier(settings) if settings.oidc_issuer else None
        self._proxies = _read_networks(settings.trusted_proxies)
        self._tokens = WidgetTokens(load_secret(settings), keys)
        identities = (settings.oidc_issuer, settings.trusted_proxies, settings.anonymous)
        self._local = settings.local_access and not any(identities)

    def identify(self, request: HTTPConnection) -> Caller:
        """Return who asks; raise UnauthenticatedError."""
        if token := read_bearer(request):
            return self._read_token(request, token)
        if user := self._find_proxied(request):
            return user
        if self._local and _is_local(request):
            return LOCAL_CALLER
        if self._settings.anonymous:
            return ANONYMOUS
        raise UnauthenticatedError(
            "It is not known who asks.",
            "Sign in, or send an API key or a token as `Authorization: Bearer ...`.",
        )

    def create_token(self, request: HTTPConnection, user: str, groups: tuple[str, ...], origin: str) -> str:
        """Return a widget token for a person; raise ForbiddenError for a caller without a key, or a strange origin."""
        key = self._keys.find_by_secret(read_bearer(request))
        if key is None:
            raise ForbiddenError("Widget tokens are made with an API key.", "Use a key with the area tokens.")
        if origin not in self._settings.allowed_origins:
            raise ForbiddenError(
                f"The page {origin[:80]} may not call the advisor.", "Add it to ADVISOR_ALLOWED_ORIGINS."
            )
        check_person(user)
        return self._tokens.create(key, user, self._directory.find(user, groups), origin)

    def find_address(self, request: HTTPConnection) -> str:
        """Return where a request comes from; a trusted proxy is believed about it."""
        peer = request.client.host if request.client else ""
        if self._trusts(peer) and (chain := ",".join(request.headers.getlist("x-forwarded-for"))):
            return chain.rsplit(",", 1)[-1].strip()[:60]
        return peer

    def _read_token(self, request: HTTPConnection, token: str) -> Caller:
        if len(token) > _LONGEST_TOKEN:
            raise UnauthenticatedError("The token is too long.", "Send the token as it was issued.")
        if token.startswith(PREFIX):
            key: ApiKey | None = self._keys.find_by_secret(token)
            if key is None:
                raise UnauthenticatedError(
                    "The API key is not known, has expired or was revoked.", "Ask the operator for a new one."
                )
            return key.caller
        if _find_type(token) == TYPE:
            return self._tokens.read(token, _find_origin(request))
        if self._oidc is None:
            raise UnauthenticatedError("The token is not accepted.", "Send an API key, or ask the operator.")
        user, groups = self._oidc.verify(token)
        return self._to_caller(user, groups)

    def _find_proxied(self, request: HTTPConnection) -> Caller | None:
        if not self._trusts(request.client.host if request.client else ""):
            return None
        named = request.headers.getlist(self._settings.proxy_user_header)
        if not named or not named[0].strip():
            return None
        if len(named) > 1 or "," in named[0]:
            raise UnauthenticatedError("The proxy names more than one person.", "Ask the operator.")
        groups = ",".join(request.headers.getlist(self._settings.proxy_groups_header)).split(",")
        return self._to_caller(named[0].strip().lower(), tuple(group.strip() for group in groups if group.strip()))

    def _to_caller(self, user: str, groups: tuple[str, ...]) -> Caller:
        check_person(user)
        person = self._directory.find(user, groups)
        return Caller(id=user, permission=person.permission, groups=person.groups)

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def check_person(user: str) -> None:
    """Raise UnauthenticatedError for a name that could stand for a key, for this machine or for everybody."""
    if not _PERSON.match(user) or user.lower() in {LOCAL_CALLER.id, ANONYMOUS.id}:
        raise UnauthenticatedError(
            "That is not a name that a person can have here.", "Use the e-mail address, or another claim or header."
        )


def read_bearer(request: HTTPConnection) -> str:
    """Return the bearer token of a request, or nothing; raise UnauthenticatedError for another scheme."""
    given = request.headers.get("authorization", "").strip()
    scheme, _, token = given.partition(" ")
    if given and (scheme.lower() != "bearer" or not token.strip()):
        raise UnauthenticatedError(
            "The Authorization header is not a bearer token.", "Send `Authorization: Bearer ...`."
        )
    return token.strip()


def _find_type(token: str) -> str:
    try:
        return str(jwt.get_unverified_header(token).get("typ", ""))
    except (jwt.PyJWTError, ValueError):
        return ""


def _find_origin(request: HTTPConnection) -> str:
    """Return the page that a browser says it asks for; a request within one origin may leave it out."""
    if origin := request.headers.get("origin"):
        return origin
    if request.headers.get("sec-fetch-site") == "same-origin":
        return f"//{request.headers.get('host', '')}"
    return ""


def _is_local(request: HTTPConnection) -> bool:
    """Whether a request comes from this machine, for this machine, and through no proxy that says so."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    peer = request.client.host if request.client else ""
    return peer in _LOCAL_NAMES and host in _LOCAL_NAMES and not any(name in request.headers for name in _FORWARDING)


def _read_networks(given: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(address, strict=False) for address in given)
    except ValueError as error:
        raise InvalidInputError(
            f"ADVISOR_TRUSTED_PROXIES: {error}.", 'Use addresses like "10.0.0.7" or "10.0.0.0/24".'
        ) from None
