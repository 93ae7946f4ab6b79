"""Opens a report in headless Chromium, as a person would, and looks whether everything is there.

Usage: report_in_browser.py REPORT.html REPORT.json [FOLDER_FOR_SCREENSHOTS]

Needs the Python package `playwright` and a Chromium (in CHROMIUM, or on PATH); downloads neither. Ends with 1 and a line
for each thing that is wrong: an error on the console, a request to anywhere but the file, a chart that is missing or has
another number of marks than the report has values, a page wider than the screen, letters too small to read.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDTHS = [390, 1440]
PERCENTILES = ["p50", "p75", "p90", "p99", "p99_9", "p99_99"]
SMALLEST_LETTERS_PX = 10
GROUP_CHARTS = [
    "latency-by-percentile",
    "latency-curves",
    "cpu-per-request",
    "cpu",
    "memory",
    "latency-over-time",
    "rate-over-time",
    "cpu-over-time",
    "memory-over-time",
]
PAIRED_CHARTS = ["latency-over-bare", "latency-ratio"]
RATE_CHARTS = ["p50-by-rate", "p99-by-rate", "achieved-by-rate", "cpu-by-rate", "memory-by-rate"]


def groups_of(report: dict) -> dict[str, list[dict]]:
    """The cases that have a run, by block group."""
    groups: dict[str, list[dict]] = {}
    for case in report["cases"]:
        if case["runs"]:
            groups.setdefault(case["group"], []).append(case)
    return groups


def kept_runs(case: dict) -> list[dict]:
    """The runs that a case's figures rest on."""
    left_out = {block["block"] for block in case["left_out"]}
    return [run for run in case["runs"] if run["block"] not in left_out]


def expected_marks(report: dict) -> dict[str, tuple[str, int]]:
    """For each kind of chart, what its marks are and how many all charts of that kind have together."""
    groups = groups_of(report)
    cases = [case for members in groups.values() for case in members]
    runs = [run for case in cases for run in kept_runs(case)]
    readings = [run for run in runs if len(run["course"]["groups"].get("application", [])) > 1]
    seconds = [run["course"]["stretches"] for run in runs]
    metrics = sum(1 for case in cases for metric in case["metrics"] if metric["metric"] in PERCENTILES)
    maxima = sum(1 for case in cases if any(run["latency_ns"]["max"] for run in kept_runs(case)))
    above_bare = sum(
        1
        for case in cases
        for metric in case["metrics"]
        if metric["metric"] in PERCENTILES and metric["over_bare"] is not None
    )
    expected = {
        "latency-by-percentile": ("circle", metrics + maxima),
        "latency-curves": ("polyline.r", sum(min(len(kept_runs(case)), 8) for case in cases)),
        "latency-over-time": ("polyline.d", sum(len([s for s in run if s["p99_ns"]]) > 1 for run in seconds)),
        "rate-over-time": ("polyline.r", sum(len(run) > 1 for run in seconds)),
        "cpu-over-time": ("polyline.r", len(readings)),
        "memory-over-time": ("polyline.r", len(readings)),
    }
    if above_bare:
        expected["latency-over-bare"] = ("circle", above_bare)
        expected["latency-ratio"] = ("circle", above_bare)
    return expected


def missing_charts(page: Page, report: dict) -> list[str]:
    """Charts that are not there as often as there are groups for them."""
    groups = groups_of(report)
    wanted = {kind: len(groups) for kind in GROUP_CHARTS}
    paired = sum(
        1 for cases in groups.values() if len(cases) > 1 and any(case["mesh"] == "bare" for case in cases)
    )
    wanted |= {kind: paired for kind in PAIRED_CHARTS}
    sweeps: dict[tuple[str, str], set[str]] = {}
    for group in groups:
        scenario, rate, duration = group.split("::")
        if rate != "limit":
            sweeps.setdefault((scenario, duration), set()).add(rate)
    wanted |= {kind: sum(len(rates) > 1 for rates in sweeps.values()) for kind in RATE_CHARTS}
    found = {kind: page.locator(f'figure[data-kind="{kind}"] svg').count() for kind in wanted}
    return [f"{kind}: {found[kind]} of {count} charts" for kind, count in wanted.items() if found[kind] != count]


def wrong_marks(page: Page, report: dict) -> list[str]:
    """Charts with another number of marks than there are values."""
    wrong = []
    for kind, (mark, count) in expected_marks(report).items():
        found = page.locator(f'figure[data-kind="{kind}"] svg {mark}').count()
        if found != count:
            wrong.append(f"{kind}: {found} marks ({mark}), expected {count}")
    return wrong


def too_wide(page: Page, width: int) -> list[str]:
    """What makes a person scroll sideways."""
    actual = page.evaluate("document.documentElement.scrollWidth")
    return [f"at {width} px the page is {actual} px wide"] if actual > width else []


def too_small(page: Page, width: int) -> list[str]:
    """Letters in charts that nobody could read."""
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll("figure svg")].map((svg) =>
            Number.parseFloat(getComputedStyle(svg.querySelector("text")).fontSize)
            * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"""
    )
    if smallest < SMALLEST_LETTERS_PX:
        return [f"at {width} px the letters of a chart are {smallest:.1f} px high"]
    return []


def hidden_by_legend(page: Page) -> list[str]:
    """The legend's first button hides its mesh's marks, and shows them again."""
    button = page.locator(".legend button").first
    mesh = button.get_attribute("data-mesh")
    mark = page.locator(f'figure[data-kind="latency-by-percentile"] svg circle.m{mesh}').first
    states = []
    for _ in range(2):
        states.append(mark.is_visible())
        button.click()
    states.append(mark.is_visible())
    return [] if states == [True, False, True] else [f"the legend's button for m{mesh} gave {states}"]


def hovering(page: Page) -> list[str]:
    """Pointing at a mark tells its mesh and value."""
    figure = page.locator('figure[data-kind="latency-by-percentile"]').first
    figure.locator("svg circle").first.hover(force=True)
    told = figure.locator(".readout").inner_text()
    return [] if "p50" in told and "s" in told else [f"pointing at the first mark says {told!r}"]


def look(page: Page, report: dict, width: int) -> list[str]:
    """Everything that is wrong with the page at one width."""
    wrong = missing_charts(page, report) + wrong_marks(page, report)
    if groups_of(report):
        wrong += too_small(page, width) + hidden_by_legend(page) + hovering(page)
    return wrong + too_wide(page, width)


def main() -> int:
    html, data = Path(sys.argv[1]).resolve(), json.loads(Path(sys.argv[2]).read_text())
    screenshots = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        print("no Chromium is on PATH: install one, or name it in CHROMIUM")
        return 1
    wrong: list[str] = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        for width in WIDTHS:
            for scheme in ["light", "dark"]:
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.on("console", lambda message: wrong.append(f"console: {message.text}"))
                page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
                page.on(
                    "request",
                    lambda request: None
                    if request.url.startswith(("file:", "data:"))
                    else wrong.append(f"asked for {request.url}"),
                )
                page.goto(html.as_uri())
                wrong += look(page, data, width)
                if screenshots:
                    screenshots.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=screenshots / f"{width}-{scheme}.png", full_page=True)
                page.close()
        browser.close()
    for line in dict.fromkeys(wrong):
        print(line)
    print(f"{html.name}: {len(dict.fromkeys(wrong))} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
