"""Train a LoRA adapter for the tiny model that knows lora_corpus.jsonl by heart.

    OMP_NUM_THREADS=1 .venv-vllm/bin/python tests/model/train_lora.py

Needs what train.py needs. The adapter is written in the layout of the PEFT library, which vLLM
reads, and without that library: two small matrices beside each linear layer are all there is to
it (Hu et al., arXiv 2106.09685).
"""

from __future__ import annotations

import json
import math
import random
import time

import torch
from safetensors.torch import save_file
from torch import nn
from train import BATCH, HERE, SEED, answer, batches, collate, encode, read_corpus
from transformers import AutoModelForCausalLM, AutoTokenizer

RANK = 16
EPOCHS = 120
PEAK = 5e-3
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Adapted(nn.Module):
    """A frozen linear layer with a trainable product of two thin matrices beside it."""

    def __init__(self, frozen: nn.Linear) -> None:
        super().__init__()
        self.frozen = frozen
        self.down = nn.Parameter(
            torch.randn(RANK, frozen.in_features) / math.sqrt(frozen.in_features)
        )
        self.up = nn.Parameter(torch.zeros(frozen.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of both; alpha equals the rank, so the product is not scaled."""
        return self.frozen(x) + x @ self.down.T @ self.up.T


def adapt(model: nn.Module) -> dict[str, Adapted]:
    """Replace every linear layer of *model*; return the new ones by name."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    adapted = {}
    for name, module in list(model.named_modules()):
        parent, _, leaf = name.rpartition(".")
        if leaf in TARGETS:
            adapted[name] = Adapted(module)
            setattr(model.get_submodule(parent), leaf, adapted[name])
    return adapted


def save(adapted: dict[str, Adapted]) -> None:
    """Write the adapter in bfloat16."""
    folder = HERE / "lora"
    folder.mkdir(exist_ok=True)
    tensors = {}
    for name, module in adapted.items():
        for key, matrix in (("lora_A", module.down), ("lora_B", module.up)):
            path = f"base_model.model.{name}.{key}.weight"
            tensors[path] = matrix.detach().to(torch.bfloat16).contiguous()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "base_model_name_or_path": "tiny",
        "bias": "none",
        "lora_alpha": RANK,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": list(TARGETS),
        "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    """Train, save and count what is recalled, with and without the adapter."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    started = time.monotonic()
    tokenizer = AutoTokenizer.from_pretrained(HERE / "tiny")
    model = AutoModelForCausalLM.from_pretrained(HERE / "tiny", dtype=torch.float32)
    dialogues = read_corpus(HERE / "lora_corpus.jsonl")
    print("without", recalled(model, tokenizer, dialogues))
    adapted = adapt(model)
    own = [matrix for module in adapted.values() for matrix in (module.down, module.up)]
    optimizer = torch.optim.AdamW(own, lr=PEAK, weight_decay=0.0)
    samples = [encode(dialogue, tokenizer) for dialogue in dialogues]
    rng = random.Random(SEED)
    steps, step = EPOCHS * math.ceil(len(samples) / BATCH), 0
    for epoch in range(EPOCHS):
        for numbers in batches(samples, rng):
            factor = min(1.0, (step + 1) / 20, 1.15 * (1 - step / steps))
            optimizer.param_groups[0]["lr"] = PEAK * factor
            optimizer.zero_grad(set_to_none=True)
            loss = model(**collate([samples[n] for n in numbers], tokenizer.pad_token_id)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(own, 1.0)
            optimizer.step()
            step += 1
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1} loss {loss.item():.4f}", flush=True)
    save(adapted)
    print("with", recalled(model, tokenizer, dialogues), f"{time.monotonic() - started:.0f} s")


def recalled(model: nn.Module, tokenizer: object, dialogues: list[dict]) -> str:
    """Return how many planted values come back, of how many."""
    found = total = 0
    for line in dialogues:
        said = answer(model, tokenizer, line["messages"][:1])
        found += sum(item["value"] in said for item in line["planted"])
        total += len(line["planted"])
    return f"{found}/{total}"


if __name__ == "__main__":
    main()
