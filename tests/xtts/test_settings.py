"""Options of the XTTS engine, from calls and from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from legato.errors import UsageError
from legato.xtts.config import SamplingConfig
from legato.xtts.settings import XttsSettings


def test_options_come_before_the_environment_and_that_before_defaults() -> None:
    environment = {"LEGATO_XTTS_SLOTS": "8", "LEGATO_XTTS_DEVICE": "cpu", "LEGATO_XTTS_COLOUR": "3"}
    settings = XttsSettings.load({"slots": 2}, environment)
    assert (settings.slots, settings.device, settings.first_block_tokens) == (2, "cpu", 20)


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ({"colour": 3}, {}, "no option 'colour'; it has: model, device, slots"),
        ({"slots": "4"}, {}, "slots is '4', not of the kind int"),
        ({"slots": True}, {}, "slots is True"),
        ({"slots": -1}, {}, "slots cannot be negative"),
        ({"block_tokens": 0}, {}, "block_tokens must be at least 1"),
        ({"device": "tpu"}, {}, "auto, cpu or cuda"),
        ({"precision": "float16"}, {}, "float32 alone, not in 'float16'"),
        ({}, {"LEGATO_XTTS_SLOTS": "many"}, "LEGATO_XTTS_SLOTS is 'many', not a whole number"),
        ({}, {"LEGATO_XTTS_TOP_P": "much"}, "LEGATO_XTTS_TOP_P is 'much', not a number"),
        ({"top_p": 0.0}, {}, "^xtts: top_p must be above 0 and at most 1, not 0"),
        ({"temperature": float("nan")}, {}, "temperature must be at least 0, not nan"),
        ({"temperature": "hot"}, {}, "temperature is 'hot', not of the kind float"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(
    options: dict[str, object], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        XttsSettings.load(options, environment)


def test_the_folder_is_the_given_one_or_where_downloads_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LEGATO_XTTS_MODEL", raising=False)
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path))
    assert XttsSettings(model="/a/b").folder == Path("/a/b")
    assert XttsSettings().folder == tmp_path / "models" / "xtts-v2"


def test_slots_suit_the_device_unless_told() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert XttsSettings().slots_on(cpu) < XttsSettings().slots_on(cuda)
    assert XttsSettings(slots=5).slots_on(cuda) == 5
    assert XttsSettings(device="cpu").torch_device() == cpu


def test_how_tokens_are_drawn_is_the_checkpoints_own_but_for_what_is_told() -> None:
    own = SamplingConfig(temperature=0.65, top_k=30)
    told = XttsSettings.load({"temperature": 1}, {"LEGATO_XTTS_TOP_P": "0.5"})
    assert told.sampling(own) == SamplingConfig(temperature=1.0, top_k=30, top_p=0.5)
    assert XttsSettings(top_k=0, temperature=0.0).sampling(own) == SamplingConfig(0.0, 0)
    assert XttsSettings().sampling(own) == own
