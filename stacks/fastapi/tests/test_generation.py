"""Greedy decoding: with a cache and without, alone and in a batch, in both runtimes, the same tokens."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import ARCHITECTURES, CONTEXT, EOS, UNKNOWN, describe, tokenizer, write_tiny

from stackserver.errors import RequestError, SetupError
from stackserver.generation.generator import open_generator
from stackserver.generation.greedy import Chunk, Order, check, generate
from stackserver.generation.tokens import PromptTokenizer
from stackserver.spec import load_spec, parse_spec

RUNTIMES = ("onnxruntime", "pytorch")
PROMPTS = ([11], [65, 66, 67, 68, 69, 70, 71], [200, 3, 258])


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    for architecture in ARCHITECTURES:
        write_tiny(architecture, folder)
    return folder


def opened(runtime: str, folder: Path):
    if runtime == "pytorch":
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
    return open_generator(runtime, folder, load_spec(folder), "cpu", 1)


class Recorder:
    """Lets a generator step, and remembers the tokens and the widths."""

    def __init__(self, generator) -> None:
        self._generator = generator
        self.tokens: list[list[int]] = []
        self.widths: list[int] = []

    def step(self, ids, mask, positions, cache, never):
        tokens, cache = self._generator.step(ids, mask, positions, cache, never)
        self.tokens.append(tokens.tolist())
        self.widths.append(mask.shape[1])
        return tokens, cache


def answers(generator, folder: Path, orders: list[Order]) -> tuple[list[list[int]], list[list[Chunk]]]:
    """The tokens of each step, and the chunks of each order."""
    recorder = Recorder(generator)
    steps = list(generate(recorder, PromptTokenizer(folder), load_spec(folder), orders))
    return recorder.tokens, [[chunk for chunk in row if chunk] for row in zip(*steps, strict=True)]


def without_cache(generator, prompt: list[int], n: int) -> list[int]:
    """Greedy decoding as it is defined: each time the whole text anew."""
    ids = list(prompt)
    for _ in range(n):
        row = np.array([ids])
        tokens, _ = generator.step(row, np.ones_like(row), np.arange(len(ids))[None], None, np.array([-1]))
        ids.append(int(tokens[0]))
    return ids[len(prompt) :]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_cache_and_the_batch_change_nothing(store, runtime, architecture):
    folder = store / f"tiny-{architecture}"
    generator = opened(runtime, folder)
    want = [without_cache(generator, prompt, 24) for prompt in PROMPTS]
    assert all(len(set(tokens)) > 4 for tokens in want), "one token again and again would prove nothing"
    for prompt, tokens in zip(PROMPTS, want, strict=True):
        alone, _ = answers(generator, folder, [Order(prompt, 24, ignore_eos=True)])
        assert [step[0] for step in alone] == tokens
    together, chunks = answers(generator, folder, [Order(prompt, 24, ignore_eos=True) for prompt in PROMPTS])
    assert [list(row) for row in zip(*together, strict=True)] == want
    assert [sum(chunk.tokens for chunk in row) for row in chunks] == [24] * 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_both_runtimes_say_the_same(store, architecture):
    folder = store / f"tiny-{architecture}"
    generators = [opened(runtime, folder) for runtime in RUNTIMES]
    said = [answers(g, folder, [Order(prompt, 40, ignore_eos=True) for prompt in PROMPTS]) for g in generators]
    assert said[0] == said[1]


def test_a_batch_of_unequal_lengths(store):
    folder = store / "tiny-gpt2"
    recorder = Recorder(opened("onnxruntime", folder))
    # The first row has ended long before the second has, and has come to the last position on the way.
    orders = [Order([5] * (CONTEXT - 4), 4, True), Order([7], 30, True), Order([9], 1, True)]
    steps = list(generate(recorder, PromptTokenizer(folder), load_spec(folder), orders))
    assert [sum(1 for row in step if row) for step in steps] == [3] + [2] * 3 + [1] * 26
    assert recorder.widths[-1] == CONTEXT - 4 + 29
    alone = without_cache(opened("onnxruntime", folder), [7], 30)
    assert [step[1] for step in recorder.tokens] == alone
    assert steps[3][0].finish == steps[29][1].finish == steps[0][2].finish == "length"


def test_the_model_ends_the_answer(store, tmp_path):
    folder = store / "tiny-opt"
    tokens = without_cache(opened("onnxruntime", folder), PROMPTS[1], 12)
    end = tokens[5]
    ended = write_tiny("opt", tmp_path, eos=end)
    first = tokens.index(end)
    generator = opened("onnxruntime", ended)
    steps, (chunks,) = answers(generator, ended, [Order(PROMPTS[1], 12)])
    assert [step[0] for step in steps] == tokens[: first + 1]
    assert [chunk.tokens for chunk in chunks] == [1] * first + [0]
    assert [chunk.finish for chunk in chunks] == [None] * first + ["stop"]
    _, (chunks,) = answers(generator, ended, [Order(PROMPTS[1], 12, ignore_eos=True)])
    assert [chunk.tokens for chunk in chunks] == [1] * 12
    assert [chunk.finish for chunk in chunks] == [None] * 11 + ["length"]


def test_who_left_is_not_computed_on(store):
    folder = store / "tiny-gpt2"
    orders = [Order([5], 20, True), Order([7], 30, True)]
    steps = generate(opened("onnxruntime", folder), PromptTokenizer(folder), load_spec(folder), orders)
    assert all(next(steps))
    orders[1].cancelled = True
    step = next(steps)
    assert step[0] is not None and step[1] is None
    orders[0].cancelled = True
    assert next(steps, None) is None


@pytest.mark.parametrize(
    ("prompt", "tokens", "message"),
    [
        (CONTEXT, 1, f"{CONTEXT} tokens of the prompt and 1 of max_tokens are {CONTEXT + 1}; tiny-opt has a context"),
        (1, CONTEXT, f"has a context of {CONTEXT}"),
        (0, 1, "no tokens"),
    ],
)
def test_what_does_not_fit_is_refused(prompt, tokens, message):
    spec = parse_spec(describe("opt"))
    check(spec, Order([1] * (CONTEXT - 1), 1))
    with pytest.raises(RequestError, match=message) as refusal:
        check(spec, Order([1] * prompt, tokens))
    assert refusal.value.status == 400


@pytest.fixture(scope="module")
def tokens(store) -> PromptTokenizer:
    return PromptTokenizer(store / "tiny-gpt2")


def pieces(tokens: PromptTokenizer, ids: list[int]) -> list[str]:
    text = tokens.detokenizer()
    return [*(text.add(token) for token in ids), text.end()]


def test_half_a_character_waits_for_the_rest(tokens):
    ids = tokens.encode("the é€😀!")
    assert ids[0] == 258
    assert pieces(tokens, ids) == ["the", " ", "", "é", "", "", "€", "", "", "", "😀", "!", ""]
    assert pieces(tokens, ids[:-2]) == ["the", " ", "", "é", "", "", "€", "", "", "", "\ufffd"]


def test_tokens_without_text(tokens):
    assert pieces(tokens, [EOS, UNKNOWN]) == ["", "", ""]


def test_what_is_no_utf8_does_not_stop_the_stream(tokens):
    (stray,) = {tokens.encode("é")[1]}
    assert pieces(tokens, [stray] * 3) == ["\ufffd"] * 3 + [""]


@given(ids=st.lists(st.integers(0, 259), max_size=40))
def test_the_pieces_are_the_library_s_whole(tokens, ids):
    assert "".join(pieces(tokens, ids)) == tokenizer().decode(ids, skip_special_tokens=True)


def test_a_tokenizer_of_another_kind(store, tmp_path):
    document = json.loads((store / "tiny-gpt2" / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**document, "decoder": {"type": "Fuse"}}))
    with pytest.raises(SetupError, match="decodes by"):
        PromptTokenizer(tmp_path)


def test_a_graph_without_a_cache(store, tmp_path):
    folder = write_tiny("gpt2", tmp_path)
    document = (folder / "model.json").read_text().replace('"layers": 2', '"layers": 3')
    (folder / "model.json").write_text(document)
    with pytest.raises(SetupError, match=r"model\.onnx lacks past_key_values\.2\.key"):
        opened("onnxruntime", folder)


@pytest.mark.parametrize("architecture", ["vgg", "opt"])
def test_weights_of_another_architecture(store, tmp_path, architecture):
    folder = write_tiny("gpt2", tmp_path)
    document = (
        (folder / "model.json").read_text().replace('"architecture": "gpt2"', f'"architecture": "{architecture}"')
    )
    (folder / "model.json").write_text(document)
    with pytest.raises(SetupError, match="torch cannot load"):
        opened("pytorch", folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv_heads": 3}, "out of range"),
        ({"layers": 0}, "out of range"),
        ({"eos": 260}, "out of range"),
        ({"head_dim": "x"}, "ValueError"),
        (None, "lacks its preprocessing"),
    ],
)
def test_a_decoder_that_is_none(tmp_path, change, message):
    document = describe("llama")
    if change is None:
        del document["decoder"]
    else:
        document["decoder"] |= change
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises(SetupError, match=message):
        load_spec(tmp_path)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_before_the_least_the_end_is_not_chosen(store, tmp_path, runtime):
    tokens = without_cache(opened("onnxruntime", store / "tiny-opt"), PROMPTS[1], 12)
    end = tokens[5]
    generator = opened(runtime, write_tiny("opt", tmp_path, eos=end))
    orders = [Order(PROMPTS[1], 12, ignore_eos=True, min_tokens=12), Order(PROMPTS[1], 12, ignore_eos=True)]
    steps, _ = answers(generator, tmp_path / "tiny-opt", orders)
    forced, ignored = ([row[n] for row in steps] for n in (0, 1))
    assert end not in forced and end in ignored
    assert forced[: tokens.index(end)] == ignored[: tokens.index(end)]
