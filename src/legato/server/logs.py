"""The server's log: one JSON object a line, without what is spoken unless that is asked for."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

_LOGGER = logging.getLogger("legato.server")


def log(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Note that something happened. fields: plain values; None is left out."""
    told = {name: value for name, value in fields.items() if value is not None}
    _LOGGER.log(level, event, extra={"told": told})


class JsonFormatter(logging.Formatter):
    """A record as a line: t, level, event, and whatever it was told."""

    def format(self, record: logging.LogRecord) -> str:
        """Errors bring the last line of their traceback, not all of it."""
        row: dict[str, Any] = {
            "t": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            kind, error, _ = record.exc_info
            row["error"] = f"{kind.__name__ if kind else ''}: {error}"
            if record.levelno >= logging.ERROR:
                row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row, ensure_ascii=False, default=str)


def log_config(level: str = "INFO") -> dict[str, Any]:
    """For `logging.config.dictConfig`: the server's and uvicorn's loggers on stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {
            name: {"handlers": ["stderr"], "level": level, "propagate": False}
            for name in ("legato.server", "uvicorn.error")
        }
        # Uvicorn tells of each WebSocket with its whole address, and a key may be in that.
        | {"uvicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
    }
