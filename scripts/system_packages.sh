#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that this checkout needs, or names them in one line.
#
#   scripts/system_packages.sh run|test PYTHON
#
# What is looked for is the thing itself (a command, a library), never a package's name, so that
# other ways of installing it count too. Nothing that is on the machine is ever removed.
set -euo pipefail

level=$1
python=$2
[ "$(uname -s)" = Linux ] || exit 0

packages=()
want() { # PACKAGE TEST...: PACKAGE is missing where TEST fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}

has_c_headers() {
    echo '#include <features.h>' | cc -E -
}

want_jack_tools() { # later releases have them apart from jackd2
    if ! command -v jack_rec >/dev/null && apt-cache show jack-example-tools >/dev/null 2>&1; then
        packages+=(jack-example-tools)
    fi
}

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
want "python$version-venv" "$python" -c 'import ensurepip'
if command -v cargo >/dev/null; then
    want gcc command -v cc
    want libc6-dev has_c_headers
    want pkg-config command -v pkg-config
    want libasound2-dev pkg-config --exists alsa
fi
if [ "$level" = test ]; then
    want shellcheck command -v shellcheck
    want pulseaudio-utils command -v pactl
    want jackd2 command -v jackd
    want libasound2-plugins compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so'
    want_jack_tools
    command -v google-chrome >/dev/null || want chromium command -v chromium
    # Where one of the two plays for people, the other would start beside it at their next login,
    # so there it is theirs to install.
    servers=
    if command -v pulseaudio >/dev/null; then servers+=pulseaudio; fi
    if command -v pipewire-pulse >/dev/null; then servers+=pipewire; fi
    if [ -n "${CI:-}" ] || [ -z "$servers" ]; then
        want pulseaudio command -v pulseaudio
        want pipewire command -v pipewire
        want pipewire-pulse command -v pipewire-pulse
        want wireplumber command -v wireplumber
        want dbus-daemon command -v dbus-daemon
    elif [ "$servers" = pipewire ]; then
        echo "legato: without pulseaudio, which make does not install beside PipeWire," \
            "tests against it are skipped" >&2
    elif [ "$servers" = pulseaudio ]; then
        echo "legato: without pipewire-pulse, which make does not install beside PulseAudio," \
            "tests against it are skipped" >&2
    fi
fi
[ ${#packages[@]} -gt 0 ] || exit 0

name_them() {
    echo "legato: not everything is installed ($1); as root: apt-get install ${packages[*]}" >&2
    exit 0
}

command -v apt-get >/dev/null || name_them "without apt-get, by Debian's names"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || name_them "not root, and no sudo"
    # Only where someone sits in front of it may sudo ask for a password.
    sudo -n true 2>/dev/null || { [ -t 0 ] && [ -z "${CI:-}" ]; } || name_them "not root"
    as_root=(sudo)
fi

echo "legato: installing ${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1
}
# A failed update is no reason to stop: the lists may be good enough.
apt update || true
case " ${packages[*]} " in *" jackd2 "*)
    # On a fresh machine only the update tells which release this is.
    [[ " ${packages[*]} " == *" jack-example-tools "* ]] || want_jack_tools
    echo "jackd2 jackd/tweak_rt_limits boolean false" |
        ${as_root[@]+"${as_root[@]}"} debconf-set-selections || true
    ;;
esac
apt install --no-install-recommends --no-remove "${packages[@]}" || {
    tail -n 3 "$log" >&2
    name_them "apt-get failed"
}
