"""Networks, and the sizes at which they work, by hand."""

from __future__ import annotations

HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 64}\n"


def padded_unet(depth: int) -> str:
    down = [f"  - {{name: p{n}, op: max_pool, kernel_size: 2}}\n" for n in range(depth)]
    up = [
        f"  - {{name: u{n}, op: upsample, scale_factor: 2}}\n"
        f"  - {{name: j{n}, op: concat, from: [{f'p{n - 1}' if n else 'x'}, u{n}]}}\n"
        for n in reversed(range(depth))
    ]
    return HEAD + "layers:\n" + "".join(down) + "".join(up)


def valid_unet(like: bool) -> str:
    """The U-Net of 2015. ``like`` crops to what comes up; otherwise by the numbers that its sizes give."""
    layers, crops = "", {3: 4, 2: 16, 1: 40, 0: 88}

    def convs(name: str) -> str:
        return "".join(f"  - {{name: {name}{n}, op: conv, out_channels: 4, kernel_size: 3}}\n" for n in (1, 2))

    for n in range(4):
        layers += convs(f"e{n}_") + f"  - {{name: p{n}, op: max_pool, kernel_size: 2}}\n"
    layers += convs("bottom_")
    for n in reversed(range(4)):
        crop = f"like: u{n}" if like else f"cropping: [[{crops[n]}, {crops[n]}]]"
        layers += (
            f"  - {{name: u{n}, op: conv_transpose, out_channels: 4, kernel_size: 2, stride: 2, output_padding: 0}}\n"
            f"  - {{name: s{n}, op: crop, from: e{n}_2, {crop}}}\n"
            f"  - {{name: j{n}, op: concat, from: [s{n}, u{n}]}}\n" + convs(f"d{n}_")
        )
    return HEAD + "layers:\n" + layers


PYRAMID = (
    HEAD
    + "layers:\n"
    + "".join(
        f"  - {{name: p{k}, op: avg_pool, from: x, kernel_size: {k}}}\n"
        f"  - {{name: u{k}, op: upsample, scale_factor: {k}}}\n"
        for k in (2, 3, 4, 5, 6)
    )
    + "  - {op: concat, from: [x, u2, u3, u4, u5, u6]}\n"
)


ROUNDING = (
    HEAD
    + """layers:
  - {name: one, op: conv, out_channels: 4, kernel_size: 3, stride: 3, padding: 1}
  - {name: two, op: conv, out_channels: 4, kernel_size: 3, stride: 5, padding: 1}
  - {name: three, op: conv_transpose, out_channels: 4, kernel_size: 3, stride: 5, padding: 1, output_padding: 4}
  - {op: concat, from: [one, three]}
"""
)


HOURGLASSES = HEAD + (
    """
blocks:
  hourglass:
    params: {depth: null}
    layers:
      - {name: skip, op: conv, out_channels: 4, kernel_size: 3, padding: 1}
      - {name: pool, op: max_pool, from: input, kernel_size: 2}
      - {name: below, block: hourglass, when: =depth > 1, with: {depth: =depth - 1}}
      - {name: double, op: upsample, scale_factor: 2}
      - {op: add, from: [skip, double]}
layers:
  - {op: conv, out_channels: 4, kernel_size: 7, stride: 2, padding: 3}
  - {op: max_pool, kernel_size: 2}
  - {block: hourglass, repeat: 8, with: {depth: 4}}
"""
)


TOWER = HEAD + (
    """
blocks:
  level:
    params: {depth: null}
    layers:
      - {name: down, op: conv, out_channels: 4, kernel_size: 2, stride: 2}
      - {name: below, block: level, when: =depth > 1, with: {depth: =depth - 1}}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [input, up]}
layers:
  - {block: level, with: {depth: 64}}
"""
)


CONVS = (
    HEAD
    + """
blocks:
  conv: {layers: [{op: conv, out_channels: 4, kernel_size: 3}]}
layers:
  - {block: conv, repeat: 1000}
"""
)


# The stride product of this one is 2 to the power of 500, its period 2.
DOWN_AND_UP = (
    HEAD
    + """
blocks:
  wave: {layers: [{name: down, op: max_pool, kernel_size: 2}, {name: up, op: upsample, scale_factor: 2}]}
layers:
  - {name: waves, block: wave, repeat: 500}
  - {op: concat, from: [x, waves]}
"""
)


TABLE = {
    "U-Net of 2015, fixed crops": (valid_unet(False), "H >= 188 and H % 16 == 12", 700),
    "U-Net of 2015, crop to like": (valid_unet(True), "H >= 188", 700),
    "padded U-Net of depth 4": (padded_unet(4), "H % 16 == 0", 200),
    "padded U-Net of depth 8": (padded_unet(8), "H % 256 == 0", 600),
    "eight hourglasses of depth 4": (HOURGLASSES, "H >= 63 and H % 64 in {63, 0, 1, 2}", 300),
    "pyramid pooling 2, 3, 4, 5, 6": (PYRAMID, "H % 60 == 0", 300),
    "a thousand convolutions": (CONVS, "H >= 2001", 0),
    "conv s3, conv s5 and back": (ROUNDING, "H % 15 in {13, 14, 0}", 400),
    "sixty-four levels": (TOWER, "H % 18446744073709551616 == 0", 0),
    "a thousand layers down and up": (DOWN_AND_UP, "H % 2 == 0", 0),
}
