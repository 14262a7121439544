"""What is measured, each leg in a process of its own so that CPU time and peak memory are its alone.

Usage: python -m bench.legs raw|peer|postroom ORIGIN TOKEN START MAILS; prints a JSON line.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable

CONCURRENCY = 8


def raw(origin: str, token: str, start: str, mails: int) -> int:
    """The least there is: list the changes, get every mail and its attachments, throw them away.

    With the same HTTP client, asking for the same fields in the same encoding.
    """
    import orjson

    from postroom.providers.gmail.source import MESSAGE_FIELDS
    from postroom.providers.http import open_session

    async def run() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        turn = asyncio.Semaphore(CONCURRENCY)
        wanted = f"format=full&prettyPrint=false&fields={MESSAGE_FIELDS}"
        async with open_session() as session:

            async def get(path: str) -> bytes:
                url = f"{origin}/gmail/v1/users/me/{path}"
                async with session.get(url, headers=headers) as response:
                    return await response.read()

            async def skip(path: str) -> None:
                url = f"{origin}/gmail/v1/users/me/{path}?prettyPrint=false&fields=data"
                plain = {**headers, "Accept-Encoding": "identity"}
                async with session.get(url, headers=plain) as response:
                    async for _ in response.content.iter_chunked(256 * 1024):
                        pass

            async def one(message_id: str) -> None:
                async with turn:
                    answer = orjson.loads(await get(f"messages/{message_id}?{wanted}"))
                    for part in answer["payload"].get("parts", []):
                        if attachment := part["body"].get("attachmentId"):
                            await skip(f"messages/{message_id}/attachments/{attachment}")

            count, page = 0, ""
            while True:
                answer = orjson.loads(
                    await get(
                        f"history?startHistoryId={start}&historyTypes=messageAdded&maxResults=100{page}"
                    )
                )
                ids = [a["message"]["id"] for r in answer.get("history", []) for a in r["messagesAdded"]]
                await asyncio.gather(*map(one, ids))
                count += len(ids)
                if "nextPageToken" not in answer:
                    return count
                page = f"&pageToken={answer['nextPageToken']}"

    return asyncio.run(run())


def peer(origin: str, token: str, start: str, mails: int) -> int:
    """Google's own Python client, fetching without storing, as an integration is usually written."""
    from google.oauth2.credentials import Credentials
    from googleapiclient.discovery import build

    users = build(
        "gmail",
        "v1",
        credentials=Credentials(token),
        client_options={"api_endpoint": origin},
        static_discovery=True,
    ).users()
    request = users.history().list(userId="me", startHistoryId=start, historyTypes=["messageAdded"])
    count = 0
    while request is not None and count < mails:
        answer = request.execute()
        for record in answer.get("history", []):
            for added in record["messagesAdded"]:
                users.messages().get(userId="me", id=added["message"]["id"], format="full").execute()
                count += 1
        request = users.history().list_next(request, answer)
    return count


def postroom(origin: str, token: str, start: str, mails: int) -> int:
    """The real pass, from the sandbox to committed activities."""
    os.environ["POSTROOM_GOOGLE_URL"] = origin
    os.environ["POSTROOM_GMAIL_UNITS_PER_MINUTE"] = "0"
    os.environ["DJANGO_SETTINGS_MODULE"] = "postroom.site.settings"
    import django

    django.setup()
    from bench.company import ready, synced
    from postroom.connector.live_settings import live
    from postroom.sync.passes import run_pass
    from postroom.sync.runtime import open_runtime

    mailbox_id = ready("rep0@northwind.example", token, start)

    async def run() -> None:
        async with open_runtime() as runtime:
            while (await run_pass(mailbox_id, runtime.session, runtime.blobs)).unfinished:
                pass

    with live.listening():
        begin()
        asyncio.run(run())
        end()
    return synced(mailbox_id)


_marks: list[tuple[float, float]] = []


def begin() -> None:
    """The clock starts here for a leg that has set-up of its own."""
    _marks[:] = [(time.perf_counter(), cpu())]


def end() -> None:
    _marks.append((time.perf_counter(), cpu()))


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


Leg = Callable[[str, str, str, int], int]


def main(known: dict[str, Leg]) -> None:
    leg, origin, token, start, mails = sys.argv[1:6]
    begin()
    count = known[leg](origin, token, start, int(mails))
    if len(_marks) == 1:
        end()
    (wall0, cpu0), (wall1, cpu1) = _marks
    print(
        json.dumps(
            {
                "mails": count,
                "seconds": wall1 - wall0,
                "cpu": cpu1 - cpu0,
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main({"raw": raw, "peer": peer, "postroom": postroom})
