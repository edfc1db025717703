"""Widget tokens: signed, short-lived, good for one origin, and dead as soon as the key that made them is."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import jwt

from advisor.domain.audit import NewLine
from advisor.domain.identity import WORK_AREAS, ApiKey, Caller, Permission, Person
from advisor.errors import InvalidInputError, StorageError, UnauthenticatedError
from advisor.settings import Settings
from advisor.storage.keys import SqlKeys

LIFETIME = timedelta(minutes=15)
TYPE = "advisor-widget+jwt"
_ALGORITHM = "HS256"
_AUDIENCE = "advisor-widget"
_MOST = Permission.CONTRIBUTOR
"""A page is no place to hold more."""
_SECRET_BYTES = 32


class WidgetTokens:
    """Makes and reads widget tokens."""

    def __init__(self, secret: str, keys: SqlKeys) -> None:
        self._secret = secret
        self._keys = keys

    def create(self, key: ApiKey, user: str, person: Person, origin: str) -> str:
        """Return a token for a person on the pages of an origin; it gives no more than the key has."""
        permission = next(p for p in Permission if p in {person.permission, key.permission, _MOST})
        seen = key.caller
        now = datetime.now(UTC)
        claims = {
            "aud": _AUDIENCE,
            "sub": user.lower(),
            "iat": now,
            "exp": now + LIFETIME,
            "origin": origin,
            "key": key.id,
            "permission": permission.value,
            "groups": [group for group in person.groups if seen.may_see(group)],
        }
        self._keys.note(seen, NewLine(action="create widget token", subject=f"key {key.id}", detail=origin))
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM, headers={"typ": TYPE})

    def read(self, token: str, origin: str) -> Caller:
        """Return who a token stands for; raise UnauthenticatedError for one that is not good here and now.

        `origin` is the page that asks, or `//host` for a request within one origin, which names no page.
        """
        hint = "Ask the page for a fresh token."
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("The widget's token has expired.", hint) from None
        except jwt.PyJWTError:
            raise UnauthenticatedError("The widget's token is not accepted.", hint) from None
        if origin not in {claims["origin"], "//" + urlsplit(claims["origin"]).netloc}:
            raise UnauthenticatedError("The widget's token was made for another page.", hint)
        if self._keys.find_active(claims["key"]) is None:
            raise UnauthenticatedError("The key that made the widget's token was revoked or has expired.", hint)
        return Caller(
            id=claims["sub"],
            permission=Permission(claims["permission"]),
            groups=tuple(claims["groups"]),
            areas=WORK_AREAS,
        )


def load_secret(settings: Settings) -> str:
    """Return what signs widget tokens: as set, or from a file that is made once and that only we can read."""
    if given := settings.token_secret.get_secret_value():
        if len(given) < _SECRET_BYTES:
            raise InvalidInputError(
                "ADVISOR_TOKEN_SECRET is too short.", f"Use at least {_SECRET_BYTES} random characters."
            )
        return given
    path = settings.data_dir / "token.secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path)
        return path.read_text().strip()
    except OSError as error:
        raise StorageError(
            f"The secret of widget tokens cannot be kept ({error.strerror}).",
            "Set ADVISOR_TOKEN_SECRET, or ADVISOR_DATA_DIR to a folder you may write.",
        ) from error


def _write_once(path: Path) -> None:
    """Write the file whole under another name first: a second process never reads half a secret."""
    if path.exists():
        return
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(_SECRET_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
