from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from legato.report import picture
from legato.report.figure_set import picture_figures
from legato.report.picture import heading, write_picture
from legato.report.timeline import timelines
from tests.report.scenes import Story, trace


def test_all_figures_lie_in_one_picture_on_white(tmp_path: Path) -> None:
    read = trace(Story(rtf=1.25))
    path = tmp_path / "run.png"
    write_picture(path, picture_figures("run.jsonl", read, timelines(read)))
    pixels = matplotlib.image.imread(path)
    heights = [
        round(float(figure.get_size_inches()[1]) * 130)
        for figure in picture_figures("run.jsonl", read, timelines(read))
    ]
    assert pixels.shape[1] == 1404 + 80
    assert abs(pixels.shape[0] - 80 - sum(heights)) <= len(heights)
    assert np.all(pixels[0, 0, :3] == 1.0)
    assert pixels[:, :, :3].min() < 0.2


def test_a_picture_stays_as_high_as_a_viewer_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "_MOST_ROWS", 200)
    path = tmp_path / "run.png"
    write_picture(path, (heading("Title", [], 15) for _ in range(50)))
    assert 100 < matplotlib.image.imread(path).shape[0] <= 280
