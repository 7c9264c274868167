"""The web page in a real browser: what a person hears, sees, presses and takes home."""

from __future__ import annotations

import io
import os
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest

from legato.server.admission import AdmissionPolicy
from tests.server.app_serving import Served, app_serving, wait_until
from tests.server.browsers import chromium, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

STORY = (
    "The house on the hill had been empty for years. Nobody in the village went near it after "
    "dark, and the children told each other stories about a light in the upper window.\n\n"
    "Mira had never believed them. She was eleven, she owned a torch, and she had a theory — "
    "somebody had simply forgotten to switch it off 🔦."
)
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 60))

# On CI's two busy cores all of them share one machine: browser, server, engine and this test.
MOST_CONCEALED_PCT = 2.0 if os.environ.get("CI") else 0.2
MUTED_WITHIN_MS = 250
SILENT_WITHIN_MS = 1_000  # without the page's mute: 0.15 to 0.25 s on an idle machine

_STATS = """async () => {
  const { connection } = await import("/page/main.js");
  for (const report of (await connection.peer.getStats()).values())
    if (report.type === "inbound-rtp") return report;
}"""

# Watches the sound before the page's own mute, and the mute.
_WATCH = """async () => {
  const { connection } = await import("/page/main.js");
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(connection.stream).connect(analyser);
  const samples = new Float32Array(512);
  const watched = (window.watched = { pressedMs: null, mutedMs: null, loudMs: null });
  const button = document.getElementById("interrupt");
  const pressed = () => (watched.pressedMs = performance.now());
  button.addEventListener("click", pressed, { capture: true });
  connection.audio.addEventListener("volumechange", () => (watched.mutedMs ??= performance.now()));
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    if (samples.some((sample) => Math.abs(sample) > 0.003)) watched.loudMs = performance.now();
  }, 5);
  await context.resume();
}"""


_WATCH_DOWNLOAD = """() => {
  const status = document.getElementById("download-status");
  const told = (window.told = []);
  new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(browser: Browser) -> Iterator[Served]:
    with app_serving() as server:
        yield server


def speak(page: Page, text: str) -> None:
    page.get_by_label("Text to speak").fill(text)
    page.get_by_role("button", name="Speak").click()


def wait_for(page: Page, state: str) -> None:
    page.wait_for_selector(f"#status[data-state={state}]")


def until(page: Page, expression: str) -> None:
    """Wait for an expression of the page's; its own `wait_for_function` would need `eval`."""
    wait_until(lambda: page.evaluate(expression))


def captions(page: Page) -> str:
    text: str = page.evaluate("document.getElementById('captions').textContent")
    return text


def stats(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_STATS)
    return found


def test_a_story_is_heard_without_a_break_and_its_captions_are_its_text(
    browser: Browser, served: Served, record_property: Any
) -> None:
    with open_page(browser, served.url) as page:
        speak(page, STORY)
        wait_for(page, "speaking")
        begun = stats(page)
        wait_for(page, "idle")
        ended = stats(page)
        heard = {key: ended[key] - begun[key] for key in begun if isinstance(begun[key], int)}
        audible = heard["concealedSamples"] - heard["silentConcealedSamples"]
        concealed_pct = 100 * audible / heard["totalSamplesReceived"]
        record_property("concealed_pct", concealed_pct)
        print(f"concealed: {concealed_pct:.3f} % of {heard['totalSamplesReceived']} samples")
        assert heard["totalSamplesReceived"] > 12 * 48_000
        assert ended["totalAudioEnergy"] - begun["totalAudioEnergy"] > 0.1
        assert concealed_pct <= MOST_CONCEALED_PCT
        assert captions(page) == STORY
        assert page.locator(".word:not(.heard)").count() == 0
        assert page.locator(".word.now").count() == 0


def test_captions_follow_the_voice_and_the_lead_is_shown(browser: Browser, served: Served) -> None:
    with open_page(browser, served.url) as page:
        speak(page, STORY)
        wait_for(page, "speaking")
        until(page, "document.querySelectorAll('.word.heard').length > 5")
        now = page.locator(".word.now").inner_text()
        assert now in STORY
        assert page.locator(".word:not(.heard)").count() > 10
        until(page, "document.getElementById('lead').value > 3")
        lead = page.get_by_role("meter", name="Lead")
        assert re.fullmatch(r"\d+\.\d s", page.locator("#lead-text").inner_text())
        assert lead.is_visible()
        label = page.get_by_role("img", name="Timeline of the speech").get_attribute("aria-label")
        assert label is not None
        assert re.search(r"\d\.\d seconds ready, \d+ phrases to come", label)


def test_interrupt_mutes_at_once_and_the_server_falls_silent(
    browser: Browser, served: Served, record_property: Any
) -> None:
    with open_page(browser, served.url) as page:
        speak(page, LONG)
        wait_for(page, "speaking")
        page.evaluate(_WATCH)
        until(page, "window.watched.loudMs !== null")
        page.wait_for_timeout(1_000)
        page.get_by_role("button", name="Interrupt").click()
        wait_for(page, "idle")
        page.wait_for_timeout(1_000)
        watched = page.evaluate("window.watched")
        muted_ms = watched["mutedMs"] - watched["pressedMs"]
        silent_ms = watched["loudMs"] - watched["pressedMs"]
        record_property("silent_ms", silent_ms)
        print(f"muted after {muted_ms:.0f} ms, the stream silent after {silent_ms:.0f} ms")
        assert muted_ms <= MUTED_WITHIN_MS
        assert silent_ms <= SILENT_WITHIN_MS
        said = captions(page)
        assert said.endswith("cut here")
        assert LONG.startswith(said.removesuffix("cut here").rstrip())
        # What is said next is heard from its first word.
        assert not page.evaluate("document.getElementById('voice-out').muted")
        page.evaluate("window.watched.loudMs = null")
        speak(page, "Only this.")
        wait_for(page, "speaking")
        wait_for(page, "idle")
        assert captions(page).endswith("Only this.")
        assert page.evaluate("window.watched.loudMs") is not None


def test_everything_can_be_done_with_keys(browser: Browser, served: Served) -> None:
    with open_page(browser, served.url) as page:
        page.get_by_label("Text to speak").focus()
        page.keyboard.type("This is the first sentence. ")
        page.keyboard.press("Control+Enter")
        wait_for(page, "speaking")
        page.get_by_label("Text to speak").fill(LONG)
        page.keyboard.press("Control+Enter")  # it follows the first
        page.locator("body").click(position={"x": 2, "y": 2})
        page.keyboard.press(".")  # the first is skipped
        until(page, "document.getElementById('captions').textContent.includes('number 1 ')")
        page.keyboard.press(" ")
        wait_for(page, "paused")
        pause = page.locator("#pause")
        assert pause.get_attribute("aria-pressed") == "true"
        assert pause.inner_text() == "Go on"
        page.keyboard.press(" ")
        wait_for(page, "speaking")
        page.keyboard.press("Escape")
        wait_for(page, "idle")
        assert page.get_by_role("status").first.inner_text() == "Ready"


def test_every_control_has_a_name_and_is_reached_by_tab(browser: Browser, served: Served) -> None:
    with open_page(browser, served.url) as page:
        until(page, "document.getElementById('voice').options.length > 1")
        page.locator("summary", has_text="Connection").click()
        wanted = ["text", "voice", "language", "speed", "speak", "download-mp3", "download-wav"]
        page.locator("#captions").focus()
        reached = []
        for _ in range(20):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
        assert [each for each in reached if each in wanted][: len(wanted)] == wanted
        nameless = page.evaluate("""() =>
          [...document.querySelectorAll("button, input, select, textarea")]
            .filter((each) => !each.closest("[hidden]"))
            .filter((each) => !each.labels?.length && !each.innerText.trim() && !each.ariaLabel)
            .map((each) => each.outerHTML)""")
        assert nameless == []


def test_voice_and_speed_are_those_chosen(browser: Browser, served: Served) -> None:
    with open_page(browser, served.url) as page:
        until(page, "document.getElementById('voice').options.length > 1")
        page.get_by_label("Language").select_option("de")
        voice = page.get_by_label("Voice").locator("option").nth(1).get_attribute("value")
        page.get_by_label("Voice").select_option(voice)
        page.locator("#speed").fill("1.5")
        speak(page, "Guten Tag, dies ist ein ganz gewöhnlicher Satz.")
        wait_for(page, "speaking")
        (listener,) = served.service.listeners.values()
        assert (listener.playback.language, listener.playback.rate) == ("de", 1.5)
        assert listener.playback._voice == voice
        wait_for(page, "idle")
    served.wait_for_listeners(0)


@pytest.mark.parametrize("name", ["mp3", "wav"])
def test_the_speech_is_taken_home_as_a_file(browser: Browser, served: Served, name: str) -> None:
    with open_page(browser, served.url) as page:
        page.get_by_label("Text to speak").fill("A short line, to be kept.")
        with page.expect_download() as download:
            page.get_by_role("button", name=name.upper()).click()
        assert download.value.suggested_filename == f"legato.{name}"
        content = Path(download.value.path()).read_bytes()
        with av.open(io.BytesIO(content), "r") as file:
            samples = sum(frame.samples for frame in file.decode(file.streams.audio[0]))
            assert samples > file.streams.audio[0].rate


def test_a_story_of_any_length_is_taken_home_and_its_header_is_true(
    browser: Browser, served: Served
) -> None:
    story = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 200))
    assert len(story) > 8_000
    with open_page(browser, served.url) as page:
        page.get_by_label("Text to speak").fill(story)
        with page.expect_download() as download:
            page.evaluate(_WATCH_DOWNLOAD)
            page.get_by_role("button", name="WAV").click()
        content = Path(download.value.path()).read_bytes()
        told = page.evaluate("window.told")
        assert any("MB made" in each for each in told)
        assert told[-1] == ""
        assert page.locator("#error").is_hidden()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    with wave.open(io.BytesIO(content)) as file:  # believes the header
        assert file.getnframes() * file.getsampwidth() == len(content) - 44
        assert file.getnframes() > 180 * 1.2 * file.getframerate()


def test_the_servers_own_language_is_chosen_and_a_choice_is_kept(browser: Browser) -> None:
    with (
        app_serving(language="DE_at") as german,
        open_page(browser, german.url) as page,
    ):
        until(page, "document.getElementById('voice').options.length > 1")
        assert page.get_by_label("Language").input_value() == "de"
        page.get_by_label("Language").select_option("fr")
        page.evaluate("import('/page/main.js').then(({ load }) => load())")
        until(page, "document.getElementById('voice').options.length > 1")
        assert page.get_by_label("Language").input_value() == "fr"


def test_what_is_offered_is_asked_for_until_all_is_there(browser: Browser, served: Served) -> None:
    """First the server does not answer, then an engine is still loading."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        elif len(asked) == 2:
            offer = {"engines": ["espeak"], "languages": [], "language": "", "loading": True}
            route.fulfill(json=offer | {"narration": False, "cloning": False})
        else:
            route.continue_()

    with open_page(browser, served.url) as page:
        page.route("**/page/offered.json", answer)
        page.reload()
        page.get_by_role("alert").wait_for()
        assert "does not answer" in page.get_by_role("alert").inner_text()
        until(page, "document.getElementById('language').options.length > 1")
        assert page.get_by_label("Language").input_value() == "en"
        assert page.locator("#error").is_hidden()
        page.wait_for_timeout(2_500)
    assert len(asked) == 3


def test_a_full_server_is_told_of_in_words(browser: Browser) -> None:
    with (
        app_serving(admission=AdmissionPolicy(most_listeners=1)) as full,
        open_page(browser, full.url) as first,
        open_page(browser, full.url) as second,
    ):
        speak(first, LONG)
        wait_for(first, "speaking")
        speak(second, "Is there room for me?")
        alert = second.get_by_role("alert")
        alert.wait_for()
        assert "full" in alert.inner_text()
        wait_for(second, "failed")
        assert first.locator("#status").inner_text() == "Speaking"


def test_an_api_key_is_asked_for_and_kept(browser: Browser) -> None:
    with app_serving(api_key="open sesame") as locked, open_page(browser, locked.url) as page:
        alert = page.get_by_role("alert")
        alert.wait_for()
        assert "API key" in alert.inner_text()
        page.locator("summary", has_text="Connection").click()
        page.locator("#key").fill("open sesame")
        page.get_by_role("button", name="Keep").click()
        until(page, "document.getElementById('voice').options.length > 1")
        speak(page, "Now you may.")
        wait_for(page, "speaking")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_and_fits_a_phone(
    browser: Browser, served: Served, scheme: str, tmp_path: Path
) -> None:
    small = {"width": 360, "height": 740}
    with open_page(
        browser, served.url, color_scheme=scheme, viewport=small, is_mobile=True, has_touch=True
    ) as page:
        page.locator("summary", has_text="Connection").click()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= small["width"]
        low = page.evaluate("""() => [...document.querySelectorAll("button, select, summary")]
            .filter((each) => each.offsetParent && each.offsetHeight < 40)
            .map((each) => each.id)""")
        assert low == []
        backgrounds = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (_luminance(backgrounds) < 0.1) == (scheme == "dark")
        for selector in ("#status", ".placeholder", "#text-label", "#speak", "h1", "summary"):
            ink, paper = page.evaluate(_COLOURS, selector)
            assert _contrast(ink, paper) >= 4.5, selector
        page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)


_COLOURS = """(selector) => {
  const element = document.querySelector(selector);
  let paper = element;
  const behind = (each) => getComputedStyle(each).backgroundColor;
  while (behind(paper) === "rgba(0, 0, 0, 0)") paper = paper.parentElement;
  return [getComputedStyle(element).color, behind(paper)];
}"""


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(ink: str, paper: str) -> float:
    dark, bright = sorted((_luminance(ink), _luminance(paper)))
    return (bright + 0.05) / (dark + 0.05)
