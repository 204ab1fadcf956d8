"""The Open Inference Protocol's tensors, as JSON and by the binary tensor extension, from and to numpy.

The extension puts raw little-endian tensors behind the JSON part, in the order of the tensors that have
`parameters.binary_data_size`; BYTES are a 32-bit length and the bytes, an element at a time.
"""

import struct
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import orjson

from stackserver.errors import RequestError
from stackserver.tensors import Element

BYTES = "BYTES"
_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
_JSON_KINDS = {"FP32": "iuf", "INT64": "i"}  # numpy's kinds of number that a JSON tensor may hold
_FIELDS = (("name", str), ("datatype", str), ("shape", list))


@dataclass(frozen=True, slots=True)
class InputTensor:
    """A tensor as it came. values is an array of that shape, or for BYTES the elements in a flat list."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: np.ndarray | list[Element]


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request as it came. outputs has the wanted ones, name to whether as binary; empty: all of them."""

    id: str | None
    inputs: dict[str, InputTensor]
    outputs: dict[str, bool]
    binary: bool  # of outputs that are not named


def parse_request(body: bytearray, header_length: str | None) -> InferRequest:
    """Reads an inference request; header_length is Inference-Header-Content-Length's value, if there is one.

    Raises RequestError 400 for all that is not such a request.
    """
    view = memoryview(body)
    length = _header_length(header_length, len(body))
    try:
        doc = orjson.loads(view[:length])
    except orjson.JSONDecodeError as err:
        raise RequestError(400, f"the request is not JSON: {err}") from None
    if not isinstance(doc, dict) or not isinstance(doc.get("inputs"), list) or not doc["inputs"]:
        raise RequestError(400, 'the request is not an object with a list of "inputs"')
    request_id = doc.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise RequestError(400, '"id" is not a string')
    inputs, rest = _inputs(doc["inputs"], view[length:])
    if len(rest):
        raise RequestError(400, f"{len(rest)} bytes follow the last binary tensor")
    binary = _parameters(doc).get("binary_data_output", False) is True
    return InferRequest(request_id, inputs, _outputs(doc.get("outputs"), binary), binary)


def _header_length(value: str | None, size: int) -> int:
    if value is None:
        return size
    if not value.isascii() or not value.isdigit() or int(value) > size:
        raise RequestError(400, f"Inference-Header-Content-Length is {value!r}, and the body has {size} bytes")
    return int(value)


def _inputs(docs: list[Any], binary: memoryview) -> tuple[dict[str, InputTensor], memoryview]:
    tensors: dict[str, InputTensor] = {}
    for doc in docs:
        name, datatype, shape = _described(doc)
        if name in tensors:
            raise RequestError(400, f"input {name!r} is there twice")
        size = _parameters(doc).get("binary_data_size")
        if size is None:
            values = _from_json(name, datatype, shape, doc.get("data"))
        elif not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(binary):
            raise RequestError(400, f"input {name!r} has binary_data_size {size!r}, with {len(binary)} bytes left")
        else:
            values = _from_binary(name, datatype, shape, binary[:size])
            binary = binary[size:]
        tensors[name] = InputTensor(name, datatype, shape, values)
    return tensors, binary


def _described(doc: Any) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(doc, dict) or not all(isinstance(doc.get(key), kind) for key, kind in _FIELDS):
        raise RequestError(400, 'an input is an object with "name", "datatype" and "shape"')
    name, datatype, shape = doc["name"], doc["datatype"], doc["shape"]
    if not all(type(n) is int and n >= 0 for n in shape):
        raise RequestError(400, f"input {name!r} has shape {shape}; sizes are whole numbers from 0")
    if datatype != BYTES and datatype not in _DTYPES:
        raise RequestError(400, f"input {name!r} is {datatype}; served are {BYTES}, {', '.join(_DTYPES)}")
    return name, datatype, tuple(shape)


def _from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> np.ndarray | list[Element]:
    if not isinstance(data, list):
        raise RequestError(400, f'input {name!r} has neither "data" nor parameters.binary_data_size')
    if datatype == BYTES:
        return _strings(name, shape, data)
    try:
        values = np.array(data) if data else np.empty(0, _DTYPES[datatype])
    except (ValueError, OverflowError):
        raise RequestError(400, f"input {name!r} is ragged") from None
    if values.size and values.dtype.kind not in _JSON_KINDS[datatype]:
        raise RequestError(400, f"input {name!r} is {datatype}, and its data is not")
    with np.errstate(over="ignore"):
        return _shaped(name, shape, values.astype(_DTYPES[datatype]))


def _strings(name: str, shape: tuple[int, ...], data: list[Any]) -> list[Element]:
    flat: list[Any] = data
    for _ in shape[1:]:
        if all(isinstance(part, list) for part in flat):
            flat = [item for part in flat for item in part]
    if not all(isinstance(item, str) for item in flat):
        raise RequestError(400, f"input {name!r} is BYTES: its data is strings, which are taken literally")
    if len(flat) != prod(shape):
        raise _wrong_size(name, shape, len(flat))
    try:
        return [item.encode() for item in flat]
    except UnicodeEncodeError:
        raise RequestError(400, f"input {name!r} holds half a surrogate pair") from None


def _from_binary(name: str, datatype: str, shape: tuple[int, ...], raw: memoryview) -> np.ndarray | list[Element]:
    if datatype == BYTES:
        return _elements(name, shape, raw)
    dtype = _DTYPES[datatype]
    if len(raw) % dtype.itemsize:
        raise RequestError(400, f"input {name!r} has {len(raw)} bytes, not whole {datatype} values")
    # A view where the JSON part's length leaves the tensor aligned, else a copy: runtimes may rely on it.
    return np.require(_shaped(name, shape, np.frombuffer(raw, dtype)), requirements="A")


def _elements(name: str, shape: tuple[int, ...], raw: memoryview) -> list[Element]:
    elements: list[Element] = []
    at = 0
    while at < len(raw):
        if len(raw) - at < 4:
            raise RequestError(400, f"input {name!r} ends inside an element's length")
        (size,) = struct.unpack_from("<I", raw, at)
        at += 4
        if size > len(raw) - at:
            raise RequestError(400, f"input {name!r} has an element of {size} bytes, with {len(raw) - at} left")
        elements.append(raw[at : at + size])
        at += size
    if len(elements) != prod(shape):
        raise _wrong_size(name, shape, len(elements))
    return elements


def _shaped(name: str, shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    if values.size != prod(shape):
        raise _wrong_size(name, shape, values.size)
    return values.reshape(shape)


def _wrong_size(name: str, shape: tuple[int, ...], size: int) -> RequestError:
    return RequestError(400, f"input {name!r} has shape {list(shape)} and {size} values")


def _outputs(docs: Any, binary: bool) -> dict[str, bool]:
    if docs is None:
        return {}
    if not isinstance(docs, list) or not all(isinstance(d, dict) and isinstance(d.get("name"), str) for d in docs):
        raise RequestError(400, '"outputs" is not a list of objects with a "name"')
    return {doc["name"]: _parameters(doc).get("binary_data", binary) is True for doc in docs}


def _parameters(doc: dict[str, Any]) -> dict[str, Any]:
    parameters = doc.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RequestError(400, '"parameters" is not an object')
    return parameters


def render_response(
    model: str, request: InferRequest, outputs: dict[str, np.ndarray], datatypes: dict[str, str]
) -> tuple[bytes, int | None]:
    """The answer's body and the length of its JSON part, None if all of it is JSON.

    Raises RequestError 400 if the request names an output that is not there.
    """
    described: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for name, binary in (request.outputs or dict.fromkeys(outputs, request.binary)).items():
        if name not in outputs:
            raise RequestError(400, f"there is no output {name!r}; there are {', '.join(outputs)}")
        values = outputs[name]
        tensor: dict[str, Any] = {"name": name, "datatype": datatypes[name], "shape": values.shape}
        if binary:
            tensor["parameters"] = {"binary_data_size": values.nbytes}
            raw.append(values.tobytes())
        else:
            tensor["data"] = values.ravel()
        described.append(tensor)
    doc: dict[str, Any] = {"model_name": model, "model_version": "1", "outputs": described}
    if request.id is not None:
        doc["id"] = request.id
    header = orjson.dumps(doc, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join([header, *raw]), len(header)) if raw else (header, None)
