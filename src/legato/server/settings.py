"""What a server is told when it starts; each default is written here alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.errors import UsageError
from legato.server.admission import AdmissionPolicy
from legato.synthesis.engine_process import ProcessSettings
from legato.synthesis.engines import DEFAULT_ENGINE

DEFAULT_PORT = 8765
_KEY = re.compile(r"[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All of a server's settings. Raises UsageError.

    engines: by name, the first is the default. language, voice: where a request names none.
    api_key: printable ASCII that who calls must know, "" for no key. cors_origins: web pages of
    these origins may call, besides the server's own. allowed_hosts: names it answers to, () for
    any; behind a loopback address only loopback names. ice_servers: URLs of STUN or TURN servers
    for WebRTC; by default nobody is asked, which does where listeners reach this machine's own
    addresses.

    buffer_s: of each listener's ring. cache_bytes: of chunks kept to be spoken again, for each
    engine. drain_s: for how long listeners are heard out when the server ends. send_timeout_s: a
    client that takes nothing for so long is given up. calls_per_minute, calls_at_once: of one
    client's address, 0 per minute for no limit. most_calls: served at once, of all clients.
    most_body_bytes, most_upload_bytes: of a request, and of one that brings clips of a voice.
    head_timeout_s, body_timeout_s: within which a request's head, and its body, must have come.
    log_text: log what is spoken, too.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    engines: tuple[str, ...] = (DEFAULT_ENGINE,)
    engine_options: Mapping[str, object] = field(default_factory=dict)
    process: ProcessSettings = field(default_factory=ProcessSettings)
    language: str = "en"
    voice: str = ""
    policy: PlayoutPolicy = field(default_factory=MeasuredPolicy)
    admission: AdmissionPolicy = field(default_factory=AdmissionPolicy)
    buffer_s: float = 30.0
    ice_servers: tuple[str, ...] = ()
    api_key: str = ""
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    cache_bytes: int = 64 * 1024 * 1024
    drain_s: float = 20.0
    send_timeout_s: float = 60.0
    calls_per_minute: float = 600.0
    calls_at_once: int = 100
    most_calls: int = 512
    most_body_bytes: int = 512 * 1024
    most_upload_bytes: int = 20 * 1024 * 1024
    head_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    log_text: bool = False

    def __post_init__(self) -> None:
        if not self.engines:
            raise UsageError("a server needs an engine: see legato doctor")
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"port {self.port} is outside 0 to 65535")
        if self.api_key and not _KEY.fullmatch(self.api_key):
            raise UsageError(
                "server_key is blank or has more than printable ASCII, which is all that a header "
                "carries to every server: choose another"
            )
        for each in self.cors_origins:
            if each != "*" and not each.startswith(("http://", "https://")):
                raise UsageError(f"cors_origins: {each!r} is no origin: write https://HOST")
