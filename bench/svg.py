"""
Plots as SVG text: bars with quartile whiskers, and lines over a logarithmic x.

No library: a plot is a list of rectangles, lines and labels. The background is transparent and the
colours change with the reader's light or dark scheme (a media query; viewers that know none use
the light colours on a light card).
"""
import html
import math

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.small { font-size: 12px; fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.whisker { stroke: #24292f; stroke-width: 1.5; fill: none }
.card { fill: #ffffff }
.s0 { fill: #0969da; stroke: #0969da } .s1 { fill: #bf5b04; stroke: #bf5b04 }
.s2 { fill: #1a7f37; stroke: #1a7f37 } .s3 { fill: #8250df; stroke: #8250df }
.s4 { fill: #bf3989; stroke: #bf3989 } .s5 { fill: #6e7781; stroke: #6e7781 }
.line { fill: none; stroke-width: 2.5 } .bar { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9ba6b2 } .grid { stroke: #30363d } .card { fill: #0d1117 }
.whisker { stroke: #e6edf3 }
.s0 { fill: #58a6ff; stroke: #58a6ff } .s1 { fill: #f0883e; stroke: #f0883e }
.s2 { fill: #3fb950; stroke: #3fb950 } .s3 { fill: #bc8cff; stroke: #bc8cff }
.s4 { fill: #f778ba; stroke: #f778ba } .s5 { fill: #8b949e; stroke: #8b949e }
.line { fill: none } .bar { stroke: none }
}
"""
WIDTH = 760


def _text(x, y, text, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(str(text))}</text>")


def _document(height, title, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img"><title>{html.escape(title)}</title>'
            f"<style>{_STYLE}</style>"
            f'<rect class="card" width="{WIDTH}" height="{height}" rx="6"/>'
            + _text(16, 26, title, "title") + "".join(parts) + "</svg>\n")


def _steps(most, count=5):
    """Round numbers from 0 to at least `most`."""
    step = 10 ** math.floor(math.log10(most / count)) if most > 0 else 1
    for factor in (1, 2, 2.5, 5, 10):
        if step * factor * count >= most:
            step *= factor
            break
    return [step * i for i in range(int(math.ceil(most / step - 1e-9)) + 1)]


def _short(value):
    for size, suffix in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def bars(title, unit, rows):
    """rows: [(name, median, lower quartile, upper quartile)]; one colour a row whose name starts
    with "diatom", another for the rest. A logarithmic scale where values span over 30 times."""
    left, right, top, step = 250, 90, 48, 30
    height = top + step * len(rows) + 40
    most = max(high for _, _, _, high in rows)
    least = min(m for _, m, _, _ in rows if m > 0)
    is_log = most / least > 30
    width = WIDTH - left - right
    if is_log:
        floor, ceiling = math.floor(math.log10(least)), math.ceil(math.log10(most))
        if math.log10(least) - floor < 0.1:
            floor -= 1
        marks = [10.0 ** e for e in range(floor, ceiling + 1)]

        def place(value):
            return left + width * (math.log10(max(value, 10.0 ** floor)) - floor) / (ceiling - floor)
    else:
        marks = _steps(most)

        def place(value):
            return left + width * value / marks[-1]
    parts = []
    for mark in marks:
        x = place(mark) if mark else left
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 6}" '
                     f'y2="{height - 34}"/>')
        parts.append(_text(x, height - 18, _short(mark), "small", "middle"))
    scale = f"{unit}{', logarithmic' if is_log else ''}"
    parts.append(_text(WIDTH - 16, 26, scale, "small", "end"))
    for i, (name, median, low, high) in enumerate(rows):
        y = top + i * step
        colour = "s0" if name.lower().startswith("diatom") else "s5"
        parts.append(_text(left - 10, y + 15, name, "", "end"))
        parts.append(f'<rect class="bar {colour}" x="{left}" y="{y}" '
                     f'width="{max(place(median) - left, 1):.1f}" height="20" rx="2"/>')
        a, b = place(low), place(high)
        if b - a > 1:
            parts.append(f'<path class="whisker" d="M{a:.1f} {y + 10}H{b:.1f}'
                         f'M{a:.1f} {y + 5}v10M{b:.1f} {y + 5}v10"/>')
        parts.append(_text(max(place(median), b) + 8, y + 15, _short(median)))
    return _document(height, title, parts)


def lines(title, unit, x_title, series):
    """series: {name: [(x, median, lower, upper)]}, x logarithmic, y from 0."""
    left, right, top, bottom, height = 70, 190, 50, 48, 340
    width, tall = WIDTH - left - right, height - top - bottom
    xs = sorted({p[0] for points in series.values() for p in points})
    marks = _steps(max(p[3] for points in series.values() for p in points))
    low, high = math.log10(xs[0]), math.log10(xs[-1])

    def place_x(x):
        return left + 20 + (width - 40) * ((math.log10(x) - low) / (high - low) if high > low
                                           else 0.5)

    def place_y(y):
        return top + tall * (1 - y / marks[-1])
    parts = [_text(WIDTH - 16, 26, unit, "small", "end")]
    for mark in marks:
        y = place_y(mark)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(left - 8, y + 4, _short(mark), "small", "end"))
    for x in xs:
        parts.append(_text(place_x(x), height - bottom + 20, f"{x:,}", "small", "middle"))
    parts.append(_text(left + width / 2, height - 8, x_title, "small", "middle"))
    labels = []
    for i, (name, points) in enumerate(series.items()):
        colour = f"s{i % 6}"
        points = sorted(points)
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y, _, _ in points)
        parts.append(f'<path class="line {colour}" style="fill:none" d="M{path}"/>')
        for x, y, a, b in points:
            parts.append(f'<circle class="{colour}" cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="4"/>')
            parts.append(f'<path class="whisker" d="M{place_x(x):.1f} {place_y(a):.1f}'
                         f'V{place_y(b):.1f}"/>')
        if points:
            labels.append([place_y(points[-1][1]), name, colour])
    # Names stand beside their lines' ends, pushed apart where they would overlap.
    labels.sort()
    for i in range(1, len(labels)):
        labels[i][0] = max(labels[i][0], labels[i - 1][0] + 17)
    for y, name, colour in labels:
        parts.append(f'<rect class="bar {colour}" x="{left + width + 6}" y="{y - 5:.1f}" '
                     f'width="10" height="10"/>')
        parts.append(_text(left + width + 22, y + 4, name))
    return _document(height, title, parts)
