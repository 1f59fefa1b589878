"""One version of a model in service: its batches, and whether it works."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from fenlei.serve.batching import MicroBatcher
from fenlei.serve.loading import CHECK_TEXT, Loaded
from fenlei.serve.metrics import Metrics
from fenlei.serve.settings import Limits

_log = logging.getLogger(__name__)
_CHECK_EVERY, _CHECK_WITHIN = 1.0, 2.9  # seconds; a check begins within twice the first, so all is told within five
_WARM_UP_TEXTS, _WARM_UP_SECONDS = 16, 0.5


class ServedModel:
    """A model that answers requests; the part of `MicroBatcher.Listener` that keeps its own state is here.

    Parameters
    ----------
    name : str
    loaded : Loaded
    limits : Limits
    metrics : Metrics

    Attributes
    ----------
    is_healthy : bool
        Whether it last scored a text when asked to; looked at every second, and after each error.
    """

    def __init__(self, name: str, loaded: Loaded, limits: Limits, metrics: Metrics) -> None:
        self.name = name
        self.model, self.version, self.reference = loaded
        self.is_healthy = True
        self.batcher = MicroBatcher(
            self.model.predict_proba, most_waiting=limits.queue, deadline=limits.deadline, listener=self
        )
        self._metrics = metrics
        self._doubt = asyncio.Event()
        self._checks: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Score some texts, so that the pace is known, and look after the model from now on."""
        await self.batcher.check([CHECK_TEXT])  # may compile, and so says nothing of the pace
        seconds = await self._warm_up(1)
        more = min(int(_WARM_UP_SECONDS / max(seconds, 1e-6)), _WARM_UP_TEXTS)
        if more > 1:
            await self._warm_up(more)
        self._checks = asyncio.create_task(self._check_on())

    async def close(self) -> None:
        """Answer what was accepted, then end."""
        if self._checks is not None:
            self._checks.cancel()
            with suppress(asyncio.CancelledError):
                await self._checks
        await self.batcher.close()

    def facts(self) -> dict[str, Any]:
        """Describe the model to clients."""
        return {
            "name": self.name,
            "family": self.model.family,
            "version": self.version,
            "classes": self.model.classes_.tolist(),
            "multi_label": bool(self.model.multi_label_),
            "language": str(getattr(self.model, "language_", "")),
            "ready": self.is_healthy,
        }

    def batch(self, n_texts: int, tokenize: float, inference: float) -> None:
        """Count a batch."""
        self._metrics.batch(self.name, n_texts, tokenize, inference)

    def shed(self) -> None:
        """Count a refused request."""
        self._metrics.shed.labels(self.name).inc()

    def failed(self, error: Exception) -> None:
        """Count an error of the model, and have it checked at once."""
        self._metrics.model_errors.labels(self.name).inc()
        _log.error("model %s, version %s: %s", self.name, self.version, type(error).__name__)
        self._doubt.set()

    async def _warm_up(self, n_texts: int) -> float:
        clock = asyncio.get_running_loop().time
        start = clock()
        await self.batcher.check([CHECK_TEXT] * n_texts)
        self.batcher.pace.add(n_texts, clock() - start)
        return clock() - start

    async def _check_on(self) -> None:
        while True:
            with suppress(TimeoutError):  # no wait_for, which loses a cancel that comes together with a doubt
                async with asyncio.timeout(_CHECK_EVERY):
                    await self._doubt.wait()
            since = asyncio.get_running_loop().time() - self.batcher.worked
            if self._doubt.is_set() or not self.is_healthy or since > _CHECK_EVERY:
                self._doubt.clear()
                await self._check()

    async def _check(self) -> None:
        check = asyncio.create_task(self.batcher.check([CHECK_TEXT]))
        await asyncio.wait({check}, timeout=_CHECK_WITHIN)
        if not check.done():
            self._tell(healthy=False)
            await asyncio.wait({check})  # one at a time: a stuck model must not gather checks
        self._tell(healthy=check.exception() is None)

    def _tell(self, *, healthy: bool) -> None:
        if healthy != self.is_healthy:
            _log.warning("model %s: %s", self.name, "works again" if healthy else "cannot score; not ready")
        self.is_healthy = healthy
        self._metrics.ready.labels(self.name).set(healthy)
