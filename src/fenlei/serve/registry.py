"""The models in service by name, and the exchange of one version for the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from fenlei.exceptions import FenleiError, ModelFolderError
from fenlei.serve.errors import ServeError
from fenlei.serve.loading import Load, read_version
from fenlei.serve.metrics import Metrics
from fenlei.serve.served import ServedModel
from fenlei.serve.settings import Limits
from fenlei.serve.worker import Worker

_log = logging.getLogger(__name__)
_LOOK_EVERY = 1.0  # seconds


class ModelRegistry:
    """Models by name; a name always has one version that answers.

    Parameters
    ----------
    folders : mapping of str to Path
    load : callable
        Gives the model of a folder, and its version.
    limits : Limits
    metrics : Metrics
    """

    def __init__(self, folders: Mapping[str, Path], load: Load, limits: Limits, metrics: Metrics) -> None:
        self._folders, self._load, self._limits, self._metrics = dict(folders), load, limits, metrics
        self._loaded = {name: load(folder) for name, folder in folders.items()}
        self._served: dict[str, ServedModel] = {}
        self._exchanges = {name: asyncio.Lock() for name in folders}
        self._loader = Worker("fenlei-load", n_threads=len(folders) + 1)  # a load that hangs stops no other
        self._closing: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def start(self, *, watch: bool) -> None:
        """Put the loaded models in service."""
        for name, loaded in self._loaded.items():
            await self._put_in_service(ServedModel(name, loaded, self._limits, self._metrics))
        self._loaded.clear()
        if watch:
            self._watch = asyncio.create_task(self._look_for_versions())

    async def close(self) -> None:
        """Answer what was accepted, then end."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self._loader.close()
        await asyncio.gather(*(served.close() for served in self._served.values()), *self._closing)

    def all(self) -> list[ServedModel]:
        """Give the versions in service, the default model first."""
        return list(self._served.values())

    def get(self, name: str | None) -> ServedModel:
        """Give the version of a model that answers now; None is the default.

        Raises
        ------
        ServeError
            When there is no such model.
        """
        served = next(iter(self._served.values())) if name is None else self._served.get(name)
        if served is None:
            raise ServeError(404, "unknown_model", f"no model of that name; known: {', '.join(self._served)}")
        return served

    @property
    def is_ready(self) -> bool:
        """Whether every model works."""
        return len(self._served) == len(self._folders) and all(one.is_healthy for one in self.all())

    async def reload(self, name: str) -> ServedModel:
        """Load what is in a model's folder beside the version in service, check it, and exchange them.

        Requests that came before are answered by the version they came to.

        Raises
        ------
        ServeError
            When there is no such model, or its folder holds none that works; the old version then stays.
        """
        old = self.get(name)
        async with self._exchanges[name]:
            try:
                loaded = await self._loader.run(lambda: self._load(self._folders[name]))
                new = ServedModel(name, loaded, self._limits, self._metrics)
                await self._put_in_service(new)
            except Exception as error:
                self._metrics.reloads.labels(name, "failed").inc()
                reason = str(error) if isinstance(error, FenleiError) else type(error).__name__
                _log.error("model %s: version %s stays in service: %s", name, old.version, reason)
                raise ServeError(422, "reload_failed", f"the old version stays in service: {reason}") from error
        self._metrics.reloads.labels(name, "done").inc()
        _log.info("model %s: version %s in service", name, new.version)
        return new

    async def _put_in_service(self, new: ServedModel) -> None:
        try:
            await new.start()
        except BaseException:
            await new.close()
            raise
        old = self._served.get(new.name)
        self._served[new.name] = new
        self._metrics.put_in_service(new, old)
        if old is not None:
            closing = asyncio.create_task(old.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _look_for_versions(self) -> None:
        settled: dict[str, tuple[str, str]] = {}  # a folder's version, and the one in service after it was looked at
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for name, folder in self._folders.items():
                with suppress(ModelFolderError):  # it is being replaced
                    version = await self._loader.run(partial(read_version, folder))
                    if settled.get(name) != (version, self.get(name).version):
                        await self._follow(name, version)
                        settled[name] = version, self.get(name).version

    async def _follow(self, name: str, version: str) -> None:
        if version != self.get(name).version:
            with suppress(ServeError):  # told of in the log
                await self.reload(name)
