"""How often a caller may ask: a moving window per caller, in memory or in Redis."""

from __future__ import annotations

import logging
import math
import time

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from advisor.errors import InvalidInputError, UnavailableError
from advisor.settings import Settings

STRANGERS = parse("30/minute")
"""Refused credentials that one address may try."""
_log = logging.getLogger(__name__)


class TooManyRequestsError(Exception):
    """A caller has used up their share; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class RateLimits:
    """Counts requests. While Redis is out of reach each process counts its own. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """Raise InvalidInputError for a limit or a URL that cannot be used."""
        try:
            self._item = parse(settings.rate_limit)
        except ValueError:
            raise InvalidInputError(
                f'ADVISOR_RATE_LIMIT: "{settings.rate_limit}" is not a limit.', "Use a form like 120/minute."
            ) from None
        self._near = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_open_redis(settings.redis_url)) if settings.redis_url else self._near

    def is_shared(self) -> bool:
        """Whether all processes count together now; raise UnavailableError where they should and cannot."""
        if self._shared is self._near:
            return False
        if not self._shared.storage.check():
            raise UnavailableError(
                "Redis is out of reach, so each process counts its own requests.", "Check ADVISOR_REDIS_URL."
            )
        return True

    def spend(self, who: str) -> None:
        """Count one request of a caller; raise TooManyRequestsError."""
        self._spend(self._item, f"caller/{who}")

    def spend_refusal(self, address: str) -> None:
        """Count one refused credential of an address; raise TooManyRequestsError."""
        self._spend(STRANGERS, f"address/{address}")

    def _spend(self, item: RateLimitItem, key: str) -> None:
        limiter = self._shared
        try:
            allowed = limiter.hit(item, key)
        except (StorageError, OSError) as error:
            _log.warning("Redis is out of reach (%s); this process counts alone", type(error).__name__)
            limiter = self._near
            allowed = limiter.hit(item, key)
        if not allowed:
            left = limiter.get_window_stats(item, key).reset_time - time.time()
            raise TooManyRequestsError(max(1, math.ceil(left)))


def _open_redis(url: str) -> Storage:
    try:
        return RedisStorage(url, wrap_exceptions=True)
    except Exception as error:  # noqa: BLE001  whatever the driver finds wrong with the URL
        raise InvalidInputError(
            f"ADVISOR_REDIS_URL cannot be used ({type(error).__name__}).",
            'Use redis://host:6379, and install the extra: pip install "operating-model-advisor[redis]".',
        ) from None
