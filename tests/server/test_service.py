from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from legato.audio.null import NullOutput
from legato.errors import ServiceBusy, UnknownVoice
from legato.server.admission import AdmissionPolicy
from legato.server.body_output import BodyOutput
from legato.server.service import Service
from legato.server.settings import ServerSettings
from legato.streaming_pipeline import Playback

WAIT_S = 60.0
TEXT = "Two listeners share one engine. Each of them hears every word of its own story."


@asynccontextmanager
async def serving(**changes: object) -> AsyncIterator[Service]:
    settings = ServerSettings(**changes)  # type: ignore[arg-type]
    service = Service(settings.engines[0], settings)
    service.open()
    try:
        await service.start()
        yield service
    finally:
        await service.close()


async def said(playback: Playback, text: str) -> str:
    utterance = playback.say(text)
    assert await asyncio.to_thread(utterance.wait, WAIT_S)
    return utterance.heard_text


async def gone(service: Service) -> None:
    async with asyncio.timeout(WAIT_S):
        await service.nobody()


def test_many_hear_their_own_text_from_one_engine() -> None:
    async def run() -> None:
        async with serving() as service, AsyncExitStack() as stack:
            playbacks = [
                await stack.enter_async_context(service.listen(NullOutput(), "test", rate=4.0))
                for _ in range(4)
            ]
            texts = [f"Listener {n}. {TEXT}" for n in range(4)]
            heard = await asyncio.gather(*map(said, playbacks, texts))
            assert heard == texts
            for playback in playbacks:
                assert playback.metrics().underruns == 0
            assert service.meter.capacity is not None

    asyncio.run(run())


def test_who_cannot_be_served_is_told_at_once_and_when_to_ask_again() -> None:
    async def run() -> None:
        async with serving(
            admission=AdmissionPolicy(most_listeners=1, most_lag_s=WAIT_S)
        ) as service:
            async with service.listen(NullOutput(), "test"):
                with pytest.raises(ServiceBusy, match="1 listen already") as refused:
                    async with service.listen(NullOutput(), "test"):
                        raise AssertionError
                assert refused.value.retry_after_s >= 1.0
            await gone(service)
            async with service.listen(BodyOutput(), "test") as playback:
                assert playback.opened

    asyncio.run(run())


def test_what_cannot_be_opened_leaves_no_listener_behind() -> None:
    async def run() -> None:
        async with serving() as service:
            with pytest.raises(UnknownVoice):
                async with service.listen(BodyOutput(), "test", voice="nobody"):
                    raise AssertionError
            await gone(service)
            assert not service.listeners

    asyncio.run(run())


def test_a_cancelled_listener_is_closed_and_its_jobs_with_it() -> None:
    async def run() -> None:
        async with serving() as service:
            began = asyncio.Event()

            async def listen() -> None:
                async with service.listen(NullOutput(), "test") as playback:
                    playback.say(TEXT * 20)
                    began.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(listen())
            await began.wait()
            task.cancel()
            await gone(service)
            assert task.cancelled()
            async with service.listen(BodyOutput(), "test") as playback:
                assert playback.say("Still here.").text == "Still here."

    asyncio.run(run())


def test_a_server_tidies_up_once_nobody_came_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        tidied = asyncio.Event()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(
            "legato.server.service.tidy", lambda: loop.call_soon_threadsafe(tidied.set)
        )
        async with serving() as service:
            for _ in range(2):  # who comes again at once is not made to wait for it
                async with service.listen(NullOutput(), "test"):
                    assert not tidied.is_set()
                await gone(service)
            async with asyncio.timeout(WAIT_S):
                await tidied.wait()

    asyncio.run(run())


def test_draining_takes_nobody_in_and_ends_who_goes_on() -> None:
    async def run() -> None:
        async with serving() as service:
            output = BodyOutput()
            async with service.listen(output, "test") as playback:
                utterance = playback.say()
                utterance.write(TEXT)
                assert (await asyncio.to_thread(output.read)).size
                draining = asyncio.create_task(service.drain(0.0))
                while (await asyncio.to_thread(output.read)).size:
                    pass
                await draining
                assert utterance.state == "cut"
                with pytest.raises(ServiceBusy, match="draining"):
                    async with service.listen(BodyOutput(), "test"):
                        raise AssertionError

    asyncio.run(run())
