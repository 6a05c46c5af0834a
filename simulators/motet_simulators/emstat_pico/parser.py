"""MethodSCRIPT as the simulated EmStat reads it: lines to commands, or the error that the instrument answers with.

Syntax: MethodSCRIPT manual v1.8, ch. 3 (lines, comments, optional arguments, `on_finished:`), ch. 4 (literals and
variables) and ch. 14 (commands); error codes: appendix A. An error has the script's line, from 1, and the column after
what could not be read: a real instrument puts an unknown command of 15 letters at column 16 (documentation of
pypalmsens, CommProtocol).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from motet_simulators.emstat_pico.models import PREFIXES

UNKNOWN_TYPE, UNKNOWN_COMMAND, UNEXPECTED, BAD_OPTION = 0x0002, 0x4001, 0x4004, 0x4008
TOO_LARGE = 0x4005
NESTED, MISPLACED, ENDED, DECLARED_TWICE, BAD_NAME = 0x400B, 0x400C, 0x4018, 0x4026, 0x402B
NEGATIVE, OUT_OF_BOUNDS, TOO_MANY, UNDECLARED = 0x4200, 0x4205, 0x420A, 0x420B

_SIGNATURES = """
var:new array:new,value store_var:variable,literal,type copy_var:variable,variable alter_vartype:variable,type
add_var:variable,value sub_var:variable,value mul_var:variable,value div_var:variable,value mod_var:variable,value
pow_var:variable,value log_var:variable,value int_to_float:variable float_to_int:variable
bit_and_var:variable,value bit_or_var:variable,value bit_xor_var:variable,value bit_lsl_var:variable,value
bit_lsr_var:variable,value bit_inv_var:variable array_set:variable,value,value array_get:variable,value,variable
set_pgstat_chan:count set_pgstat_mode:count set_poly_we_mode:count set_max_bandwidth:value set_cr:value
set_pot_range:value,value set_range:type,value set_range_minmax:type,value,value set_autoranging:type,value,value
set_acquisition_frac:value set_acquisition_frac_autoadjust:value set_e:value set_i:value cell_on cell_off
set_int:value await_int wait:value timer_start timer_get:variable meas:value,variable,type abort breakloop
set_gpio_cfg:value,count set_gpio_pullup:value,count set_gpio:value get_gpio:variable set_gpio_msk:value,value
get_gpio_msk:variable,value set_script_output:count send_string:text file_open:text,count file_close
pck_start pck_add:value pck_end
meas_loop_lsv:variable,variable,value,value,value,value
meas_loop_cv:variable,variable,value,value,value,value,value
meas_loop_dpv:variable,variable,value,value,value,value,value,value
meas_loop_swv:variable,variable,variable,variable,value,value,value,value,value
meas_loop_npv:variable,variable,value,value,value,value,value
meas_loop_ca:variable,variable,value,value,value meas_loop_cp:variable,variable,value,value,value
meas_loop_ocp:variable,value,value meas_loop_eis:variable,variable,variable,value,value,value,value,value
loop:value,operator,value if:value,operator,value elseif:value,operator,value else endif endloop
"""
SIGNATURES: Mapping[str, tuple[str, ...]] = {
    name: tuple(filter(None, arguments.split(",")))
    for name, _, arguments in (one.partition(":") for one in _SIGNATURES.split())
}
OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "meas_loop_cv": {"nscans": ("whole",)},
    "meas_loop_eis": {"eis_tdd": ("variable", "variable", "variable", "variable", "whole")},
}
OPERATORS = ("==", "!=", ">=", "<=", ">", "<")
LOOPS = frozenset(name for name in SIGNATURES if name.startswith("meas_loop_"))
_DEEPEST = 40
"""Blocks in blocks; beyond it the script is too large."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ELEMENT = re.compile(r"([a-z][a-z0-9_]*)\[(\w+)\]")
_TYPE = re.compile(r"[a-j][a-z]")
_TOKEN = re.compile(r'f?"[^"]*"|[a-z_]+\([^)]*\)|[^\s#]+')
_DECIMAL = re.compile(rf"([+-]?\d+)([{''.join(PREFIXES).replace(' ', '')}i]?)")
_OTHER_BASES = re.compile(r"0x([0-9a-fA-F]+)i?|0b([01]+)i?")


class ScriptError(Exception):
    """The instrument refuses a script: a code, the line, and when it is read the column."""

    def __init__(self, code: int, line: int, column: int | None = None) -> None:
        where = f"Line {line}" if column is None else f"Line {line}, Col {column}"
        super().__init__(f"!{code:04X}: {where}")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the script's line, its name, arguments, optional arguments, and the commands inside it.

    `alternative` of an `if` is the branch that is taken when its condition does not hold.
    """

    line: int
    name: str
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    body: tuple["Command", ...] = ()
    alternative: tuple["Command", ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A script: its commands, and those after `on_finished:`."""

    commands: tuple[Command, ...]
    finish: tuple[Command, ...]


def literal(token: str) -> tuple[float, bool] | None:
    """The number that a literal says, and whether it is an integer; None for what is no literal."""
    if match := _DECIMAL.fullmatch(token):
        digits, prefix = match.groups()
        return int(digits) * PREFIXES.get(prefix or " ", 1.0), prefix == "i"
    if match := _OTHER_BASES.fullmatch(token):
        return float(int(match[1], 16) if match[1] else int(match[2], 2)), True
    return None


def parse(lines: Sequence[str]) -> Program:
    """The program. Raises ScriptError for the first thing that is wrong."""
    reader = _Reader(lines)
    commands = reader.block(())
    finish: tuple[Command, ...] = ()
    if reader.peek == "on_finished:":
        reader.next()
        finish = reader.block(())
    if reader.peek:
        raise ScriptError(MISPLACED, reader.line, reader.after)
    return Program(commands, finish)


class _Reader:
    """Goes through a script, line by line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._declared: set[str] = set()
        self._measuring = self._looping = self._depth = 0
        self.line = 0
        self.after = 1
        self.peek = ""
        self._tokens: list[re.Match[str]] = []
        self.next()

    def next(self) -> None:
        """Go on to the next line that has a command; `peek` is its name, empty at the end."""
        while self.line < len(self._lines):
            self.line += 1
            text = self._lines[self.line - 1]
            self._tokens = list(_TOKEN.finditer(text.split("#", 1)[0] if '"' not in text else text))
            if self._tokens:
                self.peek, self.after = self._tokens[0][0], self._tokens[0].end() + 1
                return
        self.peek = ""

    def block(self, ends: tuple[str, ...]) -> tuple[Command, ...]:
        """The commands up to one of the ends, which is not taken; up to the end or `on_finished:` without any."""
        commands: list[Command] = []
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ScriptError(TOO_LARGE, self.line, self.after)
        while self.peek not in ends:
            if self.peek in ("", "on_finished:"):
                if ends:
                    raise ScriptError(ENDED, self.line, self.after)
                break
            if self.peek in ("endloop", "else", "elseif", "endif"):
                raise ScriptError(MISPLACED, self.line, self.after)
            commands.append(self._command())
        self._depth -= 1
        return tuple(commands)

    def _command(self) -> Command:
        line, name = self.line, self.peek
        if name not in SIGNATURES:
            raise ScriptError(UNKNOWN_COMMAND, line, self.after)
        if name in LOOPS and self._measuring:
            raise ScriptError(NESTED, line, self.after)
        if name == "breakloop" and not self._looping:
            raise ScriptError(MISPLACED, line, self.after)
        arguments, options = self._arguments(name)
        self.next()
        if name in LOOPS or name == "loop":
            self._measuring += name in LOOPS
            self._looping += 1
            body = self.block(("endloop",))
            self._measuring -= name in LOOPS
            self._looping -= 1
            self.next()
            return Command(line, name, arguments, options, body)
        if name in ("if", "elseif"):
            return self._condition(line, arguments)
        return Command(line, name, arguments, options)

    def _condition(self, line: int, arguments: tuple[str, ...]) -> Command:
        body = self.block(("elseif", "else", "endif"))
        alternative: tuple[Command, ...] = ()
        if self.peek == "elseif":
            inner, inner_line = self._arguments("elseif")[0], self.line
            self.next()
            self._depth += 1  # `elseif` is an `if` in the branch before it
            if self._depth > _DEEPEST:
                raise ScriptError(TOO_LARGE, inner_line, self.after)
            nested = self._condition(inner_line, inner)
            self._depth -= 1
            return Command(line, "if", arguments, {}, body, (nested,))
        if self.peek == "else":
            self.next()
            alternative = self.block(("endif",))
        self.next()
        return Command(line, "if", arguments, {}, body, alternative)

    def _arguments(self, name: str) -> tuple[tuple[str, ...], Mapping[str, str]]:
        kinds, given = SIGNATURES[name], self._tokens[1:]
        options: dict[str, str] = {}
        while given and re.fullmatch(r"[a-z_]+\([^)]*\)", given[-1][0]):
            option = given.pop()
            key, _, value = option[0][:-1].partition("(")
            self._check_option(name, key, value.split(), option.end() + 1)
            options[key] = value.strip()
        if name == "set_autoranging" and len(given) == 2:  # as up to MethodSCRIPT 1.1: currents only
            kinds = ("value", "value")
        for kind, token in zip(kinds, given, strict=False):
            self._check(kind, token[0], token.end() + 1)
        if len(given) > len(kinds):
            raise ScriptError(TOO_MANY, self.line, given[len(kinds)].end() + 1)
        if len(given) < len(kinds):
            raise ScriptError(UNEXPECTED, self.line, len(self._lines[self.line - 1]) + 1)
        return tuple(token[0] for token in given), options

    def _check_option(self, name: str, key: str, values: Sequence[str], column: int) -> None:
        kinds = OPTIONS.get(name, {}).get(key)
        if kinds is None:
            raise ScriptError(BAD_OPTION, self.line, column)
        if len(values) != len(kinds):
            raise ScriptError(TOO_MANY if len(values) > len(kinds) else UNEXPECTED, self.line, column)
        for kind, value in zip(kinds, values, strict=True):
            self._check(kind, value, column)

    def _check(self, kind: str, token: str, column: int) -> None:
        code = 0
        match kind:
            case "new":
                code = 0 if _NAME.fullmatch(token) else BAD_NAME
                code = code or (DECLARED_TWICE if token in self._declared else 0)
                self._declared.add(token)
            case "variable":
                code = self._variable(token)
            case "value" | "literal":
                if literal(token) is None:
                    code = self._variable(token) if kind == "value" else UNEXPECTED
            case "type":
                code = 0 if _TYPE.fullmatch(token) else UNKNOWN_TYPE
            case "count":
                number = literal(token)
                code = UNEXPECTED if number is None else (NEGATIVE if number[0] < 0 else 0)
            case "whole":
                number = literal(token)
                whole = number is not None and number[0] == int(number[0]) and number[0] <= 0xFFFF
                code = 0 if whole else OUT_OF_BOUNDS
            case "operator":
                code = 0 if token in OPERATORS else UNEXPECTED
            case _:
                code = 0 if token.endswith('"') else UNEXPECTED
        if code:
            raise ScriptError(code, self.line, column)

    def _variable(self, token: str) -> int:
        element = _ELEMENT.fullmatch(token)
        names = [token] if element is None else [element[1], element[2]]
        for name in names:
            if literal(name) is not None and element is not None:
                continue
            if not _NAME.fullmatch(name):
                return UNEXPECTED
            if name not in self._declared:
                return UNDECLARED
        return 0
