"""A game master with a voice: python examples/game_master.py http://localhost:11434/v1

A small model begins each answer and a large one goes on. Type what you do; type while it
speaks to interrupt it. An empty line silences it, /again repeats what you heard, Ctrl-D leaves.
More arguments: the output, the small model, the large model.
"""

import sys

from legato import Narration, Narrator
from legato.errors import LegatoError
from legato.llm.models import ModelSettings, make_model
from legato.text.cast import Cast, Role

SYSTEM = """You are the game master of a tale that is spoken aloud, and talk to its one player.
Answer in two to five short sentences of plain prose, and leave the next step to the player.
The first sentence is short. What others say stands on a line of its own: Mira: Come in!
Others are Mira, who keeps the inn, and Tom, who drinks there."""

CAST = Cast(
    narrator=Role(voice="en-us"),
    roles=(
        Role("Mira", voice="en-gb+f3", aliases=("the innkeeper",)),
        Role("Tom", voice="en-gb+m4", rate=1.1, volume=0.9),
    ),
)


def play(story: Narration) -> None:
    turn = story.ask("Begin: I have just come in from the rain.")
    for line in sys.stdin:
        match line.strip():
            case "":
                print(f"(heard: {story.interrupt()!r})")
            case "/again":
                turn = story.again()
            case what:
                turn = story.ask(what)
    turn.wait()


def main(
    server: str, output: str = "auto", small: str = "qwen2.5:1.5b", large: str = "qwen2.5:14b"
) -> None:
    opener = make_model(ModelSettings(small, server))
    narrator = make_model(ModelSettings(large, server))
    with (
        Narrator(output, cast=CAST) as speaker,
        Narration(opener=opener, narrator=narrator, speaker=speaker, system=SYSTEM) as story,
    ):
        try:
            play(story)
        except LegatoError as error:
            sys.exit(f"game_master: {error}")
        for message in story.history:  # what was heard, and nothing else
            print(f"{message.role}: {message.text}")


main(*sys.argv[1:])
