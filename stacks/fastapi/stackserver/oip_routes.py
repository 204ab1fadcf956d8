"""The Open Inference Protocol over REST: /v2 and below."""

from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response

from stackserver.batcher import Gone, Ticket
from stackserver.body import read_body
from stackserver.errors import RequestError
from stackserver.oip import BYTES, InferRequest, InputTensor, parse_request, render_response
from stackserver.service import Service
from stackserver.spec import TensorSpec
from stackserver.tensors import Element, Tensors

_HEADER_LENGTH = "inference-header-content-length"
_JPEG, _TEXT = "_jpeg", "_text"


def oip_router(service: Service) -> APIRouter:
    """The routes of one model under its names: `M`, and `M_jpeg` or `M_text`."""
    router = APIRouter(prefix="/v2")
    served = _Served(service)

    @router.post("/models/{model}/infer")
    @router.post("/models/{model}/versions/{version}/infer")
    async def infer(model: str, request: Request, version: str = "1") -> Response:
        served.check(model, version)
        asked = parse_request(await read_body(request), request.headers.get(_HEADER_LENGTH))
        outputs, ticket = await served.compute(model, asked, request.is_disconnected)
        body, header = render_response(model, asked, outputs, served.datatypes)
        service.answered(ticket)
        if header is None:
            return Response(body, media_type="application/json")
        return Response(body, media_type="application/octet-stream", headers={_HEADER_LENGTH: str(header)})

    @router.get("")
    async def server() -> dict[str, Any]:
        return {"name": "stackbench-fastapi", "version": "1", "extensions": ["binary_tensor_data"]}

    @router.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready")
    async def ready() -> Response:
        return _ready(service, {"ready": service.backend is not None})

    @router.get("/models/{model}")
    @router.get("/models/{model}/versions/{version}")
    async def metadata(model: str, version: str = "1") -> dict[str, Any]:
        return served.metadata(model, version)

    @router.get("/models/{model}/ready")
    @router.get("/models/{model}/versions/{version}/ready")
    async def model_ready(model: str, version: str = "1") -> Response:
        served.check(model, version)
        return _ready(service, {"name": model, "ready": service.backend is not None})

    return router


def _ready(service: Service, doc: dict[str, Any]) -> Response:
    return Response(orjson.dumps(doc), 200 if service.backend else 503, media_type="application/json")


class _Served:
    """The names under which the model is served, and what each takes."""

    def __init__(self, service: Service) -> None:
        spec = service.spec
        self._service = service
        self._inputs: dict[str, tuple[TensorSpec, ...]] = {spec.name: service.graph.inputs}
        if spec.image:
            self._inputs[spec.name + _JPEG] = (TensorSpec("IMAGE", BYTES, (-1, 1)),)
        if spec.text:
            self._inputs[spec.name + _TEXT] = (TensorSpec("TEXT", BYTES, (-1, 1)),)
        self.datatypes = {tensor.name: tensor.datatype for tensor in service.graph.outputs}

    def check(self, model: str, version: str) -> None:
        """Raises RequestError 404 for a model or a version that is not here."""
        if model not in self._inputs:
            raise RequestError(404, f"there is no model {model!r}; there are {', '.join(self._inputs)}")
        if version != "1":
            raise RequestError(404, f"model {model!r} has no version {version!r}; it has 1")

    def metadata(self, model: str, version: str) -> dict[str, Any]:
        """Open Inference Protocol metadata. Raises RequestError 404 as check does."""
        self.check(model, version)
        backend = self._service.backend
        return {
            "name": model,
            "versions": ["1"],
            "platform": backend.platform if backend else "",
            "inputs": [_described(tensor) for tensor in self._inputs[model]],
            "outputs": [_described(tensor) for tensor in self._service.graph.outputs],
        }

    async def compute(self, model: str, asked: InferRequest, gone: Gone) -> tuple[Tensors, Ticket]:
        """Runs the model under one of its names. Raises RequestError 400 if the tensors do not fit it."""
        graph = self._service.graph
        if model == self._service.spec.name:
            return await self._service.infer(_tensors(asked, graph.inputs), gone)
        elements = _column(asked, self._inputs[model][0])
        if model.endswith(_JPEG):
            rows, ticket = await self._service.classify(elements, gone)
        else:
            rows, _, ticket = await self._service.embed(_decoded(elements), gone)
        return {graph.outputs[0].name: rows}, ticket


def _described(tensor: TensorSpec) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _tensors(asked: InferRequest, specs: tuple[TensorSpec, ...]) -> Tensors:
    _check_names(asked, specs)
    tensors: Tensors = {}
    sizes: dict[int, int] = {}
    for spec in specs:
        given = asked.inputs[spec.name]
        _check(given, spec)
        # Axes of free size mean the same in each input: the batch, and the length of the texts.
        for axis, want in enumerate(spec.shape):
            if want == -1 and sizes.setdefault(axis, given.shape[axis]) != given.shape[axis]:
                raise RequestError(400, f"the inputs differ in axis {axis}")
        assert isinstance(given.values, np.ndarray)
        tensors[spec.name] = given.values
    if 0 in sizes.values():
        raise RequestError(400, "the inputs are empty")
    return tensors


def _column(asked: InferRequest, spec: TensorSpec) -> list[Element]:
    _check_names(asked, (spec,))
    given = asked.inputs[spec.name]
    if len(given.shape) == 1:
        given = InputTensor(given.name, given.datatype, (*given.shape, 1), given.values)
    _check(given, spec)
    assert isinstance(given.values, list)
    return given.values


def _check_names(asked: InferRequest, specs: tuple[TensorSpec, ...]) -> None:
    wanted = {spec.name for spec in specs}
    if set(asked.inputs) != wanted:
        raise RequestError(400, f"the inputs are {', '.join(sorted(asked.inputs))}, not {', '.join(sorted(wanted))}")


def _check(given: InputTensor, spec: TensorSpec) -> None:
    if given.datatype != spec.datatype:
        raise RequestError(400, f"input {spec.name!r} is {spec.datatype}, not {given.datatype}")
    fits = len(given.shape) == len(spec.shape) and all(
        want in (-1, have) for want, have in zip(spec.shape, given.shape, strict=True)
    )
    if not fits:
        raise RequestError(400, f"input {spec.name!r} has shape {list(given.shape)}, not {list(spec.shape)}")


def _decoded(elements: list[Element]) -> list[str]:
    try:
        return [str(element, "utf-8") for element in elements]
    except UnicodeDecodeError as err:
        raise RequestError(400, f"a text is not UTF-8: {err.reason}") from None
