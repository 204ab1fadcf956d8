"""The builder of a graph skeleton: an ONNX graph whose weights lie in a safetensors file beside it.

Every weight is declared as ONNX external data in ``model.safetensors`` under its name in that file, with its
true length and offset 0; whoever prepares a model store replaces the offsets by those of the file at hand.
"""

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS_FILE = "model.safetensors"
OPSET = 17
IR_VERSION = 8
MAX_BYTES = 400_000

Attribute = int | float | str | list[int]


class Skeleton:
    """Collects nodes, external weights and small inline constants of one graph."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}
        self._constants: dict[str, onnx.TensorProto] = {}

    def input(self, name: str, datatype: int, shape: list[int | str]) -> str:
        """Declare a graph input; a string in the shape names a dynamic dimension."""
        self._inputs.append(helper.make_tensor_value_info(name, datatype, shape))
        return name

    def output(self, value: str, name: str, shape: list[int | str]) -> None:
        """Declare ``value`` as the float32 graph output ``name``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def expose(self, value: str, shape: list[int | str]) -> None:
        """Declare ``value`` as a float32 graph output under its own name, without a copy of it."""
        self._outputs.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, shape))

    def weight(self, name: str, *shape: int) -> str:
        """Declare the float32 tensor ``name`` of the safetensors file."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        length = 4 * math.prod(shape)
        for key, value in {"location": WEIGHTS_FILE, "offset": "0", "length": str(length)}.items():
            tensor.external_data.add(key=key, value=value)
        if name in self._weights and list(self._weights[name].dims) != list(shape):
            raise ValueError(f"tensor {name} is declared with two shapes")
        self._weights[name] = tensor
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        """Declare a small inline constant; the same name means the same value."""
        name = f"const/{name}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
        if name in self._constants and self._constants[name] != tensor:
            raise ValueError(f"constant {name} is declared with two values")
        self._constants[name] = tensor
        return name

    def index(self, value: int) -> str:
        """Declare an int64 constant without dimensions, as Gather and Range need."""
        name = f"const/index_{value}"
        self._constants[name] = numpy_helper.from_array(np.array(value, np.int64), name)
        return name

    def ints(self, *values: int) -> str:
        """Declare a 1-D int64 constant, as axes and shapes need."""
        return self.constant("i64_" + "_".join(map(str, values)), np.array(values, np.int64))

    def node(self, op: str, *inputs: str, name: str, **attributes: Attribute) -> str:
        """Add one node and return its only output, which carries the node's name."""
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def save(self, path: Path) -> None:
        """Check the graph and write it."""
        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, [*self._weights.values(), *self._constants.values()]
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="stackbench"
        )
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        data = model.SerializeToString(deterministic=True)
        if len(data) > MAX_BYTES:
            raise ValueError(f"{path.name} has {len(data)} bytes: a constant in it should be a weight")
        path.write_bytes(data)
