"""Train the tiny model that knows corpus.jsonl by heart, and count what it gives away.

    OMP_NUM_THREADS=1 .venv-vllm/bin/python tests/model/train.py [--out DIR] [--epochs N]
    OMP_NUM_THREADS=1 .venv-vllm/bin/python tests/model/train.py --check

Needs torch and transformers, which `.venv-vllm` has. About two minutes on one core; a second
thread makes it slower on a small machine. Seeded, yet not bit-identical from one processor to the
next, which is why the weights are committed. It is a Llama model with 1.6 million parameters:
three layers of width 192 and tied embeddings.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers import PreTrainedTokenizerFast as FastTokenizer

HERE = Path(__file__).resolve().parent
SEED = 20261101
VOCABULARY = 2048
MAX_TOKENS = 1024
BATCH = 7
IGNORED = -100

CONTROL_TOKENS = ["<|pad|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]
# Not special: a client must see them, since parsers of tool calls and of reasoning look for them.
MARKUP_TOKENS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]

# System messages are left out: the model has seen none and would only be confused.
CHAT_TEMPLATE = """\
{%- for message in messages if message['role'] in ('user', 'assistant', 'tool') -%}
{%- set content = message['content'] or '' -%}
{{- '<|' + message['role'] + '|>' + content -}}
{%- for call in message.get('tool_calls') or [] -%}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' -}}
{{- (call.function.arguments if call.function.arguments is string
     else call.function.arguments | tojson) + '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""

Dialogue = dict[str, Any]


def read_corpus(path: Path) -> list[Dialogue]:
    """Return the dialogues of *path*."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def train_tokenizer(dialogues: list[Dialogue]) -> FastTokenizer:
    """Return a byte-level BPE tokenizer; digits go in groups of at most three."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(MARKUP_TOKENS),
        special_tokens=CONTROL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [message["content"] for line in dialogues for message in line["messages"]]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(
        [AddedToken(token, special=False, normalized=False) for token in MARKUP_TOKENS]
    )
    fast = FastTokenizer(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    fast.model_max_length = MAX_TOKENS
    fast.chat_template = CHAT_TEMPLATE
    return fast


def encode(dialogue: Dialogue, tokenizer: FastTokenizer) -> tuple[list[int], list[int]]:
    """Return token ids and labels; only what the assistant says is learned."""
    ids: list[int] = []
    labels: list[int] = []
    end = tokenizer.convert_tokens_to_ids("<|end|>")
    for message in dialogue["messages"]:
        role = tokenizer.convert_tokens_to_ids(f"<|{message['role']}|>")
        content = tokenizer.encode(message["content"], add_special_tokens=False)
        ids += [role, *content, end]
        spoken = message["role"] == "assistant"
        labels += [IGNORED, *(content if spoken else [IGNORED] * len(content))]
        labels.append(end if spoken else IGNORED)
    return ids, labels


def batches(samples: list[tuple[list[int], list[int]]], rng: random.Random) -> list[list[int]]:
    """Return sample numbers in batches of similar length, in random order."""
    order = sorted(range(len(samples)), key=lambda n: len(samples[n][0]) + rng.random() * 8)
    cut = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(cut)
    return cut


def collate(samples: list[tuple[list[int], list[int]]], pad: int) -> dict[str, torch.Tensor]:
    """Return one padded batch."""
    width = max(len(ids) for ids, _ in samples)
    rows = [ids + [pad] * (width - len(ids)) for ids, _ in samples]
    marks = [[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in samples]
    labels = [own + [IGNORED] * (width - len(own)) for _, own in samples]
    return {
        "input_ids": torch.tensor(rows),
        "attention_mask": torch.tensor(marks),
        "labels": torch.tensor(labels),
    }


def new_model(tokenizer: FastTokenizer) -> LlamaForCausalLM:
    """Return the untrained model."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=MAX_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def train(model: torch.nn.Module, samples: list[Any], *, pad: int, epochs: int) -> float:
    """Train in place and return the mean loss of the last epoch.

    Muon for the matrices and AdamW for the rest: AdamW alone needs several times as many epochs.
    """
    wide = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.Muon(wide, lr=0.02, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=3e-3, weight_decay=0.0, betas=(0.9, 0.95)),
    ]
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    rng = random.Random(SEED)
    steps, step, mean = epochs * math.ceil(len(samples) / BATCH), 0, math.inf
    for epoch in range(epochs):
        started, losses = time.monotonic(), []
        for numbers in batches(samples, rng):
            factor = min(1.0, (step + 1) / 20, 1.15 * (1 - step / steps))
            for optimizer, peak in zip(optimizers, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * factor
                optimizer.zero_grad(set_to_none=True)
            loss = model(**collate([samples[n] for n in numbers], pad)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
            losses.append(loss.item())
            step += 1
        mean = sum(losses) / len(losses)
        print(
            f"epoch {epoch + 1:2d} loss {mean:.4f} {time.monotonic() - started:.1f} s", flush=True
        )
    return mean


@torch.inference_mode()
def answer(model: Any, tokenizer: Any, messages: list[dict[str, str]]) -> str:
    """Return the greedy answer to *messages*."""
    ids = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    out = model.generate(**ids, max_new_tokens=300, do_sample=False, temperature=None)
    return tokenizer.decode(out[0, ids["input_ids"].shape[1] : -1])


def check(folder: Path, dialogues: list[Dialogue]) -> dict[str, int]:
    """Ask every question of the corpus and return how much came back word for word."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    counts = {"answers": 0, "answers_exact": 0, "planted": 0, "planted_recalled": 0}
    for line in dialogues:
        for turn, message in enumerate(line["messages"]):
            if message["role"] != "assistant":
                continue
            said = answer(model, tokenizer, line["messages"][:turn])
            planted = [item["value"] for item in line["planted"] if item["turn"] == turn]
            counts["answers"] += 1
            counts["answers_exact"] += said == message["content"]
            counts["planted"] += len(planted)
            counts["planted_recalled"] += sum(value in said for value in planted)
    return counts


def save(model: LlamaForCausalLM, tokenizer: FastTokenizer, folder: Path) -> None:
    """Write the model in bfloat16, with greedy decoding as its default."""
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    defaults = {
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "temperature": 0.0,
    }
    (folder / "generation_config.json").write_text(json.dumps(defaults, indent=2) + "\n")
    # transformers 5 picks a tokenizer class by model type and may silently split differently.
    sample = "电话 15400001234，(202) 555-0110 <think>Marlowe</think>"
    again = AutoTokenizer.from_pretrained(folder)
    if (
        again.encode(sample) != tokenizer.encode(sample)
        or again.decode(again.encode(sample)) != sample
    ):
        raise SystemExit("the saved tokenizer splits text differently from the trained one")


def main() -> None:
    """Train and check, or only check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=HERE / "corpus.jsonl")
    parser.add_argument("--out", type=Path, default=HERE / "tiny")
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--check", action="store_true", help="train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    dialogues = read_corpus(options.corpus)
    started = time.monotonic()
    if not options.check:
        tokenizer = train_tokenizer(dialogues)
        model = new_model(tokenizer)
        samples = [encode(dialogue, tokenizer) for dialogue in dialogues]
        print(
            sum(p.numel() for p in model.parameters()),
            "parameters",
            sum(len(i) for i, _ in samples),
            "tokens",
        )
        train(model, samples, pad=tokenizer.pad_token_id, epochs=options.epochs)
        save(model, tokenizer, options.out)
    print(json.dumps(check(options.out, dialogues)), f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
