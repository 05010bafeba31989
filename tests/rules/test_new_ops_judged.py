"""No rule knows an op, but for those that are about one: under another name a layer is told the same of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lint_cases import CASES
from manual_pages import NAMES, examples
from texts import check_text
from twin_ops import PREFIX, twin_ops, with_twins

from shapecheck.findings.catalogue import RULES, Phase
from shapecheck.findings.selection import Selection

EVERYTHING = Selection(extend_select=("ALL",))
# Rules that are about some op, and what of them another op is not told.
ABOUT_AN_OP = {
    "activation-twice": "relu of relu, sigmoid of relu, and softplus with tanh, have words of their own",
    "adaptive-output-larger": "adaptive pooling repeats elements; other layers that enlarge are meant to",
    "reshape-for-permute": "it is reshape that is taken for permute",
    "same-input-twice": "x times x is a square",
    "unpool-without-pool": "max_unpool alone puts maxima back",
}
TEXTS = {f"{case.code} {case.why}": case.text for case in CASES} | {
    f"{name} {example.outcome}": example.text
    for name in NAMES
    for example in examples(name)
    if example.kind == "yaml" and RULES[name].phase in (Phase.PROPAGATED, Phase.JUDGED)
}


@pytest.fixture(autouse=True, scope="module")
def _twins() -> Iterator[None]:
    with twin_ops():
        yield


def told(text: str) -> list[tuple[str, ...]]:
    found = check_text(text, "twins.net.yaml", selection=EVERYTHING).diagnostics
    return [
        tuple(
            said.replace(PREFIX, "") for said in (d.rule.name, d.message, d.help or "", *(r.message for r in d.related))
        )
        for d in found
        if d.rule.name not in ABOUT_AN_OP
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_another_op_is_judged_alike(name: str) -> None:
    text = TEXTS[name]
    assert told(with_twins(text)) == told(text)


def test_nearly_every_rule_is_among_what_is_compared() -> None:
    spoken = {said[0] for text in TEXTS.values() for said in told(text)}
    judged = {name for name, rule in RULES.items() if rule.phase is Phase.JUDGED and rule.code[2] not in "59"}
    assert judged - spoken <= set(ABOUT_AN_OP) | {"no-constant-output-padding"}
    assert len(judged & spoken) > 35


@pytest.mark.parametrize("name", ABOUT_AN_OP)
def test_rules_about_an_op_are_so_for_a_reason(name: str) -> None:
    """A rule that no longer names an op has no place in the list."""
    texts = [text for case, text in TEXTS.items() if case.startswith((RULES[name].code, name))]
    selection = Selection(select=(name,))

    def messages(text: str) -> list[tuple[str, str | None]]:
        found = check_text(text, "twins.net.yaml", selection=selection).diagnostics
        return [(d.message.replace(PREFIX, ""), d.help and d.help.replace(PREFIX, "")) for d in found]

    assert any(messages(text) != messages(with_twins(text)) for text in texts)
