"""The legs over Outlook: the real pass, and the loop that asks for every mail by itself.

Usage: python -m bench.outlook one|postroom ORIGIN TOKEN DAYS MAILS; prints a JSON line.
"""

import asyncio
import os

from bench import legs

LIMITLESS = 10**9


def one(origin: str, token: str, days: str, mails: int) -> int:
    """One request a mail, as usually written: list the ids, get each, and what is attached."""
    import orjson
    from yarl import URL

    from postroom.providers.http import open_session
    from postroom.providers.outlook.payload import ATTACHMENT_SELECT, SELECT

    async def run() -> int:
        headers = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
        turn = asyncio.Semaphore(4)
        async with open_session() as session:

            async def get(url: str) -> bytes:
                async with session.get(URL(url, encoded=True), headers=headers) as response:
                    response.raise_for_status()
                    return await response.read()

            async def fetch(item: str) -> None:
                mail = f"{origin}/v1.0/me/messages/{item}"
                async with turn:
                    answer = orjson.loads(await get(f"{mail}?$select={SELECT}"))
                    if not answer["hasAttachments"]:
                        return
                    listed = orjson.loads(await get(f"{mail}/attachments?$select={ATTACHMENT_SELECT}"))
                    for each in listed["value"]:
                        await get(f"{mail}/attachments/{each['id']}/$value")

            count, link = 0, f"{origin}/v1.0/me/mailFolders/inbox/messages?$select=id&$top=100"
            while link and count < mails:
                answer = orjson.loads(await get(link))
                await asyncio.gather(*(fetch(each["id"]) for each in answer["value"]))
                count += len(answer["value"])
                link = answer.get("@odata.nextLink", "").replace(" ", "%20")
            return count

    return asyncio.run(run())


def postroom(origin: str, token: str, days: str, mails: int) -> int:
    """The real pass, from the stand-in to committed activities; Postroom's own pace is off."""
    os.environ["POSTROOM_MICROSOFT_URL"] = origin
    os.environ["DJANGO_SETTINGS_MODULE"] = "postroom.site.settings"
    import django

    django.setup()
    from bench.company import ready_at_outlook, synced
    from postroom.connector.live_settings import live
    from postroom.providers.outlook import quota
    from postroom.sync.passes import run_pass
    from postroom.sync.runtime import open_runtime

    quota.BURST = LIMITLESS
    mailbox_id = ready_at_outlook("rep0@northwind.example", token, int(days))

    async def run() -> None:
        async with open_runtime() as runtime:
            while (await run_pass(mailbox_id, runtime.session, runtime.blobs)).unfinished:
                pass

    with live.listening():
        legs.begin()
        asyncio.run(run())
        legs.end()
    return synced(mailbox_id)


if __name__ == "__main__":
    legs.main({"one": one, "postroom": postroom})
