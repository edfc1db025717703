"""OpenID Connect bearer tokens, checked against the issuer's published keys."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import jwt

from advisor.errors import InvalidInputError, UnauthenticatedError, UnavailableError
from advisor.settings import Settings

_KEYS_SECONDS = 3600
_LEEWAY_SECONDS = 30
_TIMEOUT_SECONDS = 5
_ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_OUT_OF_REACH = UnavailableError(
    "The identity provider's keys cannot be read.", "Try again; if it stays, ask the operator."
)
_HINT = "Get a fresh token from your identity provider."


class Identified(NamedTuple):
    """Who a credential names, and the groups that the identity provider puts them in."""

    user: str
    groups: tuple[str, ...]


class OidcVerifier:
    """Verifies signature, algorithm, issuer, audience and times. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """Raise InvalidInputError for settings that would accept what must not be accepted."""
        if not settings.oidc_audience:
            raise InvalidInputError(
                "ADVISOR_OIDC_AUDIENCE is not set.", "Name the audience that tokens for the advisor are made for."
            )
        if weak := sorted(set(settings.oidc_algorithms) - _ASYMMETRIC) or (not settings.oidc_algorithms and ["none"]):
            raise InvalidInputError(
                f"ADVISOR_OIDC_ALGORITHMS: {', '.join(weak)} cannot be accepted.",
                f"Use some of {', '.join(sorted(_ASYMMETRIC))}.",
            )
        for url in (settings.oidc_issuer, settings.oidc_jwks_url):
            _check_url(url)
        self._settings = settings
        self._client: jwt.PyJWKClient | None = None
        self._lock = threading.Lock()

    def verify(self, token: str) -> Identified:
        """Return who a token names; raise UnauthenticatedError, or UnavailableError while the keys cannot be read."""
        settings = self._settings
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in settings.oidc_algorithms:
                raise UnauthenticatedError("The token is signed with an algorithm that is not accepted.", _HINT)
            key = self._find_key(str(header.get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(settings.oidc_algorithms),
                audience=settings.oidc_audience,
                issuer=settings.oidc_issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("The token has expired.", _HINT) from None
        except (jwt.PyJWTError, ValueError):
            raise UnauthenticatedError("The token is not accepted.", _HINT) from None
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> Identified:
        name = self._settings.oidc_user_claim
        user = claims.get(name)
        if (
            not isinstance(user, str)
            or not user.strip()
            or (name == "email" and str(claims.get("email_verified", True)).lower() != "true")
        ):
            raise UnauthenticatedError(
                f'The token does not say who asks: it has no usable claim "{name}".',
                "Ask the operator to add the claim, or to set ADVISOR_OIDC_USER_CLAIM.",
            )
        groups = claims.get(self._settings.oidc_groups_claim) or ()
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else ()
        return Identified(user.strip().lower(), tuple(str(group) for group in listed))

    def count_keys(self) -> int:
        """Return how many keys the issuer signs with; raise UnavailableError while they cannot be read."""
        try:
            return len(self._open().get_signing_keys())
        except jwt.PyJWTError:
            raise _OUT_OF_REACH from None

    def _find_key(self, id_: str) -> jwt.PyJWK:
        with self._lock:
            client = self._client = self._client or self._open()
        try:
            return client.get_signing_key(id_)
        except jwt.PyJWKClientConnectionError:
            raise _OUT_OF_REACH from None

    def _open(self) -> jwt.PyJWKClient:
        url = self._settings.oidc_jwks_url
        try:
            if not url:
                about = f"{self._settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration"
                found = httpx.get(about, timeout=_TIMEOUT_SECONDS, follow_redirects=False).raise_for_status()
                url = str(found.json()["jwks_uri"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise _OUT_OF_REACH from None
        _check_url(url)
        return jwt.PyJWKClient(url, lifespan=_KEYS_SECONDS, timeout=_TIMEOUT_SECONDS)


def _check_url(url: str) -> None:
    """Refuse to read keys over a connection that anyone on the way could change."""
    parts = urlsplit(url)
    if url and parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise InvalidInputError(f"The identity provider's address {url} is not https.", "Use its https address.")
