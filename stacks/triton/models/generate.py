"""Generated text, a response a token: the tensors are those of Triton's vLLM backend. Triton loads this file as it is."""

from __future__ import annotations  # Triton adds the types of requests after it has read this file

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy1 import require_numpy1
from stackserver.errors import RequestError, first_line
from stackserver.generation.greedy import Chunk, Order, check, generate
from stackserver.generation.onnx_generator import OnnxGenerator
from stackserver.generation.tokens import PromptTokenizer
from stackserver.spec import FP32, load_spec
from stackserver.weights import check_weights


class TritonPythonModel:
    """One decoder for several answers at a time, each alone in a thread.

    Execute returns only when there is a thread for the next request, so that one that must wait does so in
    Triton's queue, where it is counted.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the model whose folder the configuration names, and generates a first text."""
        require_numpy1()
        parameters = json.loads(args["model_config"])["parameters"]
        folder = Path(parameters["folder"]["string_value"])
        precision = parameters["precision"]["string_value"] if "precision" in parameters else FP32
        self._spec = load_spec(folder, precision)
        check_weights(folder)
        self._generator = OnnxGenerator(folder, self._spec, "cpu", int(parameters["threads"]["string_value"]))
        self._tokenizer = PromptTokenizer(folder)
        warm = Order(self._tokenizer.encode("A first text"), 4, ignore_eos=True)
        list(generate(self._generator, self._tokenizer, self._spec, [warm]))
        most = int(parameters["generations"]["string_value"])
        self._free = Semaphore(most - 1)
        self._threads = ThreadPoolExecutor(most)

    def execute(self, requests: Sequence[pb_utils.InferenceRequest]) -> None:
        """Begins an answer a request."""
        for request in requests:
            sender = request.get_response_sender()
            try:
                order = self._order(request)
            except RequestError as err:
                _end(sender, pb_utils.TritonError(err.message, pb_utils.TritonError.INVALID_ARG))
                continue
            self._threads.submit(self._answer, order, sender)
            self._free.acquire()

    def finalize(self) -> None:
        """Lets the answers under way end."""
        self._threads.shutdown()

    def _order(self, request: pb_utils.InferenceRequest) -> Order:
        """What is asked for. Raises RequestError 400."""
        stream = pb_utils.get_input_tensor_by_name(request, "stream")
        if stream is None or not stream.as_numpy().reshape(-1)[0]:
            raise RequestError(400, "stream: only true, a response a token")
        sampling = pb_utils.get_input_tensor_by_name(request, "sampling_parameters")
        asked = _sampling(_text(sampling) if sampling is not None else "{}")
        prompt = self._tokenizer.encode(_text(pb_utils.get_input_tensor_by_name(request, "text_input")))
        order = Order(prompt, asked["max_tokens"], asked["ignore_eos"], asked["min_tokens"])
        check(self._spec, order)
        return order

    def _answer(self, order: Order, sender: Any) -> None:
        """In a thread: sends each token as it is computed."""
        try:
            for (chunk,) in generate(self._generator, self._tokenizer, self._spec, [order]):
                if chunk is None:
                    break
                if sender.is_cancelled():
                    order.cancelled = True
                    break
                sender.send(_response(chunk, len(order.prompt)))
            _end(sender)
        except Exception as err:  # noqa: BLE001 - what a runtime raises is its own affair
            _end(sender, pb_utils.TritonError(f"the model failed: {first_line(err)}"))
        finally:
            self._free.release()


def _text(tensor: pb_utils.Tensor) -> str:
    try:
        return tensor.as_numpy().reshape(-1)[0].decode()
    except UnicodeDecodeError as err:
        raise RequestError(400, f"{tensor.name()} is not UTF-8: {err}") from None


def _sampling(text: str) -> dict[str, Any]:
    """sampling_parameters, with what they lack. Raises RequestError 400 on what greedy decoding does not do."""
    try:
        asked = json.loads(text)
    except ValueError as err:
        raise RequestError(400, f"sampling_parameters: {err}") from None
    if not isinstance(asked, dict):
        raise RequestError(400, "sampling_parameters: not an object")
    asked = {"max_tokens": 16, "min_tokens": 0, "ignore_eos": False, "temperature": 0} | asked
    if type(asked["max_tokens"]) is not int or asked["max_tokens"] < 1:
        raise RequestError(400, "max_tokens: a number of tokens, at least 1")
    if type(asked["min_tokens"]) is not int or type(asked["ignore_eos"]) is not bool:
        raise RequestError(400, "min_tokens, ignore_eos: a number of tokens, and true or false")
    if asked["temperature"] not in (None, 0):
        raise RequestError(400, "temperature: only 0, greedy decoding")
    if asked["min_tokens"] > asked["max_tokens"]:
        raise RequestError(400, "min_tokens: at most max_tokens")
    return asked


def _response(chunk: Chunk, prompt: int) -> pb_utils.InferenceResponse:
    values = {
        "text_output": np.array([chunk.text.encode()], np.object_),
        "finish_reason": np.array([(chunk.finish or "None").encode()], np.object_),
        "num_input_tokens": np.array([prompt], np.uint32),
        "num_output_tokens": np.array([chunk.tokens], np.uint32),
    }
    return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(name, value) for name, value in values.items()])


def _end(sender: Any, error: pb_utils.TritonError | None = None) -> None:
    last = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
    if error is None:
        sender.send(flags=last)
    else:
        sender.send(pb_utils.InferenceResponse(output_tensors=[], error=error), flags=last)
