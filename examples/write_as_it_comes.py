"""Text that is written while it is spoken, from asyncio: python examples/write_as_it_comes.py

Stands for a language model that streams tokens. Nothing here ever waits for sound.
"""

import asyncio
import sys

from legato import Narrator, Utterance

STORY = (
    "It was the last train of the year, and it was late. The platform was empty but for a "
    "man with a birdcage, who looked at the clock, and then at her, and then at the clock again."
)


async def write(utterance: Utterance) -> None:
    for word in STORY.split(" "):
        utterance.write(word + " ")
        await asyncio.sleep(0.05)
    utterance.end()


async def main(output: str) -> None:
    with Narrator(output) as narrator:
        utterance = narrator.say()
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        utterance.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        await write(utterance)
        await done.wait()
        print(f"heard: {utterance.heard_text}")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "auto"))
