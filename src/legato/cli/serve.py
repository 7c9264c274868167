"""`legato serve`: one engine for many listeners, over HTTP, WebSocket and WebRTC."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from legato.audio.policies import policy_named
from legato.cli.models import (
    BaseUrl,
    ModelChoice,
    NarratorModel,
    NarratorUrl,
    OpenerModel,
    OpenerUrl,
)
from legato.cli.speech import EngineDevice, Language, Policy, VoiceName
from legato.cli.text_input import given_or_from_file
from legato.config import secret, variable
from legato.errors import UsageError

_PACKAGES = ("fastapi", "uvicorn", "multipart", "prometheus_client", "av", "aiortc")


def serve(  # noqa: PLR0917 - one parameter per option
    host: Annotated[
        str,
        typer.Option(envvar=variable("host"), help="The address to listen on; 0.0.0.0 for all."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar=variable("port"), help="0 takes any free one.")
    ] = 8765,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            envvar=variable("engine"),
            help="What speaks; several with commas between, the first is the default.",
        ),
    ] = "espeak",
    engine_device: EngineDevice = "",
    standby: Annotated[
        bool,
        typer.Option(
            "--standby", envvar=variable("standby"), help="A second engine process that takes over."
        ),
    ] = False,
    voice: VoiceName = "",
    language: Language = "en",
    policy: Policy = "measured",
    most_listeners: Annotated[
        int,
        typer.Option(
            "--most-listeners",
            envvar=variable("most_listeners"),
            help="At once, if the engine can do as many.",
            min=1,
        ),
    ] = 256,
    calls_per_minute: Annotated[
        float,
        typer.Option(
            "--calls-per-minute",
            envvar=variable("calls_per_minute"),
            help="Of one address; 0 sets no limit.",
            min=0,
        ),
    ] = 600.0,
    cors_origins: Annotated[
        str,
        typer.Option(
            "--cors-origins",
            envvar=variable("cors_origins"),
            help="Web pages that may call, as https://HOST, with commas between.",
        ),
    ] = "",
    allowed_hosts: Annotated[
        str,
        typer.Option(
            "--allowed-hosts",
            envvar=variable("allowed_hosts"),
            help="Names the server goes by, with commas between; else any, or this machine's.",
        ),
    ] = "",
    drain: Annotated[
        float,
        typer.Option(
            "--drain", envvar=variable("drain"), help="Seconds to hear listeners out at the end."
        ),
    ] = 20.0,
    log_text: Annotated[
        bool, typer.Option("--log-text", help="Log what is spoken. Not done otherwise.")
    ] = False,
    opener_model: OpenerModel = "",
    narrator_model: NarratorModel = "",
    base_url: BaseUrl = "",
    opener_url: OpenerUrl = "",
    narrator_url: NarratorUrl = "",
    system: Annotated[
        str,
        typer.Option(
            "--system", envvar=variable("system"), help="What the models are told first, or @FILE."
        ),
    ] = "",
    ice_servers: Annotated[
        str,
        typer.Option(
            "--ice-servers",
            envvar=variable("ice_servers"),
            help="STUN or TURN servers for WebRTC, as stun:HOST, with commas between.",
        ),
    ] = "",
) -> int:
    """Serve speech: OpenAI's API, SillyTavern's, a WebSocket, and WebRTC to browsers."""
    absent = [name for name in _PACKAGES if find_spec(name) is None]
    if absent:
        raise UsageError(f"the server needs {', '.join(absent)}: pip install 'legato[server]'")
    from legato.server.admission import AdmissionPolicy  # noqa: PLC0415 - these need the extra
    from legato.server.app import create_app  # noqa: PLC0415
    from legato.server.running import run  # noqa: PLC0415
    from legato.server.settings import ServerSettings  # noqa: PLC0415
    from legato.synthesis.engine_process import ProcessSettings  # noqa: PLC0415

    settings = ServerSettings(
        host=host,
        port=port,
        engines=_listed(engine),
        engine_options={"device": engine_device} if engine_device else {},
        process=ProcessSettings(standby=standby),
        language=language,
        voice=voice,
        policy=policy_named(policy),
        admission=AdmissionPolicy(most_listeners=most_listeners),
        api_key=secret("server_key"),
        calls_per_minute=calls_per_minute,
        cors_origins=_listed(cors_origins),
        allowed_hosts=_listed(allowed_hosts),
        drain_s=drain,
        log_text=log_text,
        ice_servers=_listed(ice_servers),
    )
    open_teller = None
    if opener_model or narrator_model:
        from legato.cli.served_models import narrations  # noqa: PLC0415

        choice = ModelChoice(
            opener_model=opener_model,
            narrator_model=narrator_model,
            base_url=base_url,
            opener_url=opener_url,
            narrator_url=narrator_url,
            model_device="",
        )
        open_teller = narrations(choice, given_or_from_file(system))
    run(create_app(settings, open_teller), settings)
    return 0


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
