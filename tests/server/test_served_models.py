"""`legato serve` with a language model: a listener's question is answered aloud."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx

from legato.bench.rtp_listener import RtpListener
from tests.llm.faulty_server import FaultyServer, answer
from tests.server.app_serving import WAIT_S
from tests.server.test_operations import running_command

ANSWER = "The door gives way. Behind it lies a dark hall."


def test_a_question_is_answered_aloud() -> None:
    with FaultyServer(answer(*(f"{word} " for word in ANSWER.split()))) as models:
        options = ("--narrator-model", "large", "--base-url", models.url, "--system", "Be brief.")
        with running_command(*options) as (_, port, _):
            url = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/page/offered.json").json()["narration"]

            async def exchange(sdp: str) -> str:
                async with httpx.AsyncClient(timeout=WAIT_S) as http:
                    answered = await http.post(f"{url}/v1/webrtc", json={"sdp": sdp})
                    return str(answered.json()["sdp"])

            async def run() -> None:
                listener = RtpListener()
                async with asyncio.timeout(WAIT_S):
                    await listener.connect(exchange)
                    listener.send(type="ask", text="I open the door.")
                    (done,) = await listener.wait_for("done")
                    await listener.close()
                assert done["state"] == "finished"
                captions = {each["chunk"]: each["text"] for each in listener.told("caption")}
                assert "".join(captions[n] for n in sorted(captions)).strip() == ANSWER

            asyncio.run(run())
    assert [each["content"] for each in models.requests[0]["messages"]] == [
        "Be brief.",
        "I open the door.",
    ]


def test_without_a_server_of_their_own_models_are_refused() -> None:
    command = [sys.executable, "-m", "legato", "serve", "--narrator-model", "hf:large"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 2
    assert "--base-url" in done.stderr
    assert len(done.stderr.splitlines()) == 1
