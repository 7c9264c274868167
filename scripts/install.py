"""Puts the legato package, and for tests its tools, into the .venv it is run from.

With a current cargo the native module is built; without one, or where its build fails, the
Python half is installed alone and everything but native output works. Each step keeps a stamp
under .venv and is passed over while what it was made from is unchanged.

    .venv/bin/python scripts/install.py run|test
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pure_wheel

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TESTED_EXTRAS = "xtts-all,report,llm,llm-local,server"
NATIVE_MODULES = ("_native*.so", "_native*.pyd")


class InstallError(Exception):
    """A step failed; the message is one line for the person who ran it."""


class BuildFailed(InstallError):
    """cargo was tried, and the native module did not build."""


def main(level: str) -> int:
    """Run the steps of `level` ("run" or "test"); the exit code."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        if missing := install_package(pyproject, fall_back=level == "run"):
            say(f"{missing}: going on without native output")
        if level == "test":
            extras = extra_names(pyproject["project"], TESTED_EXTRAS)
            once("extras", digest(map(str.encode, extras)), lambda: install_extras(extras))
            tools = pyproject["dependency-groups"]["dev"]
            once("tools", digest(map(str.encode, tools)), lambda: pip("install", *tools))
    except InstallError as error:
        say(str(error))
        return 1
    return 0


def install_package(pyproject: dict[str, Any], fall_back: bool) -> str | None:
    """Install with the native module, or without it; the reason in the second case.

    A build that was tried and failed is tried again next time, and passes only with `fall_back`.
    """
    obstacle = build_obstacle()
    key = package_key(obstacle)
    if obstacle is not None:
        once("package", key, lambda: install_python_half(pyproject["project"]))
        return obstacle
    try:
        once("package", key, lambda: install_whole(pyproject["build-system"]["requires"]))
    except BuildFailed as error:
        if not fall_back:
            raise
        install_python_half(pyproject["project"])
        return str(error)
    return None


def extra(project: dict[str, Any], name: str) -> list[str]:
    """The packages that an extra stands for; extras of the project's own in it are resolved."""
    packages: list[str] = []
    for requirement in project["optional-dependencies"][name]:
        own = re.fullmatch(rf"{project['name']}\[(.+)\]", requirement)
        parts = extra_names(project, own[1]) if own else [requirement]
        packages += parts
    return list(dict.fromkeys(packages))


def extra_names(project: dict[str, Any], names: str) -> list[str]:
    """The packages of several extras, named with commas between them."""
    return [part for name in names.split(",") for part in extra(project, name.strip())]


def install_extras(packages: list[str]) -> None:
    """Install what the extras need; the tests of models run with made-up weights."""
    say("installing what the extras need (torch among it: some GB and minutes the first time)")
    pip("install", *packages)


def install_whole(build_tools: list[str]) -> None:
    """Build the native module and install it with the Python half."""
    pip("install", *build_tools)
    say("building the native module (a minute or two the first time)")
    # With this .venv's build tools, so that cargo's target folder is kept for the next build.
    if not run_pip("install", "--no-build-isolation", "--editable", "."):
        raise BuildFailed("the native module did not build")


def install_python_half(project: dict[str, Any]) -> None:
    """Install the package as it is in src/, its dependencies and its command."""
    for pattern in NATIVE_MODULES:  # one left from an older build would not match these sources
        for leftover in (ROOT / "src" / "legato").glob(pattern):
            leftover.unlink()
    with tempfile.TemporaryDirectory() as folder:
        wheel = pure_wheel.write(project, ROOT / "src", Path(folder))
        pip("install", "--force-reinstall", "--no-deps", str(wheel))
        pip("install", str(wheel))


def once(step: str, key: str, work: Callable[[], None]) -> None:
    """Do `work` unless it was done before with the same `key`."""
    stamp = VENV / f".legato-{step}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return
    stamp.unlink(missing_ok=True)
    work()
    stamp.write_text(key, encoding="utf-8")


def package_key(obstacle: str | None) -> str:
    """Changes whenever installing again could give another result."""
    sources = [ROOT / "pyproject.toml", *sorted(Path(__file__).parent.glob("*.py"))]
    sources += sorted((ROOT / "rust").glob("Cargo.*"))
    sources += sorted((ROOT / "rust" / "src").rglob("*.rs"))
    around = f"{ROOT}\n{sys.version}\n{output_of('cargo', '--version')}\n{obstacle}"
    return digest([around.encode(), *(path.read_bytes() for path in sources)])


def build_obstacle() -> str | None:
    """What the native module cannot be built without, or None where it can be tried."""
    cargo = tomllib.loads((ROOT / "rust" / "Cargo.toml").read_text(encoding="utf-8"))
    wanted = str(cargo["package"]["rust-version"])
    found = re.search(r"\d+\.\d+", output_of("cargo", "--version"))
    if found is None:
        return f"cargo was not found (version {wanted} or newer builds the native module)"
    if as_numbers(found[0]) < as_numbers(wanted):
        return f"cargo {found[0]} is too old ({wanted} or newer builds the native module)"
    if sys.platform == "linux":
        if not output_of("sh", "-c", "echo '#include <features.h>' | cc -E -"):
            return "no C compiler and headers were found (gcc and libc6-dev)"
        if not output_of("pkg-config", "--modversion", "alsa"):
            return "ALSA's headers were not found (libasound2-dev and pkg-config)"
    return None


def as_numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a dotted version, for comparing."""
    return tuple(int(part) for part in version.split(".")[:2])


def pip(*arguments: str) -> None:
    """Run this .venv's pip; InstallError where it fails."""
    if not run_pip(*arguments):
        raise InstallError(f"pip {arguments[0]} failed (its reasons are above)")


def run_pip(command: str, *arguments: str) -> bool:
    """Run this .venv's pip; whether it succeeded. It prints only what went wrong."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    return run(sys.executable, "-m", "pip", command, *quiet, *arguments)


def run(*command: str) -> bool:
    """Run `command` in the root with this .venv active; whether it succeeded."""
    environment = {name: value for name, value in os.environ.items() if name != "CONDA_PREFIX"}
    environment["VIRTUAL_ENV"] = str(VENV)
    environment["PATH"] = f"{VENV / 'bin'}{os.pathsep}{environment['PATH']}"
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    return finished.returncode == 0


def output_of(*command: str) -> str:
    """What `command` prints, or "" where it is missing or fails."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return finished.stdout.strip()


def digest(parts: Iterable[bytes]) -> str:
    """One hash over `parts`, their boundaries included."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def say(line: str) -> None:
    """Tell the person in front of it."""
    print(f"legato: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("run", "test"):
        sys.exit("usage: scripts/install.py run|test")
    sys.exit(main(sys.argv[1]))
