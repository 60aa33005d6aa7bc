"""Caption times, as people and programs write them, → integer milliseconds, and back as people read them."""

import re

__all__ = ["find_sbv_timing", "find_timing", "format_time", "parse_time", "seconds_to_ms"]

# The settings may follow without a space, as in "00:01.000line:40%".
_TIMING = re.compile(
    r"^\s*(?P<start>[-\d][\d:.,]*)\s*-{1,2}>\s*(?P<end>[-\d][\d:.,]*)(?P<settings>$|\s.*|[a-z]+:.*)$"
)
_SBV_TIMING = re.compile(r"^\s*(?P<start>\d+:\d\d:\d\d\.\d+)\s*,\s*(?P<end>\d+:\d\d:\d\d\.\d+)\s*$")
_CLOCK = re.compile(
    r"^(?P<sign>-?)(?:(?P<hours>\d{1,9}):)?(?P<minutes>\d{1,9}):(?P<seconds>\d{1,2})"
    r"(?:[.,:](?P<fraction>\d*))?$"
)
_MAX_SECONDS = 10**13


def parse_time(text: str) -> int | None:
    """``[H:]MM:SS[.fff]`` in milliseconds, or ``None`` where it is not a time.

    Hours may have up to nine digits and may be missing; the fraction may have any number of
    digits (``.5`` is half a second) and a comma, point or colon before it. A negative time is
    clamped to 0, since a player cannot open one.
    """
    match = _CLOCK.match(text.strip())
    if match is None:
        return None
    minutes, seconds = int(match["minutes"]), int(match["seconds"])
    if seconds > 59 or (match["hours"] and minutes > 59):
        return None
    fraction = int((match["fraction"] or "0")[:3].ljust(3, "0"))
    total = ((int(match["hours"] or 0) * 60 + minutes) * 60 + seconds) * 1000 + fraction
    return 0 if match["sign"] else total


def format_time(milliseconds: int) -> str:
    """``M:SS``, or from an hour on ``H:MM:SS``; what is left of a second is dropped."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def seconds_to_ms(value: object) -> int | None:
    """A number of seconds, or its text, as whole milliseconds of at least 0; ``None`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    # Also false for NaN.
    return round(max(seconds, 0.0) * 1000) if abs(seconds) < _MAX_SECONDS else None


def find_timing(line: str) -> tuple[int, int] | None:
    """The start and end of a cue's timing line, or ``None`` if the line is not a sound one."""
    return _times(_TIMING.match(line)) if ">" in line else None


def find_sbv_timing(line: str) -> tuple[int, int] | None:
    """The same for ``0:00:01.000,0:00:02.500``."""
    return _times(_SBV_TIMING.match(line))


def _times(match: re.Match[str] | None) -> tuple[int, int] | None:
    if match is None:
        return None
    start, end = parse_time(match["start"]), parse_time(match["end"])
    return None if start is None or end is None else (start, end)
