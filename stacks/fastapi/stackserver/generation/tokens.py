"""From a prompt to token ids, and from token ids back to text as they come."""

import codecs
import json
from pathlib import Path

from stackserver.errors import SetupError
from stackserver.spec import PREPARE
from stackserver.text import open_tokenizer


class PromptTokenizer:
    """The model's tokenizer.json, in both directions. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Raises SetupError if tokenizer.json is absent, unreadable, or not of byte-level tokens."""
        self._tokenizer = open_tokenizer(folder)
        decoder = json.loads(self._tokenizer.to_str()).get("decoder") or {}
        if decoder.get("type") != "ByteLevel":
            problem = f"{folder / 'tokenizer.json'} decodes by {decoder.get('type')}, not by ByteLevel"
            raise SetupError(problem, PREPARE)
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = frozenset(token for token, entry in added.items() if entry.special)
        self._bytes = _byte_alphabet()

    def encode(self, prompt: str) -> list[int]:
        """The prompt's ids, with the special tokens that the tokenizer adds."""
        return self._tokenizer.encode(prompt).ids

    def token(self, token: int) -> bytes:
        """What a token stands for, maybe a part of a character; nothing for special and unknown tokens."""
        text = None if token in self._special else self._tokenizer.id_to_token(token)
        if text is None:
            return b""
        try:
            return bytes(self._bytes[char] for char in text)
        except KeyError:  # a token that was added as it is written
            return text.encode()

    def detokenizer(self) -> "Detokenizer":
        """For one answer."""
        return Detokenizer(self)


class Detokenizer:
    """The text of one answer, in pieces: bytes of a character that is not whole yet are held back.

    The library's own DecodeStream holds all back while the text ends in U+FFFD, so that bytes which are no
    UTF-8, of which a model of random weights has many, would stop the stream.
    """

    def __init__(self, tokens: PromptTokenizer) -> None:
        self._tokens = tokens
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int) -> str:
        """What the token adds."""
        return self._utf8.decode(self._tokens.token(token))

    def end(self) -> str:
        """What is still held back, as U+FFFD."""
        return self._utf8.decode(b"", final=True)


def _byte_alphabet() -> dict[str, int]:
    """The character by which tokenizer.json writes each byte: itself where it is printable, else one from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
