"""ResNet-50 in ONNX, and its shapes by onnx.shape_inference: what shapecheck's speed is compared with.

With a number as its argument it also prints the median CPU seconds of so many inferences.
"""

import statistics
import sys
import time

import onnx.shape_inference
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

nodes: list[NodeProto] = []
weights: list[ValueInfoProto] = []


def weight(name: str, shape: list[int]) -> str:
    weights.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return name


def node(op: str, name: str, inputs: list[str], **attributes: object) -> str:
    nodes.append(helper.make_node(op, inputs, [name], **attributes))
    return name


def conv(name: str, x: str, before: int, after: int, k: int, s: int = 1) -> str:
    kernel = weight(f"{name}.weight", [after, before, k, k])
    y = node("Conv", name, [x, kernel], kernel_shape=[k, k], strides=[s, s], pads=[k // 2] * 4)
    statistics = [weight(f"{name}.{part}", [after]) for part in ("scale", "shift", "mean", "variance")]
    return node("BatchNormalization", f"{name}.norm", [y, *statistics])


def relu(x: str) -> str:
    return node("Relu", f"{x}.relu", [x])


def build() -> ModelProto:
    x = relu(conv("stem", "image", 3, 64, 7, 2))
    x = node("MaxPool", "pool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (width, copies) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
        for copy in range(copies):
            name, stride = f"stage{stage}.{copy}", 2 if stage and not copy else 1
            y = relu(conv(f"{name}.narrow", x, channels, width, 1))
            y = relu(conv(f"{name}.middle", y, width, width, 3, stride))
            y = conv(f"{name}.widen", y, width, 4 * width, 1)
            skip = x if copy else conv(f"{name}.skip", x, channels, 4 * width, 1, stride)
            x, channels = relu(node("Add", f"{name}.add", [y, skip])), 4 * width
    x = node("Flatten", "flat", [node("GlobalAveragePool", "mean", [x])])
    x = node("Gemm", "scores", [x, weight("scores.weight", [channels, 1000]), weight("scores.bias", [1000])])
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])
    scores = helper.make_tensor_value_info(x, TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph(nodes, "resnet50", [image, *weights], [scores]))


def main() -> None:
    model = build()
    found = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    assert [size.dim_value for size in found.graph.output[0].type.tensor_type.shape.dim] == [1, 1000]
    if len(sys.argv) > 1:
        seconds = []
        for _ in range(int(sys.argv[1])):
            start = time.process_time()
            onnx.shape_inference.infer_shapes(model, strict_mode=True)
            seconds.append(time.process_time() - start)
        print(statistics.median(seconds))


if __name__ == "__main__":
    main()
