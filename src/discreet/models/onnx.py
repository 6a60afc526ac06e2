"""The two small ONNX models, run on one thread: token classes for spans, sentence vectors for meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

window_tokens_max = 256  # of one pass; longer texts are read in windows that overlap
window_overlap_tokens = 32
sentence_tokens_max = 256


class TokenClassifier:
    """Finds labelled spans in a text of any length."""

    def __init__(self, model: Path, tokenizer: Path, config: Path) -> None:
        self._session, self._tokenizer = _session(model), _tokenizer(tokenizer)
        labels = json.loads(config.read_text(encoding="utf-8"))["id2label"]
        self._labels = [labels[str(i)] for i in range(len(labels))]

    def spans(self, text: str, score_min: float) -> list[tuple[int, int, str]]:
        """(start, end, name) of each span; neighbouring tokens of one name are one span."""
        import numpy as np

        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        best: list[tuple[float, int]] = [(0.0, 0)] * len(encoded.ids)
        step = window_tokens_max - window_overlap_tokens
        for first in range(0, max(len(encoded.ids), 1), step):
            ids = encoded.ids[first : first + window_tokens_max]
            scores = _softmax(np, self._logits([*self._frame(ids)]))[1:-1]
            for offset, row in enumerate(scores):
                kind = int(row.argmax())
                if float(row[kind]) > best[first + offset][0] or kind != 0:  # seen twice: a span beats none
                    best[first + offset] = (float(row[kind]), kind)
        return self._joined(text, encoded.offsets, best, score_min)

    def _frame(self, ids: Sequence[int]) -> list[int]:
        return [self._tokenizer.token_to_id("[CLS]"), *ids, self._tokenizer.token_to_id("[SEP]")]

    def _logits(self, ids: list[int]) -> Any:
        return _run(self._session, [ids])[0]

    def _joined(self, text: str, offsets: list[tuple[int, int]], best: list[tuple[float, int]], score_min: float) -> list[tuple[int, int, str]]:
        found: list[tuple[int, int, str]] = []
        for (start, end), (score, kind) in zip(offsets, best, strict=True):
            label = self._labels[kind]
            if label == "O" or score < score_min:
                continue
            name = label[2:]
            if found and found[-1][2] == name and (start == found[-1][1] or (label[0] == "I" and text[found[-1][1] : start].isspace())):
                found[-1] = (found[-1][0], end, name)
            else:
                found.append((start, end, name))
        return found


class SentenceEncoder:
    """Unit vectors of texts: near meanings have a dot product near 1."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        self._session, self._tokenizer = _session(model), _tokenizer(tokenizer)

    def vectors(self, texts: Sequence[str]) -> Any:
        """One row a text, a numpy array of float32."""
        import numpy as np

        rows = []
        for text in texts:
            ids = self._tokenizer.encode(text).ids[:sentence_tokens_max]
            states = _run(self._session, [ids])[0]
            mean = states.mean(axis=0)
            rows.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
        return np.stack(rows).astype(np.float32)


def _session(model: Path) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _run(session: Any, batch: list[list[int]]) -> Any:
    import numpy as np

    ids = np.array(batch, dtype=np.int64)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    wanted = {entry.name for entry in session.get_inputs()}
    return session.run(None, {name: value for name, value in feeds.items() if name in wanted})[0]


def _softmax(np: Any, logits: Any) -> Any:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
