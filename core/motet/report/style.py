"""The look of every figure. Colours that differ between the light and the dark page are set by the page's
script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from plotly import colors

Figure = dict[str, Any]
"""A plotly.js figure: `data` and `layout`, made of JSON's own types."""

# After Okabe and Ito, Color Universal Design (2008): told apart with every kind of colour vision; the blue is
# lighter than theirs, so that it stands out from the dark page too.
BLUE, VERMILION, SKY = "#2586c2", "#d55e00", "#56b4e9"
AMBER = "#e69f00"
ORDER = (BLUE, AMBER, "#009e73", "#cc79a7", SKY, VERMILION)
"""Colours of things that have no order among them, such as classes; taken again from the first where there are more."""
DARK, LIGHT = "#10151b", "#ffffff"
GREY = "#8a929c"
BAND = "rgba(128,138,150,0.14)"
SCALE = "Viridis"
"""Sequential, perceptually uniform, readable in grey (van der Walt and Smith, 2015)."""

FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with what is written around it. `wide` figures take the width of the page."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = True

    @property
    def height(self) -> int:
        """Height in pixels, reserved before the figure is drawn."""
        return self.figure["layout"]["height"]


def layout(height: int, **more: Any) -> dict[str, Any]:
    """The layout that all figures share."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 30, "b": 52},
        "font": {"family": FONT, "size": 13},
        "hoverlabel": {"align": "left", "font": {"family": FONT, "size": 12}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hovermode": "closest",
    } | more


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title (already escaped)."""
    shared = {
        "title": {"text": title, "standoff": 10, "font": {"size": 13}},
        "zeroline": False,
        "ticks": "outside",
        "automargin": True,
    }
    return shared | more


def colorbar(title: str) -> dict[str, Any]:
    """The legend of a colour scale."""
    text = {"text": title, "side": "right", "font": {"size": 13}}
    return {"title": text, "thickness": 12, "outlinewidth": 0, "len": 1, "xpad": 8}


def shades(values: Sequence[float]) -> list[str]:
    """Each value's colour on the scale, which runs from the least to the greatest."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = high - low or 1.0
    return cast("list[str]", colors.sample_colorscale(SCALE, [(value - low) / span for value in values]))


def shade(place: int) -> str:
    """The colour of one of several things without an order, by its place among them."""
    return ORDER[place % len(ORDER)]


def cross(size: int = 9) -> dict[str, Any]:
    """The marker of what failed."""
    return {"symbol": "x-thin", "size": size, "line": {"color": VERMILION, "width": 2}}


def ring(size: int = 16) -> dict[str, Any]:
    """The marker around the best."""
    return {
        "symbol": "circle-open",
        "size": size,
        "color": VERMILION,
        "line": {"width": 2.5, "color": VERMILION},
    }


def hollow(size: int = 8) -> dict[str, Any]:
    """The marker of what does not count."""
    return {"symbol": "circle-open", "size": size, "color": GREY, "line": {"width": 1.5, "color": GREY}}
