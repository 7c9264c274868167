"""Barge in, and learn what was heard: python examples/interrupt.py

A game master is interrupted in mid-sentence. What goes back into the story is what the
player heard, to the word, and not what had been written.
"""

import sys
import time

from legato import Event, Narrator

LINE = (
    "You step into the hall. Three doors lie before you: one of oak, one of iron, and one "
    "that is only painted on the wall. Behind the second one something is breathing."
)


def show(event: Event) -> None:
    if event.kind in ("first", "hold", "underrun", "stopped"):
        print(f"{event.t_s:9.3f} {event.kind} {dict(event.detail)}")


with Narrator(sys.argv[1] if len(sys.argv) > 1 else "auto") as narrator:
    narrator.events.subscribe(show)
    narrator.say(LINE)
    time.sleep(4.0)
    heard = narrator.stop()
    print(f"the player heard: {heard!r}")
    narrator.say("You there! Put that lantern down.").wait()
