"""From JPEG files to pixels. Triton loads this file as it is."""

from __future__ import annotations  # Triton adds the types of requests after it has read this file

import json
from collections.abc import Sequence
from pathlib import Path

import triton_python_backend_utils as pb_utils
from numpy1 import require_numpy1
from stackserver.errors import RequestError
from stackserver.image import ImagePreprocessor
from stackserver.spec import load_spec


class TritonPythonModel:
    """Decodes, crops, scales and normalises, one request at a time."""

    def initialize(self, args: dict[str, str]) -> None:
        """Reads what the model wants of a picture."""
        require_numpy1()
        parameters = json.loads(args["model_config"])["parameters"]
        spec = load_spec(Path(parameters["folder"]["string_value"]))
        assert spec.image is not None
        self._image = ImagePreprocessor(spec.image)
        self._output = spec.graph().inputs[0].name

    def execute(self, requests: Sequence[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """IMAGE, bytes [n, 1], becomes the model's input, float32 [n, 3, size, size]."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: pb_utils.InferenceRequest) -> pb_utils.InferenceResponse:
        files = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy().reshape(-1)
        pixels = self._image.empty(len(files))
        try:
            for file, room in zip(files, pixels, strict=True):
                self._image.fill(file, room)
        except RequestError as err:
            fault = pb_utils.TritonError(err.message, pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=fault)
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(self._output, pixels)])
