"""Say something, on the sound card or into a file: python examples/hello.py [story.wav]"""

import sys

from legato import Narrator

with Narrator(sys.argv[1] if len(sys.argv) > 1 else "auto") as narrator:
    narrator.say("The door opened before she could knock. Somebody had been waiting for her.")
    narrator.say("Come in, said a voice that she had not heard for eleven years.").wait()
    print(narrator.metrics())
