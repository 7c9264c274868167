from pathlib import Path

import pytest

from legato.audio.files import FileOutput
from legato.audio.null import NullOutput
from legato.audio.outputs import make_output
from legato.errors import NoAudioDevice, OutputError, UnknownBackend, UnknownDevice


def test_null_runs_at_the_rate_of_devices() -> None:
    output = make_output("null")
    assert isinstance(output, NullOutput)
    assert output.sample_rate_hz == 48_000


def test_a_name_with_a_suffix_is_a_file(tmp_path: Path) -> None:
    output = make_output(str(tmp_path / "story.flac"))
    assert isinstance(output, FileOutput)
    assert output.device == str(tmp_path / "story.flac")


def test_an_unknown_suffix_is_named_with_the_known_ones() -> None:
    with pytest.raises(OutputError, match=r"story\.xyz.*\.wav"):
        make_output("story.xyz")


@pytest.mark.parametrize("name", ["banana", "", "banana:hw"])
def test_an_unknown_backend_is_named(name: str) -> None:
    with pytest.raises(UnknownBackend):
        make_output(name)


def test_what_follows_the_colon_is_a_device_even_with_dots_in_it() -> None:
    # No such device, or no sound server at all: either way it was not taken for a file.
    with pytest.raises((UnknownDevice, NoAudioDevice, UnknownBackend)):
        make_output("pulseaudio:no.such.device.wav")
