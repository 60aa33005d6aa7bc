"""Caption times, as people and programs write them, → integer milliseconds."""

import re

__all__ = ["find_timing", "parse_time"]

_TIMING = re.compile(r"^\s*(?P<start>\S+?)\s*-{1,2}>\s*(?P<end>\S+)(?P<settings>.*)$")
_CLOCK = re.compile(
    r"^(?P<sign>-?)(?:(?P<hours>\d{1,9}):)?(?P<minutes>\d{1,9}):(?P<seconds>\d{1,2})"
    r"(?:[.,:](?P<fraction>\d*))?$"
)


def parse_time(text: str) -> int | None:
    """``[H:]MM:SS[.fff]`` in milliseconds, or ``None`` where it is not a time.

    Hours may have up to nine digits and may be missing; the fraction may have any number of
    digits and a comma, point or colon before it. A negative time is clamped to 0, since a player
    cannot open one.
    """
    match = _CLOCK.match(text.strip())
    if match is None:
        return None
    minutes, seconds = int(match["minutes"]), int(match["seconds"])
    if seconds > 59 or (match["hours"] and minutes > 59):
        return None
    fraction = int((match["fraction"] or "0").ljust(3, "0")[:3])
    total = ((int(match["hours"] or 0) * 60 + minutes) * 60 + seconds) * 1000 + fraction
    return 0 if match["sign"] else total


def find_timing(line: str) -> tuple[int, int] | None:
    """The start and end of a cue's timing line, or ``None`` if the line is not a sound one."""
    match = _TIMING.match(line)
    if match is None:
        return None
    start, end = parse_time(match["start"]), parse_time(match["end"])
    return None if start is None or end is None else (start, end)
