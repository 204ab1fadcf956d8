"""The loop: greedy decoding of a static batch, a chunk of text for each token."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stackserver.errors import RequestError
from stackserver.generation.generator import Generator
from stackserver.generation.tokens import PromptTokenizer
from stackserver.spec import ModelSpec

Finish = Literal["stop", "length"]


@dataclass(slots=True)
class Order:
    """What to generate from, and how much."""

    prompt: Sequence[int]
    max_tokens: int
    ignore_eos: bool = False  # the token that ends an answer does not end it
    min_tokens: int = 0  # before them, that token is not chosen at all
    cancelled: bool = False  # may be set at any time, by any thread: the answer ends with the token under way


@dataclass(frozen=True, slots=True)
class Chunk:
    """A token of an answer, or its end."""

    text: str  # maybe empty: a part of a character, or a special token
    tokens: int  # 1, or 0 where the model ended the answer: that token is none of it
    finish: Finish | None  # of the last chunk


def check(spec: ModelSpec, order: Order) -> None:
    """Raises RequestError 400 if prompt and answer together do not fit the model's context."""
    assert spec.decoder is not None
    prompt, context = len(order.prompt), spec.decoder.context
    if prompt == 0:
        raise RequestError(400, "the prompt has no tokens")
    if prompt + order.max_tokens > context:
        total = f"{prompt} tokens of the prompt and {order.max_tokens} of max_tokens"
        raise RequestError(400, f"{total} are {prompt + order.max_tokens}; {spec.name} has a context of {context}")


def generate(
    generator: Generator, tokenizer: PromptTokenizer, spec: ModelSpec, orders: Sequence[Order]
) -> Iterator[list[Chunk | None]]:
    """Yields a list for each step of the decoder: a chunk for each order, None where its answer has ended.

    The batch is static: it is computed until its longest answer has ended, and who ended sooner is computed
    on, since to take a row out means to copy the cache.
    """
    assert spec.text is not None and spec.decoder is not None
    rows = [_Row(tokenizer, order, spec.decoder.eos) for order in orders]
    prompts = [order.prompt for order in orders]

    def never() -> np.ndarray:
        return np.array([row.never() for row in rows], np.int64)

    for tokens in _steps(generator, prompts, spec.text.pad_id, spec.decoder.context, never):
        yield [row.add(token) for row, token in zip(rows, tokens.tolist(), strict=True)]
        if not any(row.goes_on() for row in rows):
            return


def _steps(
    generator: Generator,
    prompts: Sequence[Sequence[int]],
    pad_id: int,
    context: int,
    never: Callable[[], np.ndarray],
) -> Iterator[np.ndarray]:
    """The next token of each row, int64 [batch], for as long as somebody asks."""
    width = max(len(prompt) for prompt in prompts)
    ids = np.full((len(prompts), width), pad_id, np.int64)
    mask = np.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded on the left, so that all go on in the same column
        ids[row, width - len(prompt) :] = prompt
        mask[row, width - len(prompt) :] = 1
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
    cache = None
    while True:
        tokens, cache = generator.step(ids, mask, positions, cache, never())
        yield tokens
        ids = tokens.reshape(-1, 1)
        mask = np.concatenate([mask, np.ones_like(ids)], axis=1)
        # Rows that ended are computed on, maybe past the last position that the model has.
        positions = np.minimum(positions[:, -1:] + 1, context - 1)


class _Row:
    """One order of the batch."""

    def __init__(self, tokenizer: PromptTokenizer, order: Order, eos: int) -> None:
        self._order = order
        self._eos = eos
        self._left = order.max_tokens
        self._text = tokenizer.detokenizer()

    def goes_on(self) -> bool:
        return self._left > 0 and not self._order.cancelled

    def never(self) -> int:
        """The token that must not come next, below zero when all may."""
        return self._eos if self._order.max_tokens - self._left < self._order.min_tokens else -1

    def add(self, token: int) -> Chunk | None:
        if not self.goes_on():
            return None
        if token == self._eos and not self._order.ignore_eos:
            self._left = 0
            return Chunk(self._text.end(), 0, "stop")
        self._left -= 1
        text = self._text.add(token)
        if self._left == 0:
            return Chunk(text + self._text.end(), 1, "length")
        return Chunk(text, 1, None)
