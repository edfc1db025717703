"""Says what is wrong with who may ask and how often, one line a check."""

from __future__ import annotations

from advisor.bootstrap import build_keys
from advisor.doctor import Check, run_checks
from advisor.settings import Settings
from integrations.web.credentials import Credentials
from integrations.web.limits import RateLimits
from integrations.web.oidc import OidcVerifier


def check_web(settings: Settings) -> list[Check]:
    """Look at identity and limits; never raise."""
    return run_checks({"Who may ask": lambda: _check_identity(settings), "Limits": lambda: _check_limits(settings)})


def _check_identity(settings: Settings) -> str:
    keys = build_keys(settings)
    Credentials(settings, keys)
    ways = [f"{sum(key.revoked_at is None for key in keys.list_all())} API keys"]
    if settings.oidc_issuer:
        ways.append(f"tokens of {settings.oidc_issuer} ({OidcVerifier(settings).count_keys()} keys)")
    if settings.trusted_proxies:
        ways.append(f"{len(settings.trusted_proxies)} trusted proxies")
    if settings.anonymous:
        ways.append("anonymous readers")
    if len(ways) == 1 and settings.local_access:
        ways.append("the user of this machine")
    return ", ".join(ways)


def _check_limits(settings: Settings) -> str:
    shared = RateLimits(settings).is_shared()
    return f"{settings.rate_limit} a caller, counted {'by all processes together' if shared else 'by each process'}"
