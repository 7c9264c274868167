"""Voices of one's own: a real (tiny) XTTS model, real uploads, and what is no clip."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the extra xtts")

from legato.xtts.synthetic import make_checkpoint
from tests.server.encoded import decoded
from tests.server.serving import Serving, serving
from tests.xtts.oracle_conditioning import made_up_speech

MEBIBYTE = 1 << 20
pytestmark = pytest.mark.timeout(600)  # each voice costs a start of torch


@pytest.fixture(scope="module")
def cloning_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Path]]:
    folder = tmp_path_factory.mktemp("cloner")
    make_checkpoint(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEGATO_DATA_DIR", str(folder / "data"))
        patch.setenv("LEGATO_XTTS_MODEL", str(folder / "model"))
        with serving(engines=("espeak", "xtts")) as running:
            yield running, folder


@pytest.fixture
def cloner(cloning_server: tuple[Serving, Path], monkeypatch: pytest.MonkeyPatch) -> Serving:
    running, folder = cloning_server
    monkeypatch.setenv("LEGATO_DATA_DIR", str(folder / "data"))  # each test has another one
    return running


@pytest.fixture(scope="module")
def clip() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, made_up_speech(4.0, 22_050), 22_050, format="WAV")
    return file.getvalue()


def add(served: Serving, name: str, content: bytes, **fields: Any) -> httpx.Response:
    files = {"audio_sample": (fields.pop("file_name", "clip.wav"), content)}
    return served.http.post("/v1/audio/voices", data={"name": name, **fields}, files=files)


def names(served: Serving) -> set[str]:
    voices = served.http.get("/v1/audio/voices").json()["voices"]
    return {voice["id"] for voice in voices if voice["engine"] == "xtts"}


def test_a_voice_is_made_spoken_with_replaced_and_removed(cloner: Serving, clip: bytes) -> None:
    added = add(cloner, "Anna of the Inn", clip)
    assert added.status_code == 200, added.text
    assert (added.json()["id"], added.json()["object"]) == ("Anna of the Inn", "audio.voice")
    assert "Anna of the Inn" in names(cloner)

    with openai.OpenAI(base_url=f"{cloner.url}/v1", api_key="none", max_retries=0) as client:
        speech = client.audio.speech.create(
            model="xtts",
            voice={"id": "Anna of the Inn"},
            input="Come in.",
            response_format="pcm",
        )
        assert decoded("pcm", speech.content).size > 0
        taken = add(cloner, "anna of the inn", clip)
        assert taken.status_code == 400
        assert "already" in taken.json()["error"]["message"]
        assert add(cloner, "Anna of the Inn", clip, replace="true").status_code == 200
        removed = client.audio.voices.delete("Anna of the Inn")
        assert removed.deleted
    assert "Anna of the Inn" not in names(cloner)
    gone = cloner.http.post(
        "/v1/audio/speech", json={"model": "xtts", "voice": "Anna of the Inn", "input": "Hm."}
    )
    assert gone.status_code == 400


def test_the_openai_client_creates_a_voice(cloner: Serving, clip: bytes) -> None:
    with openai.OpenAI(base_url=f"{cloner.url}/v1", api_key="none", max_retries=0) as client:
        voice = client.audio.voices.create(
            name="Bertha", audio_sample=("clip.wav", clip, "audio/wav"), consent="consent_1"
        )
    assert voice.id == "Bertha"
    assert "Bertha" in names(cloner)
    assert cloner.http.delete("/v1/audio/voices/Bertha").json()["deleted"] is True


def _zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("speech.wav", bytes(50 * MEBIBYTE))
    return packed.getvalue()


def _flac_bomb() -> bytes:
    """Ten hours of nothing in a few kilobytes."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(10 * MEBIBYTE, np.int16), 8_000, format="FLAC")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "file_name"),
    [
        (b"", "clip.wav"),
        (b"not a sound at all", "clip.wav"),
        (os.urandom(100_000), "clip.mp3"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00", "clip.wav"),
        (b"<html></html>", "../../../etc/cron.d/clip"),
        (b"\0" * 1_000, "clip.raw"),
        (_zip_bomb(), "clip.wav"),
        (_flac_bomb(), "clip.flac"),
    ],
)
def test_what_is_no_clip_is_refused(cloner: Serving, content: bytes, file_name: str) -> None:
    response = add(cloner, "Nobody", content, file_name=file_name)
    assert response.status_code == 400, response.text
    message = response.json()["error"]["message"]
    assert "clip1" in message
    assert "legato-clips" not in message
    assert "Nobody" not in names(cloner)


@pytest.mark.parametrize(
    "name",
    ["../evil", "..", "a/b", "a\\b", "/etc/passwd", "-rf", ".hidden", "a\x00b", "x" * 65, "con"],
)
def test_names_that_lead_elsewhere_are_refused(
    cloner: Serving, clip: bytes, name: str, tmp_path: Path
) -> None:
    before = names(cloner)
    assert add(cloner, name, clip).status_code == 400
    path = "/v1/audio/voices/" + "".join(f"%{byte:02X}" for byte in name.encode())
    assert cloner.http.delete(path).status_code in (400, 404, 405)
    assert names(cloner) == before


def test_studio_speakers_and_strangers_cannot_be_removed(cloner: Serving, clip: bytes) -> None:
    speaker = sorted(names(cloner))[0]
    for name in (speaker, "Nobody"):
        assert cloner.http.delete(f"/v1/audio/voices/{name}").status_code == 404
    assert add(cloner, speaker, clip).status_code == 400


def test_an_upload_that_is_too_large_is_cut_off(cloner: Serving) -> None:
    def clips() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="name"\r\n\r\nAnna\r\n--b\r\n'
        yield b'content-disposition: form-data; name="audio_sample"; filename="a.wav"\r\n\r\n'
        for _ in range(200):
            yield bytes(MEBIBYTE)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    try:
        response = cloner.http.post("/v1/audio/voices", content=clips(), headers=headers)
        assert response.status_code == 413
    except httpx.TransportError:
        pass  # it hung up before all was sent
    assert cloner.http.get("/ready").status_code == 200


def test_an_engine_without_own_voices_says_so(served: Serving, clip: bytes) -> None:
    response = add(served, "Anna", clip)
    assert response.status_code == 501
    assert response.json()["error"]["code"] == "cloning_not_available"
    assert served.http.delete("/v1/audio/voices/Anna").status_code == 501
