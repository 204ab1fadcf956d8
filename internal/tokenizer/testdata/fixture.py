"""Makes the tokenizer fixtures: `python fixture.py TOKENIZER_JSON`, with all-MiniLM-L6-v2's tokenizer.json.

Writes bert.json and mpnet.json (the same WordPiece, its vocabulary cut to what the texts use) and cases.json:
each text with the ids that the Rust library `tokenizers` gives it under either.
"""

import json
import random
import sys
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).parent
SHORT = 16  # max_tokens of the truncated ids

TEXTS = """
|   |Hello, world!|A man is playing a guitar.|don't stop—believing… “quotes” ‘x’
Crème brûlée à la façon de Zoë, naïve señor Ångström ŁÓDŹ|İstanbul ISTANBUL ıspanak ß ẞ STRASSE
中文字符测试，和标点。|日本語のテキストです カタカナ|한국어 문장입니다|Привет, мир! Ёлка|Ελληνικά κείμενα ΑΣΣ ς Σ
مرحبا بالعالم|שָׁלוֹם עולם|हिन्दी में पाठ|ไทยภาษา|😀 emoji 👩‍👩‍👧‍👦 🇫🇷 ❤️ ok|supercalifragilisticexpialidocious
antidisestablishmentarianism|e\u0301 vs é, o\u0308\u0308|ﬁ ligature ﬂ|①②③ ½ ¾ ™ © ® € £ ¥ ° ± × ÷|$5.00 +10% #tag @user <b>x</b> ^~`=
[CLS] hello [SEP] [MASK] world [PAD] [UNK]|[cls] [ CLS ] [MASK]. x[MASK]y|<s> hello <mask> world</s> <pad><unk>
http://example.com/a?b=c&d=e user@mail.org|1,234,567.89 3.14e-10 2026-11-24T03:18|snake_case camelCase kebab-case
\u0300\u0301 lone combining|𝒜𝓁𝑔𝑒𝒷𝓇𝒶 𠀀𠀁 𐍈|A\u00adsoft hyphen\u00ad|Ǆ ǅ ǆ ŉ ΐ Ⱥ Ⱦ|ＦＵＬＬＷＩＤＴＨ ｈａｌｆ|…‥·•◦▪|¿Qué? ¡Sí!
\u202eRTL\u202c \u2066iso\u2069|ᾳ ᾼ ΌΣΟΣ|ﷺ ㍿ ㈱|\ue000private\uf8ff|\u0378unassigned|𐐀 deseret|Ⅷ ⅷ Ⓐ ⓐ|가각 ㄱㅏ \u1100\u1161
𡨸𡦂 𪜀 𫝀 𫠠 㐀 䶿 豈 丽|〇 々 〆 ー|_under_ __dunder__|tab\tnew\u2028ls\u200bzw\u200djoin\ufeffbom\u00a0nbsp\u3000blank
null\x00char \x07bell \x7fdel \ufffdrepl|a\x0bb a\x0cb a\x1cb a\u0085b a\u180eb a\u2060b
"""


def texts(words: list[str]) -> list[str]:
    """Fixed texts, then random ones of words and of characters that Unicode 8 knew (Rust's tables end there)."""
    rng = random.Random(7)
    out = [t for line in TEXTS.strip("\n").split("\n") for t in line.split("|")]
    out += ["a" * 100, "a" * 101, "x" * 500 + " end", "line\r\nbreak", "the " * 40]
    for _ in range(80):
        out.append(" ".join(rng.choice(words).removeprefix("##") for _ in range(rng.randint(1, 25))))
    for _ in range(150):
        out.append("".join(pick(rng) for _ in range(rng.randint(1, 25))))
    return out


def pick(rng: random.Random) -> str:
    """One random character, mostly of the scripts in use."""
    low, high = rng.choice(
        [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x5FF), (0x600, 0x6FF), (0x1E00, 0x20FF), (0x3040, 0x9FFF)]
    )
    c = chr(rng.randint(low, high))
    return c if unicodedata.ucd_3_2_0.category(c) != "Cn" else " "


def mpnet(vocab: dict[str, int]) -> dict[str, object]:
    """MPNet's tokenizer on a BERT vocabulary: four tokens before it, <mask> after it."""
    head = ["<s>", "<pad>", "</s>", "<unk>"]
    ids = {t: i for i, t in enumerate([*head, *vocab, "<mask>"])}
    special = [*head, "[UNK]", "<mask>"]
    return {
        "added_tokens": [
            {"id": ids[t], "content": t, "single_word": False, "lstrip": t == "<mask>", "rstrip": False}
            | {"normalized": False, "special": True}
            for t in special
        ],
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
        | {"trim_offsets": True, "add_prefix_space": False},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
        | {"max_input_chars_per_word": 100, "vocab": ids},
    }


def encode(spec: dict[str, object], text: str, limit: int | None) -> list[int]:
    """The ids of a text under a tokenizer given as the content of its file."""
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if limit:
        tokenizer.enable_truncation(limit)
    return tokenizer.encode(text).ids


def main() -> None:
    full = json.loads(Path(sys.argv[1]).read_text())
    vocab: dict[str, int] = full["model"]["vocab"]
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_truncation()
    names = sorted(vocab, key=vocab.__getitem__)
    cases = texts(random.Random(3).sample([w for w in names[1996:] if w.isascii()], 300))
    used = {t for case in cases for t in tokenizer.encode(case).tokens} | {n for n in names[999:1996]}
    used |= {t["content"] for t in full["added_tokens"]}
    full["model"]["vocab"] = {t: i for i, t in enumerate(n for n in names if n in used)}
    for t in full["added_tokens"]:
        t["id"] = full["model"]["vocab"][t["content"]]
    for t in full["post_processor"]["special_tokens"].values():
        t["ids"] = [full["model"]["vocab"][t["id"]]]
    other = full | mpnet(full["model"]["vocab"]) | {"padding": None}
    for name, spec in (("bert", full), ("mpnet", other)):
        (HERE / f"{name}.json").write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")) + "\n")
    rows = [{"text": c, "bert": encode(full, c, None), "mpnet": encode(other, c, None)} for c in cases]
    for row, case in zip(rows, cases, strict=True):
        row["short"] = encode(full, case, SHORT)
    (HERE / "cases.json").write_text(json.dumps(rows).replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
