"""The variables of a MethodSCRIPT program in a simulated EmStat: numbers, arrays, arithmetic, packages.

MethodSCRIPT manual v1.8, ch. 4 (variables) and 14 (commands); error codes: appendix A.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from motet_simulators.emstat_pico.machine import Refused, Value
from motet_simulators.emstat_pico.parser import Command, literal

PACKAGE_ORDER, DIVIDED_BY_ZERO, NOT_FINITE = 0x401B, 0x0028, 0x0010
BAD_VALUE, NOT_POSITIVE = 0x4205, 0x4204
_MOST_ELEMENTS = 100_000
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "add_var": lambda value, other: value + other,
    "sub_var": lambda value, other: value - other,
    "mul_var": lambda value, other: value * other,
    "div_var": lambda value, other: value / other,
    "mod_var": math.fmod,
    "pow_var": math.pow,
    "log_var": math.log,
}
_BITS: Mapping[str, Callable[[int, int], int]] = {
    "bit_and_var": lambda value, other: value & other,
    "bit_or_var": lambda value, other: value | other,
    "bit_xor_var": lambda value, other: value ^ other,
    "bit_lsl_var": lambda value, by: value << max(0, min(by, 32)),
    "bit_lsr_var": lambda value, by: value >> max(0, min(by, 32)),
    "bit_inv_var": lambda value, _: ~value,
}


class Variables:
    """What a program has declared, with the package that it is putting together."""

    def __init__(self) -> None:
        self._variables: dict[str, Value] = {}
        self._arrays: dict[str, list[Value]] = {}
        self._package: list[Value] | None = None

    def do(self, name: str, arguments: Sequence[str]) -> None:
        """Carry out a command on variables; settings that make no difference here do nothing. Raises Refused."""
        if name in _ARITHMETIC or name in _BITS:
            self._calculate(name, arguments)
        elif name.startswith("pck_"):
            self._pack(name, arguments)
        elif name.startswith("array"):
            self._array(name, arguments)
        else:
            self._set(name, arguments)

    def _set(self, name: str, arguments: Sequence[str]) -> None:
        match name:
            case "var":
                self._variables[arguments[0]] = Value()
            case "store_var":
                self.assign(arguments[0], _typed(self.value(arguments[1]), arguments[2]))
            case "copy_var":
                self.assign(arguments[1], self.value(arguments[0]))
            case "alter_vartype":
                self.assign(arguments[0], _typed(self.value(arguments[0]), arguments[1]))
            case "int_to_float" | "float_to_int":
                value = self.value(arguments[0])
                self.assign(arguments[0], Value(value.number, value.type, name == "float_to_int"))
            case "get_gpio" | "get_gpio_msk":
                self.assign(arguments[0], Value(0, "ec", integer=True))
            case _:
                pass

    def _pack(self, name: str, arguments: Sequence[str]) -> None:
        if name == "pck_start":
            self._package = []
        elif self._package is None:
            raise Refused(PACKAGE_ORDER)
        else:
            self._package.append(self.value(arguments[0]))

    def text(self, quoted: str) -> str:
        """What `send_string` sends: in a string that begins with f, names in braces give their numbers."""
        inner = quoted[quoted.index('"') + 1 : -1]
        if not quoted.startswith("f"):
            return inner
        return re.sub(r"\{([a-z][a-z0-9_]*)\}", lambda found: f"{self.number(found[1]):g}", inner)

    def _calculate(self, name: str, arguments: Sequence[str]) -> None:
        target, other = self.value(arguments[0]), self.number(arguments[1]) if len(arguments) > 1 else 0.0
        try:
            if name in _BITS:
                number = float(_BITS[name](int(target.number), int(other)) & 0xFFFFFFFF)
            else:
                number = _ARITHMETIC[name](target.number, other)
        except ZeroDivisionError:
            raise Refused(DIVIDED_BY_ZERO) from None
        except (ValueError, OverflowError):
            raise Refused(NOT_FINITE) from None
        if not math.isfinite(number):
            raise Refused(NOT_FINITE)
        self.assign(arguments[0], Value(number, target.type, target.integer, target.status, target.range))

    def _array(self, name: str, arguments: Sequence[str]) -> None:
        if name == "array":
            size = int(self.number(arguments[1]))
            if not 0 < size <= _MOST_ELEMENTS:
                raise Refused(NOT_POSITIVE)
            self._arrays[arguments[0]] = [Value()] * size
        elif name == "array_set":
            self.assign(f"{arguments[0]}[{arguments[1]}]", self.value(arguments[2]))
        else:
            self.assign(arguments[2], self.value(f"{arguments[0]}[{arguments[1]}]"))

    def value(self, token: str) -> Value:
        """What a literal, a variable or an element of an array holds."""
        if (number := literal(token)) is not None:
            return Value(number[0], "ja", number[1])
        name, _, index = token.partition("[")
        if not index:
            return self._variables.get(name, Value())
        elements, place = self._element(name, index)
        return elements[place]

    def assign(self, token: str, value: Value) -> None:
        """Put something into a variable or an element of an array."""
        name, _, index = token.partition("[")
        if not index:
            self._variables[name] = value
        else:
            elements, place = self._element(name, index)
            elements[place] = value

    def fill(self, name: str, values: Sequence[Value]) -> None:
        """Put values into the first elements of an array. Raises Refused when it has not as many."""
        elements = self._arrays.get(name, [])
        if len(values) > len(elements):
            raise Refused(BAD_VALUE)
        elements[: len(values)] = values

    def _element(self, name: str, index: str) -> tuple[list[Value], int]:
        elements, place = self._arrays.get(name, []), int(self.number(index.rstrip("]")))
        if not 0 <= place < len(elements):
            raise Refused(BAD_VALUE)
        return elements, place

    def number(self, token: str) -> float:
        """The number that a literal or variable stands for."""
        return self.value(token).number

    def holds(self, command: Command) -> bool:
        """Whether the condition of an `if` or a `loop` does."""
        left, compare, right = command.arguments
        return _COMPARE[compare](self.number(left), self.number(right))

    def package_line(self) -> str:
        """The package as it is sent. Raises Refused when none was started."""
        if self._package is None:
            raise Refused(PACKAGE_ORDER)
        package, self._package = self._package, None
        return "P" + ";".join(map(str, package))


def _typed(value: Value, kind: str) -> Value:
    return Value(value.number, kind, value.integer, value.status, value.range)
