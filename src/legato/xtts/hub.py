"""The Hugging Face hub as a `Hub`; huggingface_hub's only caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from legato.errors import RunError, UsageError
from legato.xtts.download import REPOSITORY, RemoteFile

_TIMEOUT_S = 20.0


class HuggingFace:
    """Fetches into a file that a later call goes on with, at the revision that was looked up.

    `http_get`, not `hf_hub_download`: huggingface_hub 2.4's throws away
    what had come when it is interrupted.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        """endpoint: another hub's address. Raises UsageError where the package is missing."""
        try:
            import huggingface_hub  # noqa: F401, PLC0415 - an extra, and slow to load
        except ImportError as error:
            raise UsageError(
                "huggingface_hub is not installed: pip install 'legato[xtts]'"
            ) from error
        self._endpoint = endpoint

    def files(self) -> Iterable[RemoteFile]:
        """What the repository holds. Raises RunError."""
        from huggingface_hub import HfApi  # noqa: PLC0415

        with _told():
            info = HfApi(endpoint=self._endpoint, token=False).model_info(
                REPOSITORY, files_metadata=True, timeout=_TIMEOUT_S
            )
        return [
            RemoteFile(
                file.rfilename,
                file.size or 0,
                file.lfs.sha256 if file.lfs else "",
                info.sha or "main",
            )
            for file in info.siblings or ()
        ]

    def fetch(self, file: RemoteFile, part: Path) -> None:
        """Append to `part` until it is whole; a bar shows how far. Raises RunError and OSError."""
        from huggingface_hub import hf_hub_url  # noqa: PLC0415
        from huggingface_hub.file_download import http_get  # noqa: PLC0415

        url = hf_hub_url(REPOSITORY, file.name, revision=file.revision, endpoint=self._endpoint)
        with _told(), part.open("ab") as content:
            if content.tell() > file.size:
                content.seek(0)
                content.truncate()
            http_get(
                url,
                content,
                resume_size=content.tell(),
                expected_size=file.size,
                displayed_filename=file.name,
            )


@contextmanager
def _told() -> Iterator[None]:
    """The hub's and the network's errors become RunError; the local disk's stay OSError."""
    from huggingface_hub import errors  # noqa: PLC0415

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise RunError("HF_HUB_OFFLINE forbids the network: unset it and try again") from error
    except (errors.HfHubHTTPError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise RunError(_line(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise RunError(_line(error)) from error


def _line(error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return (
        f"cannot fetch {REPOSITORY} from the Hugging Face hub: {reason}: check the network and "
        "try again; what has come is kept"
    )
