"""The page: complete, self-contained, escaped, small, the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from amounts import sampled
from sample_pages import EVIL, EXAMPLES, ROOT, Elements, example, island, long_network, page
from steps import within
from texts import check_file, check_text

from shapecheck.findings.catalogue import Severity
from shapecheck.verification import Disagreement, NotChecked, Verification

ALL = sorted(
    [*EXAMPLES.glob("*.net.yaml"), *EXAMPLES.glob("broken/*.net.yaml"), *ROOT.glob("tests/networks/*.net.yaml")]
)


@pytest.mark.parametrize("path", sampled(ALL), ids=lambda path: path.name.partition(".")[0])
def test_every_network_has_a_page_that_needs_nothing_else(path: Path) -> None:
    report = check_file(str(path))
    text = page(report)
    assert len(text) < 2_000_000
    elements = Elements(text)
    assert sum(tag == "script" for tag, _ in elements.tags) == 2
    for tag, attributes in elements.tags:
        assert tag not in ("iframe", "object", "embed", "img", "base", "form")
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href", "action", "data", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    assert not re.search(r"@import|url\((?!#)", text)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", text.replace(report.text, "")))
    assert addresses <= {"http://www.w3.org/2000/svg"}, addresses
    for d in report.diagnostics:
        assert d.code in text


def test_what_a_user_wrote_is_never_markup() -> None:
    report = check_text(EVIL, "<b>evil</b>.net.yaml")
    assert not report.ok and report.network is not None
    text = page(report)
    elements = Elements(text)
    tags = {tag for tag, _ in elements.tags}
    assert not tags & {"img", "i", "u"}
    assert sum(tag == "script" for tag, _ in elements.tags) == 2
    raw = text[text.index('id="data">') + 10 : text.index("</script>")]
    assert "<" not in raw and "\\u003c" in raw
    names = {node["n"] for node in island(text)["nodes"]}
    assert {"<script>", "</script><img src=x onerror=alert(1)>", "{{ 7 * 7 }}${7*7}<!--"} <= names
    assert "&lt;b&gt;evil&lt;/b&gt;" in text


def test_there_is_no_markup_in_python() -> None:
    for name in ("report", "figures"):
        for path in (ROOT / "shapecheck" / name).glob("*.py"):
            assert not re.search(r"""["'(]\s*</?[a-z]+[\s>]""", path.read_text(encoding="utf-8")), path


def test_resnet_is_well_below_two_megabytes() -> None:
    assert len(page(example("resnet50")).encode()) < 600_000


@pytest.mark.slow
def test_five_thousand_layers() -> None:
    report = long_network(5000)
    text = within(10_000_000, lambda: page(report))
    assert len(text) < 5_000_000
    data = island(text)
    assert len(data["nodes"]) == 5001
    assert not any(group["open"] for group in data["groups"])
    assert 50 <= len(data["groups"]) <= 100
    assert text.count('class="later"') > 4000


def test_the_page_does_not_depend_on_the_run() -> None:
    code = (
        "import sys, shapecheck;sys.stdout.buffer.write(shapecheck.report_page(shapecheck.load(sys.argv[1])).encode())"
    )
    pages = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        path = "examples/broken/unet_700.net.yaml"
        done = subprocess.run(
            [sys.executable, "-c", code, path], env=environment, capture_output=True, check=True, cwd=ROOT
        )
        pages.add(done.stdout)
    assert len(pages) == 1


def test_the_verdict_says_what_was_and_was_not_checked() -> None:
    report = example("resnet50")
    text = page(report)
    assert "All shapes of 175 layers fit; not proved by JAX." in text
    assert "not checked: JAX was not asked" in text

    report.verification = Verification("compile", "cpu", "proved", 175, (), (), {"N": 1}, 1.0)
    text = page(report)
    assert "Proved: all shapes of 175 layers fit, and JAX agrees." in text
    assert "compiled by XLA for cpu, all 175 layers agree" in text

    wrong = (Disagreement("pool", (1, 2), None, "JAX <refuses>"),)
    report.verification = Verification("trace", "cpu", "refuted", 174, wrong, (), {}, 1.0)
    text = page(report)
    assert "Refuted" in text and "JAX says refused: JAX &lt;refuses&gt;" in text

    report.verification = Verification("trace", "cpu", "not_checked", 0, (), (NotChecked(None, "no device"),), {}, 1.0)
    assert "not checked: no device" in page(report)


def test_a_broken_network_says_so_first() -> None:
    report = check_file(str(EXAMPLES / "broken" / "unet_700.net.yaml"))
    text = page(report)
    assert "This network does not fit together: 1 error." in text
    assert next(d.severity for d in report.diagnostics) is not Severity.ERROR
    assert text.index('class="finding error"') < text.index('class="finding note"')
    assert "^^^^" in text
    assert "does not work" in text


def test_sizes_that_are_not_given_are_said_to_be_open() -> None:
    layer = "{op: conv, out_channels: 4, kernel_size: 3, stride: 2}"
    text = f"shapecheck: 1\ninputs: {{x: [N, 3, H, W]}}\nlayers: [{layer}]\n"
    shown = page(check_text(text, "x.net.yaml"))
    assert "some sizes are not given" in shown
    assert "H &gt;= 3" in shown


def test_pairs_and_strips() -> None:
    shown = page(check_file(str(EXAMPLES / "autoencoder.net.yaml")))
    assert "Encoder against decoder" in shown and "Coming up" in shown
    assert shown.index('style="--depth: 0"') < shown.index('style="--depth: 1"'), "the outermost pair first"
    strip = page(check_file(str(EXAMPLES / "unet_2015.net.yaml")))
    assert strip.count('aria-current="true"') == 2
    assert "556 below, 588 above" in strip


def colours(text: str, dark: bool) -> dict[str, str]:
    """Return the custom properties of a style sheet for one theme."""
    found: dict[str, str] = {}
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
        if "--" in body and "print" not in selector and ('"dark"' in selector) is dark and "not(" not in selector:
            found |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", body))
    return found


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_colours_have_contrast(dark: bool) -> None:
    sheet = (files("shapecheck.report") / "static" / "page.css").read_text(encoding="utf-8")
    found = colours(sheet, dark)
    for name in ("ink", "soft", "link", "ok", "fail", "warn", "note"):
        for ground in ("ground", "raised"):
            assert contrast(found[name], found[ground]) >= 4.5, (name, ground, dark)
    for name in ("input", "output"):
        assert contrast(found[name], found["ground"]) >= 3, (name, dark)
    assert contrast(found["ink"], found["hit"]) >= 4.5

    figure = (files("shapecheck.figures") / "figure.css").read_text(encoding="utf-8")
    drawn = colours(figure, dark)
    for ground in ("fig-paper", "fig-blank", "fig-extra"):
        assert contrast(drawn["fig-ink"], drawn[ground]) >= 4.5, (ground, dark)
    for ground in ("fig-in", "fig-out"):
        assert contrast("#06222e", drawn[ground]) >= 3.5, (ground, dark)
    assert contrast(drawn["fig-line"], drawn["fig-paper"]) >= 3


def test_the_layout_library_brings_its_licence() -> None:
    text = page(example("lenet5"))
    assert "Permission is hereby granted" in text and "sourceMappingURL" not in text
