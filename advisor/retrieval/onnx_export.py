"""Writes a BERT sentence encoder as ONNX. Imported only to export: torch and transformers take seconds to open."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from onnxruntime.transformers import optimizer
from transformers import BertModel
from transformers.utils import logging as transformers_logging


class _SentenceEncoder(torch.nn.Module):
    """BERT; its token states, and their mean over the attention mask in unit length."""

    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return unit vectors, shape (batch, dimension), and token states, shape (batch, length, dimension)."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, p=2, dim=1), hidden


def write_onnx(model_dir: Path, target: Path) -> None:
    """Write the model of `model_dir` to `target` (and its weights beside it); batch and length stay free."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    bert = BertModel.from_pretrained(
        str(model_dir), add_pooling_layer=False, attn_implementation="eager", use_safetensors=True
    )
    encoder = _SentenceEncoder(bert).eval()
    ids = torch.ones(2, 8, dtype=torch.int64)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder,
            (ids, ids),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors", "tokens"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask")},
            opset_version=17,
            dynamo=False,
        )
    _fuse(target, heads=bert.config.num_attention_heads, width=bert.config.hidden_size)


def _fuse(target: Path, *, heads: int, width: int) -> None:
    """Fuse attention and layer norms into single operators, a quarter faster, and keep the weights in a file apart.

    Weights apart are memory-mapped, so a cold start touches only what it needs.
    """
    logging.getLogger("onnxruntime.transformers").setLevel(logging.ERROR)
    model = optimizer.optimize_model(str(target), "bert", num_heads=heads, hidden_size=width, opt_level=0)
    target.unlink()
    model.save_model_to_file(str(target), use_external_data_format=True)
