"""What SillyTavern's XTTS provider sends, byte for byte."""

from __future__ import annotations

import io

import pytest
import soundfile

from tests.server.serving import TEXT, Serving


def seconds_of(data: bytes) -> float:
    pcm, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    return float(pcm.size / rate_hz)


@pytest.fixture(autouse=True)
def _usual_speed(served: Serving) -> None:
    """Whoever called that server before may have set another."""
    served.http.post("/set_tts_settings", json={"speed": 1.0})


def test_voices_and_languages(served: Serving) -> None:
    names = served.http.get("/speakers_list").json()
    assert "en-gb" in names
    assert not any(name.startswith("+") for name in names)
    speakers = served.http.get("/speakers").json()
    assert [speaker["name"] for speaker in speakers] == names
    assert set(speakers[0]) == {"name", "voice_id", "preview_url"}
    assert served.http.get("/languages").json()["languages"]["de"] == "de"


def test_a_text_is_spoken_either_way(served: Serving) -> None:
    posted = served.http.post(
        "/tts_to_audio/", json={"text": TEXT, "speaker_wav": "en-gb.wav", "language": "en"}
    )
    streamed = served.http.get(
        "/tts_stream/", params={"text": TEXT, "speaker_wav": "en-gb", "language": "EN"}
    )
    unsaid = served.http.post(
        "/tts_to_audio/", json={"text": TEXT, "speaker_wav": "en-gb", "language": None}
    )
    for response in (posted, streamed, unsaid):
        assert response.status_code == 200
        assert response.headers["content-type"] == "audio/wav"
    assert seconds_of(posted.content) == seconds_of(streamed.content) > 5.0


def test_speed_is_set_for_what_follows(served: Serving) -> None:
    def spoken_s() -> float:
        return seconds_of(served.http.get("/tts_stream", params={"text": TEXT}).content)

    usual_s = spoken_s()
    settings = {"temperature": 0.75, "speed": 2.0, "top_k": 50, "enable_text_splitting": True}
    assert served.http.post("/set_tts_settings", json=settings).status_code == 200
    assert spoken_s() < 0.75 * usual_s


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"speaker_wav": "../../../etc/passwd"}, "voice"),
        ({"speaker_wav": "nobody"}, "voice"),
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"language": "klingon"}, "language"),
    ],
)
def test_bad_requests_are_refused(served: Serving, changes: dict[str, str], param: str) -> None:
    response = served.http.post("/tts_to_audio/", json={"text": TEXT, **changes})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
