"""The best classes of an answer, as /predict tells them."""

import numpy as np

_TOP = 5


def best(logits: np.ndarray) -> list[dict[str, int | float]]:
    """The classes with the largest logits, best first; of equals the lower index first."""
    order = np.argsort(-logits, kind="stable")[:_TOP]
    return [{"index": int(index), "logit": round(float(logits[index]), 6)} for index in order]
