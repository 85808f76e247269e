"""Bar charts in SVG, without a library and without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 760
LABELS = 230
FIGURES = 70
ROW = 26
BAR = 16
TOP = 46
BOTTOM = 34
OURS = ("#0b6e4f", "#63b995")
OTHERS = ("#5b6673", "#a9b2bc")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: two parts after each other, in one unit."""

    label: str
    user: float
    system: float
    ours: bool = False

    @property
    def total(self) -> float:
        return self.user + self.system


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """A document with a horizontal bar for each of *bars*, from above in the order given."""
    longest = max((bar.total for bar in bars), default=0.0) or 1.0
    scale = (WIDTH - LABELS - FIGURES) / longest
    height = TOP + ROW * len(bars) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="15" font-weight="bold">{escape(title)}</text>',
        *(_row(bar, TOP + ROW * number, scale) for number, bar in enumerate(bars)),
        *_legend(height - BOTTOM + 8),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(bar: Bar, y: int, scale: float) -> str:
    user, system = bar.user * scale, bar.system * scale
    end = LABELS + user + system + 6
    dark, light = OURS if bar.ours else OTHERS
    weight = ' font-weight="bold"' if bar.ours else ""
    middle = y + BAR - 3
    return (
        f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end"{weight}>{escape(bar.label)}</text>'
        f'<rect x="{LABELS}" y="{y}" width="{user:.1f}" height="{BAR}" fill="{dark}"/>'
        f'<rect x="{LABELS + user:.1f}" y="{y}" width="{system:.1f}" height="{BAR}" '
        f'fill="{light}"/>'
        f'<text x="{end:.1f}" y="{middle}"{weight}>{_figure(bar.total)}</text>'
    )


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _legend(y: int) -> list[str]:
    told = ((OTHERS[0], "user", LABELS), (OTHERS[1], "system", LABELS + 80))
    return [
        f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>'
        f'<text x="{x + 18}" y="{y + 11}" font-size="12">{name}</text>'
        for colour, name, x in told
    ]
