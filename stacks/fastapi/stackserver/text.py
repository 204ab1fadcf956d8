"""From texts to the tensors of a model, by the model's own tokenizer.json."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from stackserver.errors import SetupError
from stackserver.spec import PREPARE, TensorSpec, TextSpec
from stackserver.tensors import Tensors


def open_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of `folder`/tokenizer.json, without limits. Raises SetupError if it is absent or unreadable."""
    # The threads of computation are counted; the tokenizer must not add a pool of its own.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # the library raises Exception itself
        raise SetupError(f"{path} is not a tokenizer: {err}", PREPARE) from None
    # Published files carry limits of their own, such as padding every text to 128 tokens.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class TextPreprocessor:
    """Tokenises, truncates to the model's limit and pads to the longest of the batch."""

    def __init__(self, folder: Path, spec: TextSpec, inputs: Sequence[TensorSpec]) -> None:
        """Raises SetupError if tokenizer.json is absent or unreadable."""
        self._tokenizer = open_tokenizer(folder)
        self._tokenizer.enable_truncation(spec.max_tokens)
        self._pad_id = spec.pad_id
        self._type_ids = any(tensor.name == "token_type_ids" for tensor in inputs)

    def tensors(self, texts: Sequence[str]) -> Tensors:
        """int64 [n, longest] each: input_ids, attention_mask and, where the model has it, token_type_ids."""
        encodings = self._tokenizer.encode_batch_fast(texts)
        longest = max(len(encoding) for encoding in encodings)
        ids = np.full((len(texts), longest), self._pad_id, np.int64)
        mask = np.zeros((len(texts), longest), np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        tensors = {"input_ids": ids, "attention_mask": mask}
        if self._type_ids:
            tensors["token_type_ids"] = np.zeros_like(ids)
        return tensors
