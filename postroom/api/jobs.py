"""What is done by the clock for the API."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from postroom.api.idempotency import forget_answers
from postroom.threads import in_thread


@app.periodic(cron="41 * * * *")
@app.task(name="forget_answers", queueing_lock="forget_answers")
async def forget_old_answers(timestamp: int) -> None:
    """Forget what was answered a day ago to requests with an Idempotency-Key."""
    await in_thread(forget_answers, datetime.now(UTC))
