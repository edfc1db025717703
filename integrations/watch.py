"""Has a damaged index built anew while the process that found it goes on answering without Chroma."""

from __future__ import annotations

import logging
import threading
import time

from advisor.bootstrap import mend_index
from advisor.errors import AdvisorError, BusyError
from advisor.settings import Settings

_EVERY_SECONDS = 5.0
_AFTER_FAILURE_SECONDS = 600.0
_log = logging.getLogger(__name__)


def watch_index(settings: Settings) -> None:
    """Look every few seconds whether a reader of this process reported damage, in a thread that ends with it."""
    threading.Thread(target=_watch, args=(settings,), daemon=True, name="watch").start()


def _watch(settings: Settings) -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        try:
            for name in mend_index(settings):
                _log.warning("The index of the %s was damaged, and is built anew", name)
        except BusyError:
            continue
        except AdvisorError as error:
            _log.error("The index is damaged and cannot be built anew here: %s", error)
            time.sleep(_AFTER_FAILURE_SECONDS)
        except Exception:  # noqa: BLE001  a watch that died would look like one that found nothing
            _log.exception("The index is damaged; building it anew failed")
            time.sleep(_AFTER_FAILURE_SECONDS)
