"""Every rule, once: code, name, severity, and the phase that it belongs to. The manual is ``docs/rules/CODE.md``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How grave a finding is. ``info`` never makes a command fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Phase(IntEnum):
    """How far a network has come on its way from text to answer; each phase needs those before it.

    ``READ``: the text is a file of the language. ``ASSEMBLED``: names are looked up and blocks placed.
    ``PROPAGATED``: every shape that can be known is known. ``JUDGED``: the rules have looked at the whole network.
    ``VERIFIED``: JAX has built it a second time.
    """

    READ = 1
    ASSEMBLED = 2
    PROPAGATED = 3
    JUDGED = 4
    VERIFIED = 5

    def __str__(self) -> str:
        return self.name.lower()


class Rule(NamedTuple):
    """What is fixed about a rule. ``phase`` is the one in which it is decided; ``default`` says whether it is on.

    A rule is asked once the phase before its own was reached. ``clean`` is the last phase in which no error may
    stand then, None where the rule is asked whatever was found: one that gives advice needs right shapes.
    """

    code: str
    name: str
    severity: Severity
    phase: Phase
    clean: Phase | None = None
    default: bool = True


ERROR, WARNING, INFO = Severity

_CATALOGUE = (
    Rule("SC001", "unreadable-file", ERROR, Phase.READ),
    Rule("SC002", "yaml-syntax", ERROR, Phase.READ),
    Rule("SC003", "empty-file", ERROR, Phase.READ),
    Rule("SC004", "file-too-large", ERROR, Phase.READ),
    Rule("SC005", "nesting-too-deep", ERROR, Phase.READ),
    Rule("SC006", "alias-expansion", ERROR, Phase.READ),
    Rule("SC007", "duplicate-key", ERROR, Phase.READ),
    Rule("SC008", "unknown-key", ERROR, Phase.READ),
    Rule("SC009", "missing-key", ERROR, Phase.READ),
    Rule("SC010", "wrong-type", ERROR, Phase.READ),
    Rule("SC011", "wrong-value", ERROR, Phase.READ),
    Rule("SC012", "contradicting-keys", ERROR, Phase.READ),
    Rule("SC013", "unknown-op", ERROR, Phase.READ),
    Rule("SC014", "unknown-version", ERROR, Phase.READ),
    Rule("SC015", "bad-expression", ERROR, Phase.READ),
    Rule("SC016", "unused-suppression", WARNING, Phase.READ),
    Rule("SC017", "wrong-suppression", WARNING, Phase.READ),
    Rule("SC101", "unknown-reference", ERROR, Phase.ASSEMBLED),
    Rule("SC102", "circle", ERROR, Phase.ASSEMBLED),
    Rule("SC103", "unused-layer", WARNING, Phase.ASSEMBLED, Phase.ASSEMBLED),
    Rule("SC104", "unused-block", WARNING, Phase.ASSEMBLED, Phase.ASSEMBLED),
    Rule("SC105", "unused-param", WARNING, Phase.ASSEMBLED, Phase.ASSEMBLED),
    Rule("SC106", "unused-input", WARNING, Phase.ASSEMBLED, Phase.ASSEMBLED),
    Rule("SC107", "unused-dimension", WARNING, Phase.ASSEMBLED, Phase.ASSEMBLED),
    Rule("SC108", "unknown-block", ERROR, Phase.ASSEMBLED),
    Rule("SC109", "unknown-param", ERROR, Phase.ASSEMBLED),
    Rule("SC110", "missing-param", ERROR, Phase.ASSEMBLED),
    Rule("SC111", "unknown-dimension", ERROR, Phase.ASSEMBLED),
    Rule("SC112", "duplicate-name", ERROR, Phase.ASSEMBLED),
    Rule("SC113", "name-clash", ERROR, Phase.ASSEMBLED),
    Rule("SC114", "missing-from", ERROR, Phase.ASSEMBLED),
    Rule("SC115", "wrong-number-of-inputs", ERROR, Phase.ASSEMBLED),
    Rule("SC116", "endless-block", ERROR, Phase.ASSEMBLED),
    Rule("SC117", "too-many-repeats", ERROR, Phase.ASSEMBLED),
    Rule("SC118", "too-many-layers", ERROR, Phase.ASSEMBLED),
    Rule("SC201", "wrong-rank", ERROR, Phase.PROPAGATED),
    Rule("SC202", "wrong-number-of-axes", ERROR, Phase.PROPAGATED),
    Rule("SC203", "size-below-one", ERROR, Phase.PROPAGATED),
    Rule("SC204", "kernel-exceeds-input", ERROR, Phase.PROPAGATED),
    Rule("SC205", "groups-do-not-divide", ERROR, Phase.PROPAGATED),
    Rule("SC206", "stated-size-differs", ERROR, Phase.PROPAGATED),
    Rule("SC207", "expectation-differs", ERROR, Phase.PROPAGATED),
    Rule("SC208", "merge-mismatch", ERROR, Phase.PROPAGATED),
    Rule("SC209", "reshape-count-differs", ERROR, Phase.PROPAGATED),
    Rule("SC210", "pool-padding-over-half", ERROR, Phase.PROPAGATED),
    Rule("SC211", "adaptive-output-larger", WARNING, Phase.JUDGED),
    Rule("SC212", "crop-too-large", ERROR, Phase.PROPAGATED),
    Rule("SC213", "channels-do-not-divide", ERROR, Phase.PROPAGATED),
    Rule("SC214", "size-does-not-divide", ERROR, Phase.PROPAGATED),
    Rule("SC215", "axis-out-of-range", ERROR, Phase.PROPAGATED),
    Rule("SC216", "padding-exceeds-input", ERROR, Phase.PROPAGATED),
    Rule("SC217", "squeeze-of-larger-axis", ERROR, Phase.PROPAGATED),
    Rule("SC218", "fold-count-differs", ERROR, Phase.PROPAGATED),
    Rule("SC219", "unpool-differs", ERROR, Phase.PROPAGATED),
    Rule("SC220", "dimension-without-size", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC221", "array-too-large", ERROR, Phase.PROPAGATED),
    Rule("SC222", "lookup-of-floats", ERROR, Phase.JUDGED),
    Rule("SC301", "output-padding-out-of-range", ERROR, Phase.PROPAGATED),
    Rule("SC302", "ambiguous-transposed-size", ERROR, Phase.PROPAGATED),
    Rule("SC303", "output-padding-at-least-stride", WARNING, Phase.JUDGED),
    Rule("SC304", "output-size-unreachable", ERROR, Phase.PROPAGATED),
    Rule("SC305", "transpose-of-not-a-convolution", ERROR, Phase.PROPAGATED),
    Rule("SC306", "pair-broken", ERROR, Phase.JUDGED),
    Rule("SC307", "uneven-overlap", WARNING, Phase.JUDGED),
    Rule("SC308", "floored-padding", WARNING, Phase.JUDGED),
    Rule("SC309", "transposed-output-cropped", INFO, Phase.JUDGED),
    Rule("SC310", "unpool-without-pool", WARNING, Phase.JUDGED),
    Rule("SC311", "no-constant-output-padding", ERROR, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC401", "unread-input", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC402", "same-with-stride", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC403", "even-kernel-half-padding", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC404", "dilation-gridding", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC405", "padding-wider-than-kernel", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC406", "stride-larger-than-kernel", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC407", "mixed-ceil-and-floor", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC408", "misaligned-branches", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC409", "unproductive-layers", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC410", "collapsed-axis", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC411", "broadcast-both-ways", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC412", "accidental-anisotropy", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC413", "layout-suspected", WARNING, Phase.JUDGED),
    Rule("SC414", "taps-in-padding", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC415", "swapped-padding", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC416", "missing-batch-axis", WARNING, Phase.JUDGED),
    Rule("SC417", "none-as-dimension", WARNING, Phase.JUDGED),
    Rule("SC418", "reshape-for-permute", WARNING, Phase.JUDGED),
    Rule("SC419", "uneven-crop", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC501", "promise-broken", ERROR, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC502", "promise-too-narrow", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC503", "no-size-works", ERROR, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC504", "neighbour-works", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC505", "bounded-above", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC506", "sizes-not-decided", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC507", "valid-sizes", INFO, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC601", "bias-before-normalisation", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC602", "activation-twice", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC603", "linear-without-activation", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC604", "dropout-before-batch-norm", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC605", "norm-of-one-value", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC606", "depthwise-without-pointwise", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC607", "representational-bottleneck", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC608", "concentrated-parameters", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC609", "activated-output", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC610", "layers-without-effect", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC611", "softmax-of-one", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC612", "layer-does-nothing", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC613", "acts-on-width", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC614", "same-input-twice", WARNING, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC615", "output-by-accident", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC621", "widths-shrink", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC622", "convolutions-per-stage", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC701", "ceil-mode-differs", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC702", "unset-output-padding-differs", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC703", "caffe-rounds-up", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC704", "jax-transposed-padding", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC705", "same-padding-differs", INFO, Phase.JUDGED, Phase.PROPAGATED, default=False),
    Rule("SC706", "refused-by-pytorch", INFO, Phase.JUDGED, Phase.PROPAGATED),
    Rule("SC801", "witness-disagrees", ERROR, Phase.VERIFIED),
    Rule("SC802", "not-finite", ERROR, Phase.VERIFIED),
    Rule("SC803", "no-gradient", WARNING, Phase.VERIFIED),
    Rule("SC804", "numbers-differ", ERROR, Phase.VERIFIED),
    Rule("SC901", "unknown-mesh-axis", ERROR, Phase.JUDGED),
    Rule("SC902", "mesh-axis-twice", ERROR, Phase.JUDGED),
    Rule("SC903", "unused-mesh-axis", WARNING, Phase.JUDGED, Phase.ASSEMBLED),
    Rule("SC904", "uneven-sharding", ERROR, Phase.JUDGED),
    Rule("SC905", "uneven-shards", WARNING, Phase.JUDGED),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _CATALOGUE}
