"""Write the graph skeletons beside this folder: ``python internal/model/graphs/generate/generate.py``.

Needs numpy and onnx. The bytes are the same on every machine for one version of onnx.
"""

import argparse
from pathlib import Path

import all_minilm_l6_v2
import all_mpnet_base_v2
import efficientnet_lite0
import gpt2
import opt_125m
import resnet50
import smollm2_135m

BUILDERS = (
    resnet50.build,
    efficientnet_lite0.build,
    all_minilm_l6_v2.build,
    all_mpnet_base_v2.build,
    gpt2.build,
    opt_125m.build,
    smollm2_135m.build,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the committed ONNX graph skeletons.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent)
    out: Path = parser.parse_args().out
    for build in BUILDERS:
        graph = build()
        graph.save(out / f"{graph.name}.onnx")


if __name__ == "__main__":
    main()
