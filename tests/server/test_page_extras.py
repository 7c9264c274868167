"""What a page shows where a server has more: a language model, an engine that clones voices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile

from legato.llm.narration import Narration, NarrationSettings
from legato.streaming_pipeline import Playback
from tests.llm.scripted import STORY, Script, ScriptedModel
from tests.server.app_serving import app_serving, wait_until
from tests.server.browsers import chromium, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_the_narrator_answers_aloud_and_stops_when_interrupted(browser: Browser) -> None:
    model = ScriptedModel("scripted", Script(STORY, tokens_per_s=30.0))

    def open_teller(playback: Playback) -> Narration:
        settings = NarrationSettings(remember=False)
        return Narration(narrator=model, speaker=playback, settings=settings)

    with app_serving(open_teller) as served, open_page(browser, served.url) as page:
        page.get_by_label("The narrator’s answer").check()
        page.get_by_label("What to ask the narrator").fill("I open the door.")
        page.get_by_role("button", name="Ask").click()
        page.wait_for_selector("#status[data-state=speaking]")
        assert model.asked[0][-1].text == "I open the door."
        wait_until(lambda: page.locator(".word.heard").count() > 3)
        page.get_by_role("button", name="Interrupt").click()
        page.wait_for_selector("#status[data-state=idle]")
        assert model.replies[0].cancelled.is_set()
        said = page.locator("#captions").inner_text().removesuffix("cut here").rstrip()
        assert said
        assert STORY.startswith(said)
        # The next question is asked with what was heard of the answer, and no more.
        page.get_by_label("What to ask the narrator").fill("And then?")
        page.get_by_role("button", name="Ask").click()
        page.wait_for_selector("#status[data-state=speaking]")
        assert model.asked[1][-2].text.strip() == said
        page.close()
        served.wait_for_listeners(0)
    assert model.closed


def test_a_recording_becomes_a_voice_that_is_chosen(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs the extra xtts")
    from legato.xtts.synthetic import make_checkpoint  # noqa: PLC0415 - it needs torch
    from tests.xtts.oracle_conditioning import made_up_speech  # noqa: PLC0415

    make_checkpoint(tmp_path / "model")
    monkeypatch.setenv("LEGATO_XTTS_MODEL", str(tmp_path / "model"))
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, made_up_speech(4.0, 22_050), 22_050)
    with (
        app_serving(engines=("espeak", "xtts")) as served,
        open_page(browser, served.url) as page,
    ):
        page.get_by_label("Engine").select_option("xtts")
        page.get_by_text("Clone a voice").click()
        page.get_by_label("Name").fill("Anna of the Inn")
        page.get_by_label("Recording").set_input_files(clip)
        page.get_by_role("button", name="Add voice").click()
        page.get_by_text("“Anna of the Inn” can speak now.").wait_for()
        assert page.get_by_label("Voice", exact=True).input_value() == "Anna of the Inn"
