"""The model: ONNX Runtime, all requests of a batch in one execution. Triton loads this file as it is."""

from __future__ import annotations  # Triton adds the types of requests after it has read this file

import json
from collections.abc import Sequence
from pathlib import Path

import triton_python_backend_utils as pb_utils
from numpy1 import require_numpy1
from stackserver.batcher import merge
from stackserver.onnx_backend import OnnxBackend
from stackserver.spec import FP32, WHOLE, load_spec
from stackserver.weights import check_weights


class TritonPythonModel:
    """One instance: one session with a fixed number of threads."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the graph that the configuration names, with its folder. What it raises, Triton logs."""
        require_numpy1()
        parameters = json.loads(args["model_config"])["parameters"]
        folder = Path(parameters["folder"]["string_value"])
        part, precision = (
            parameters[key]["string_value"] if key in parameters else usual
            for key, usual in (("graph", WHOLE), ("precision", FP32))
        )
        spec = load_spec(folder, precision)
        check_weights(folder)
        self._backend = OnnxBackend(folder, spec, "cpu", int(parameters["threads"]["string_value"]), part)
        self._inputs = [tensor.name for tensor in spec.graph(part).inputs]
        self._pad = {"input_ids": spec.text.pad_id} if spec.text else {}

    def execute(self, requests: Sequence[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """An answer a request, in their order; shorter texts are padded to the longest."""
        asked = [
            {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}
            for request in requests
        ]
        outputs = self._backend.run(merge(asked, self._pad))
        answers, start = [], 0
        for tensors in asked:
            end = start + len(tensors[self._inputs[0]])
            rows = [pb_utils.Tensor(name, values[start:end]) for name, values in outputs.items()]
            answers.append(pb_utils.InferenceResponse(output_tensors=rows))
            start = end
        return answers
