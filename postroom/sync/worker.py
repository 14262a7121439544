"""The worker process: runs jobs until it is told to stop, through outages of the database."""

import asyncio
import logging

from procrastinate.connector import BaseAsyncConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from postroom.connector.live_settings import live
from postroom.errors import Misconfigured
from postroom.sync.jobs import HEARTBEAT_SECONDS, STALLED_SECONDS
from postroom.sync.runtime import open_runtime

log = logging.getLogger(__name__)

LONGEST_WAIT = 10.0
"""Seconds between attempts to reach a database that is gone."""


def _connector() -> BaseAsyncConnector:
    if not isinstance(app.connector, DjangoConnector):
        raise Misconfigured("Procrastinate does not run on Django's database.")
    return app.connector.get_worker_connector()


async def run_worker(concurrency: int) -> None:
    """Run jobs, ``concurrency`` mailboxes at a time; returns when asked to stop by a signal."""
    with live.listening():
        await _work(concurrency)


async def _work(concurrency: int) -> None:
    async with open_runtime() as runtime:
        wait = 0.5
        while True:
            try:
                with app.replace_connector(_connector()) as worker:
                    async with worker.open_async():
                        wait = 0.5
                        await worker.run_worker_async(
                            name="postroom",
                            concurrency=concurrency,
                            additional_context={"runtime": runtime},
                            delete_jobs="successful",
                            update_heartbeat_interval=HEARTBEAT_SECONDS,
                            stalled_worker_timeout=STALLED_SECONDS,
                            shutdown_graceful_timeout=20,
                        )
                return
            except (ConnectorException, OperationalError, PoolTimeout) as error:
                log.warning("The database cannot be reached; trying again in %.0f s. (%s)", wait, error)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
