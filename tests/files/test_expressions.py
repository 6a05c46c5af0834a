"""Conditions: what they may say, what they come to, and what is refused."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import ProcedureError
from motet.files.expressions import evaluate, parse, references

VALUES: dict[str, Any] = {"x": 3, "touch.force": 51.5, "mode": "dry", "ok": True, "lambda": 2, "trace": [1.0]}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("$touch.force > 50", True),
        ("$touch.force >= 51.5 and $x != 3", False),
        ("$x < 0 or $x == 3.0", True),
        ("0 < $x <= 3", True),
        ("3 < $x < 10", False),
        ("not $ok", False),
        ("$ok and not ($x > 5 or $mode == 'wet')", True),
        ("$mode == 'dry'", True),
        ('$mode == "a $b and \'c"', False),
        ("$ok == true", True),
        ("-1.5 < $x", True),
        ("$lambda > 1", True),
        ("  $x > 1  ", True),
    ],
)
def test_conditions_hold_or_not(text: str, holds: bool) -> None:
    assert evaluate(text, VALUES) is holds


def test_references_come_once_in_order() -> None:
    assert references("$b.y > 1 and $a < $b.y or not $c and $mode == '$d'") == ("b.y", "a", "c", "mode")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x > 3", "`x > 3` has 'x'; is `$x` or the text 'x' meant?"),
        ("touch.force > 3", "`touch.force > 3` has touch.force; is `$touch.force` meant?"),
        ("5", "`5` compares nothing; something like `$touch.force > 50` is needed"),
        ("$x", "`$x`: $x is 3; true or false is needed"),
        ("$x > 5 mm", "`$x > 5 mm` is not a condition"),
        ("$x = 3", "`$x = 3` is not a condition"),
        ("$x >", "`$x >` is not a condition"),
        ("", "`` is not a condition"),
        ("$x in [1]", "compares something else than values"),
        ("$x + 1 > 3", "compares something else than values"),
        ("$x is 3", "has a comparison of an unknown kind"),
        ("$w.x.y.z > 3", "compares something else than values"),
        ("__import__('os').system('true') == 0", "compares something else than values"),
        ("(lambda: 3)() > 2", "compares something else than values"),
        ("$y > 3", "no value for $y yet; there is: x, touch.force, mode"),
        ("$mode > 3", "`$mode > 3`: 'dry' cannot be compared with 3"),
        ("motet_reference_0 > $x", "is not a condition"),
        ("$x > 1 " * 500, "is not a condition of at most 1000 characters"),
        (f"{'(' * 400}$x > 1{')' * 400}", "is not a condition"),
    ],
)
def test_everything_else_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ProcedureError) as caught:
        evaluate(text, VALUES)
    assert reason in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with suppress(ProcedureError):
        assert hash(parse(text)) == hash(parse(text))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_comparisons_agree_with_the_numbers(a: float, b: float) -> None:
    assert evaluate("$a < $s.b", {"a": a, "s.b": b}) is (a < b)
    assert evaluate(f"$a >= {b!r}", {"a": a}) is (a >= b)
