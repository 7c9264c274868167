import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import pure_wheel

PROJECT: dict[str, Any] = {
    "name": "sampler",
    "version": "1.2",
    "description": "A project to try it on.",
    "requires-python": ">=3.11",
    "dependencies": [],
    "scripts": {"sampler": "sampler:main"},
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    source = tmp_path / "src"
    source.mkdir()
    (source / "sampler.py").write_text("def main() -> None:\n    print('from the sources')\n")
    return pure_wheel.write(PROJECT, source, tmp_path)


def test_every_file_is_recorded_with_its_hash(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        record = archive.read("sampler-1.2.dist-info/RECORD").decode().splitlines()
        for line in record:
            path, checksum, size = line.split(",")
            names.remove(path)
            if not path.endswith("RECORD"):
                text = archive.read(path).decode()
                assert f"{path},{checksum},{size}\n" == pure_wheel.record_line(path, text)
    assert not names


def test_pip_installs_it_as_an_editable_package(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True)
    program = (
        "import importlib.metadata, site, sys; site.addsitedir(sys.argv[1]);"
        "[command] = importlib.metadata.distribution('sampler').entry_points; command.load()()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(target)], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "from the sources\n"


def test_dependencies_are_named_in_the_metadata() -> None:
    text = pure_wheel.metadata({**PROJECT, "dependencies": ["numpy>=1.26", "soxr>=0.5"]})
    assert "Requires-Dist: numpy>=1.26\nRequires-Dist: soxr>=0.5\n" in text
