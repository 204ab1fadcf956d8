"""From texts to token ids. Triton loads this file as it is."""

from __future__ import annotations  # Triton adds the types of requests after it has read this file

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy1 import require_numpy1
from stackserver.spec import load_spec
from stackserver.text import TextPreprocessor


class TritonPythonModel:
    """Tokenises, one request at a time."""

    def initialize(self, args: dict[str, str]) -> None:
        """Reads the model's tokenizer."""
        require_numpy1()
        parameters = json.loads(args["model_config"])["parameters"]
        folder = Path(parameters["folder"]["string_value"])
        spec = load_spec(folder)
        assert spec.text is not None
        self._text = TextPreprocessor(folder, spec.text, spec.graph().inputs)
        self._fill = {"input_ids": spec.text.pad_id}
        self._multiple = int(parameters["multiple"]["string_value"]) if "multiple" in parameters else 1

    def execute(self, requests: Sequence[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """TEXT, bytes [n, 1], becomes the model's inputs, int64 [n, longest or the next multiple] each."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: pb_utils.InferenceRequest) -> pb_utils.InferenceResponse:
        texts = pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy().reshape(-1)
        try:
            tensors = self._text.tensors([text.decode() for text in texts])
        except UnicodeDecodeError as err:
            fault = pb_utils.TritonError(f"the text is not UTF-8: {err}", pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=fault)
        rows = [
            pb_utils.Tensor(name, self._padded(values, self._fill.get(name, 0))) for name, values in tensors.items()
        ]
        return pb_utils.InferenceResponse(output_tensors=rows)

    def _padded(self, values: np.ndarray, fill: int) -> np.ndarray:
        """Fills rows up to a multiple of tokens, so that requests of about one length are of one length."""
        return np.pad(values, ((0, 0), (0, -values.shape[1] % self._multiple)), constant_values=fill)
