"""All that one service holds, from its start to its end."""

from __future__ import annotations

import time

from fenlei.serve.loading import Load, load_version
from fenlei.serve.metrics import Metrics
from fenlei.serve.recording import Recording
from fenlei.serve.registry import ModelRegistry
from fenlei.serve.settings import LONGEST_END, ServeSettings
from fenlei.serve.side import SideWorker


class Service:
    """Models, metrics and monitor; the models are loaded at once, and answer after `start`.

    Parameters
    ----------
    settings : ServeSettings
    load : callable, optional
        Gives the model of a folder and its version.

    Attributes
    ----------
    drains_since : float or None
        Of the monotonic clock, set when the service is to end: what was accepted is answered, what comes is refused.
    n_accepted : int
        Requests that are being answered.
    """

    def __init__(self, settings: ServeSettings, load: Load = load_version) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.registry = ModelRegistry(settings.models, load, settings.limits, self.metrics)
        self.recording: Recording | None = None
        if settings.monitor is not None:
            self.recording = recording = Recording(
                settings.monitor, record_text=settings.record_text, deadline=settings.limits.deadline,
                shed=self.metrics.refused.labels("monitor").inc,
            )  # fmt: skip
            self.metrics.dropped.set_function(lambda: recording.dropped)
        self.explainer = SideWorker("fenlei-explain", settings.limits.deadline)
        self.tables = SideWorker("fenlei-table", settings.limits.deadline)
        self.drains_since: float | None = None
        self.n_accepted = 0

    async def start(self) -> None:
        """Put the models in service."""
        await self.registry.start(watch=self.settings.watch)

    async def close(self) -> None:
        """Answer what was accepted and write what the monitor holds, as far as there is time."""
        await self.registry.close()
        self.explainer.close()
        self.tables.close()
        if self.recording is not None:
            await self.recording.close(self._seconds_left())

    @property
    def is_draining(self) -> bool:
        """Whether the service is to end."""
        return self.drains_since is not None

    @property
    def is_ready(self) -> bool:
        """Whether requests are taken and every model works."""
        return not self.is_draining and self.registry.is_ready

    def _seconds_left(self) -> float:
        since = time.monotonic() if self.drains_since is None else self.drains_since
        return max(0.0, since + LONGEST_END - time.monotonic())
