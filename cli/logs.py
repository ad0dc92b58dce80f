"""What the program tells its maintainers: JSON lines in the centre's logs folder, constants and codes only."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TextIO

import structlog


class LogFile:
    """A log file that is opened when the first line is written, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._target: TextIO | None = None

    def write(self, line: str) -> None:
        """Append a line; a folder that cannot be written loses the line, never the command."""
        try:
            if self._target is None:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                path = self._folder / "ulnflow.log"
                path.touch(mode=0o600, exist_ok=True)
                self._target = path.open("a", encoding="utf-8")
            self._target.write(line)
        except OSError:
            return

    def flush(self) -> None:
        """Bring the lines to the file."""
        if self._target is not None:
            self._target.flush()

    def close(self) -> None:
        """Give the file back."""
        if self._target is not None:
            self._target.close()
            self._target = None


def start(folder: Path) -> LogFile:
    """Log to a folder from now on. Event names are constants; values are counts, codes and numbers."""
    target = LogFile(folder)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=target),  # type: ignore[arg-type]  # writes and flushes like one
        cache_logger_on_first_use=False,
    )
    return target
