"""Arcs (G2, G3) of a simulated Grbl controller, as the chords that it makes of them. Lengths in mm."""

import math
from collections.abc import Sequence

from motet_simulators.grbl import words as words_of
from motet_simulators.grbl.planner import Vector
from motet_simulators.grbl.words import GcodeError, Words

_PLANES = {"G17": (0, 1, 2), "G18": (2, 0, 1), "G19": (1, 2, 0)}
_FULL_TURN = 5e-7
"""An arc that turns by less than this (rad) is a full circle, as in Grbl."""


def arc(
    words: Words, plane: str, start: Vector, target: Vector, factor: float, tolerance: float, *, clockwise: bool
) -> Sequence[Vector]:
    """The ends of the chords; they deviate from the arc by at most the tolerance. `factor` is mm a unit.

    Raises GcodeError.
    """
    a, b, c = _PLANES[plane]
    if not {"XYZ"[a], "XYZ"[b]} & set(words.axes):
        raise GcodeError(words_of.NO_PLANE_WORDS)
    x, y = target[a] - start[a], target[b] - start[b]
    if "R" in words.values:
        words.use("R")
        if target == start:
            raise GcodeError(words_of.BAD_TARGET)
        i, j = _centre(x, y, words.values["R"] * factor, clockwise)
    else:
        i, j = _offsets(words, "IJK"[a] + "IJK"[b], x, y, factor)
    radius, begin, turn = math.hypot(i, j), math.atan2(-j, -i), _turn(x, y, i, j, clockwise)
    chord = 2 * math.sqrt(max(1e-9, tolerance * (2 * radius - tolerance)))
    count = max(1, int(abs(turn) * radius / chord))
    points: list[Vector] = []
    for n in range(1, count):
        point, angle = list(start), begin + turn * n / count
        point[a] = start[a] + i + radius * math.cos(angle)
        point[b] = start[b] + j + radius * math.sin(angle)
        point[c] = start[c] + (target[c] - start[c]) * n / count
        points.append((point[0], point[1], point[2]))
    return [*points, target]


def _centre(x: float, y: float, radius: float, clockwise: bool) -> tuple[float, float]:
    """The centre from the start, for a target at (x, y); a negative radius means the longer arc."""
    height = 4 * radius * radius - x * x - y * y
    if height < 0 or (x == 0 and y == 0):
        raise GcodeError(words_of.BAD_RADIUS)
    side = math.sqrt(height) / math.hypot(x, y) * (-1 if clockwise else 1) * (1 if radius >= 0 else -1)
    return (x - y * side) / 2, (y + x * side) / 2


def _offsets(words: Words, letters: str, x: float, y: float, factor: float) -> tuple[float, float]:
    if not set(letters) & words.values.keys():
        raise GcodeError(words_of.NO_OFFSETS)
    words.use("IJK")
    i, j = (words.values.get(letter, 0.0) * factor for letter in letters)
    radius = math.hypot(i, j)
    error = abs(math.hypot(x - i, y - j) - radius)
    if error > 0.5 or (error > 0.005 and error > 0.001 * radius):
        raise GcodeError(words_of.BAD_TARGET)
    return i, j


def _turn(x: float, y: float, i: float, j: float, clockwise: bool) -> float:
    """How far it turns, rad, counterclockwise positive."""
    to_x, to_y = x - i, y - j
    turn = math.atan2(-i * to_y + j * to_x, -i * to_x - j * to_y)
    if clockwise:
        return turn - math.tau if turn >= -_FULL_TURN else turn
    return turn + math.tau if turn <= _FULL_TURN else turn
