"""Makes tiny random-weight models of unusual shapes with what the official implementation computes from them.

  python make_held_out.py OUT --count 40 --seed 1      (needs PyPI's torch, transformers 5 and tokenizers)
Each OUT/NAME is a folder in the published layout: config.json in one of its two spellings of rope, weights in f32, f16 or
bf16, whole or in shards, and a tokenizer trained on this file. reference.safetensors holds, from the weights as stored and
everything computed in f32 (eager attention): `input_ids` i64 [T], `logits` f32 [T, vocab], `greedy_ids` i64 [32] by full
recomputation and `greedy_margins` f32 [32], the distance between the best two logits.
check_held_out.py compares a program with them. tests/data/models/held_out_* are numbers 3, 19, 23, 24 and 56 of seed 1 and
number 22 of seed 2.
"""
import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (AutoConfig, AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, MistralConfig, Qwen2Config,
                          Qwen3Config)

GREEDY = 32
SPLITS = {  # as the published tokenizers of these families split texts
    "gpt2": None,
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
             r"|\s+(?!\S)|\s+",
}


def make_tokenizer(split, size):
    special = [AddedToken(t, special=True, normalized=False) for t in ("<pad>", "<eos>", "<bos>", "<unk>")]
    corpus = pathlib.Path(__file__).read_text().splitlines(keepends=True)
    if split == "score":
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        special += [AddedToken(f"<0x{b:02X}>", special=False, normalized=False) for b in range(256)]
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False)
        tokenizer.train_from_iterator(corpus, trainer)
        content = json.loads(tokenizer.to_str())
        content["added_tokens"] = content["added_tokens"][:4]
        return Tokenizer.from_str(json.dumps(content))
    tokenizer = Tokenizer(models.BPE())
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=SPLITS[split] is None)
    if SPLITS[split] is None:
        tokenizer.pre_tokenizer = to_bytes
    else:
        parts = [pre_tokenizers.Split(Regex(SPLITS[split]), "isolated"), to_bytes]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    if split == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                                              initial_alphabet=alphabet))
    return tokenizer


def random_scaling(rng, kinds, context):
    kind = rng.choice(kinds)
    if kind == "default":
        return {"rope_type": "default"}
    scaling = {"rope_type": kind, "factor": rng.choice([2.0, 4.0, 2.5, 8.0])}
    if kind == "llama3":
        low = rng.choice([1.0, 1.5])
        scaling |= {"low_freq_factor": low, "high_freq_factor": rng.choice([4.0, 3.0]),
                    "original_max_position_embeddings": rng.choice([16, 32, 64])}
    if kind == "yarn":
        scaling["original_max_position_embeddings"] = int(context / scaling["factor"])
        for key, values in {"beta_fast": [16.0, 8.0], "beta_slow": [2.0, 0.5], "attention_factor": [0.9, 1.2],
                            "truncate": [True, False]}.items():
            if rng.random() < 0.3:
                scaling[key] = rng.choice(values)
        if rng.random() < 0.2:
            scaling |= {"mscale": 0.7, "mscale_all_dim": rng.choice([1.0, 0.5])}
            scaling.pop("attention_factor", None)
    return scaling


def random_sizes(rng):
    kv_heads = rng.choice([1, 1, 2, 3, 5])
    heads = kv_heads * rng.choice([1, 2, 3, 5, 7])
    head_dim = rng.choice([2, 6, 8, 10, 14, 18, 20, 24, 34, 40, 48, 64])
    width = heads * rng.choice([head_dim, head_dim, rng.randint(3, 21)])
    return {"hidden_size": width, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_dim,
            "intermediate_size": rng.choice([rng.randint(1, 40), rng.randint(40, 300), 64, 256]),
            "num_hidden_layers": rng.choice([1, 2, 3, 5]), "max_position_embeddings": rng.choice([128, 160, 256]),
            "rms_norm_eps": rng.choice([1e-6, 1e-5, 1e-3]), "tie_word_embeddings": rng.random() < 0.5,
            "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def random_config(rng, family, vocab):
    common = random_sizes(rng) | {"vocab_size": vocab}
    context = common["max_position_embeddings"]
    base = rng.choice([10000.0, 500000.0, 1e6, 1234.5])
    layers = common["num_hidden_layers"]
    window = rng.choice([1, 3, 8, 17, 33])
    mixed = [rng.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    scaled = {"rope_theta": base} | random_scaling(rng, ["default", "linear", "yarn", "llama3"], context)
    bias = rng.random() < 0.4
    if family == "mistral":
        scaled = {"rope_theta": base} | random_scaling(rng, ["default", "linear", "yarn"], context)
        return MistralConfig(**common, rope_parameters=scaled, sliding_window=rng.choice([None, window]))
    if family == "llama_tied_yarn":
        common["tie_word_embeddings"] = True
        scaled = {"rope_theta": base} | random_scaling(rng, ["yarn"], context)
    if family.startswith("llama"):
        return LlamaConfig(**common, rope_parameters=scaled, attention_bias=bias, mlp_bias=rng.random() < 0.4)
    if family.startswith("qwen"):
        used = rng.random() < 0.5
        if family == "qwen2" and rng.random() < 0.5:
            common["hidden_size"] = common["num_attention_heads"] * common.pop("head_dim")
        if rng.random() < 0.5:
            mixed = ["sliding_attention" if used and i >= layers // 2 else "full_attention" for i in range(layers)]
        elif not used:
            mixed = ["full_attention"] * layers
        kind = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}[family]
        extra = {"attention_bias": bias} if family == "qwen3" else {}
        return kind(**common, **extra, rope_parameters=scaled, use_sliding_window=used, sliding_window=window,
                    max_window_layers=layers // 2, layer_types=mixed)
    scaled = {"rope_theta": base} | random_scaling(rng, ["default", "linear", "linear", "yarn"], context)
    if rng.random() < 0.5:
        mixed = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)]
    local = {"rope_theta": rng.choice([10000.0, 777.0]), "rope_type": "default"}
    return Gemma3TextConfig(**common, rope_parameters={"full_attention": scaled, "sliding_attention": local},
                            sliding_window=window, layer_types=mixed, attention_bias=bias,
                            query_pre_attn_scalar=rng.choice([common["head_dim"], 24, 100]),
                            final_logit_softcapping=rng.choice([None, 30.0, 5.0]),
                            attn_logit_softcapping=rng.choice([None, None, 20.0]))


def fill(model, rng):
    """Random weights that keep each layer's values near 1, so that an error anywhere reaches the logits."""
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    gemma = model.config.model_type == "gemma3_text"
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if name.endswith("norm.weight"):
            weight.data = noise * 0.3 + (0.0 if gemma else 1.0)
        elif name.endswith("bias"):
            weight.data = noise * 0.5
        elif "embed_tokens" in name or "lm_head" in name:
            weight.data = noise * (weight.shape[1] ** -0.5 if gemma or "lm_head" in name else 1.0)
        else:
            weight.data = noise * 1.2 * weight.shape[1] ** -0.5


def spell_as_before(config, rng):
    """The spelling of config.json before transformers 5: rope_theta and rope_scaling beside each other."""
    rope = config.pop("rope_parameters")
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    # transformers 5 overlooks the oldest spelling, "type", in this one family.
    spelling = "rope_type" if config["model_type"] == "gemma3_text" else rng.choice(["type", "rope_type"])
    config["rope_scaling"] = None if kind == "default" else {spelling: kind} | rope
    config["torch_dtype"] = config.pop("dtype")
    usual = config["hidden_size"] // config["num_attention_heads"]
    if config.get("head_dim") == usual and config["model_type"] in ("llama", "mistral", "qwen2"):
        config.pop("head_dim")
    if config["num_key_value_heads"] == config["num_attention_heads"] and config["model_type"] == "llama":
        config.pop("num_key_value_heads")
    types = config.get("layer_types")
    if config["model_type"].startswith("qwen") and types:
        first = config["max_window_layers"]
        by_rule = [config["use_sliding_window"] and i >= first for i in range(len(types))]
        if by_rule == [t == "sliding_attention" for t in types]:
            config.pop("layer_types")
    if config["model_type"] == "gemma3_text" and all((t == "full_attention") == ((i + 1) % 6 == 0) for i, t in enumerate(types)):
        config.pop("layer_types")
        config.pop("_sliding_window_pattern", None)
        config["sliding_window_pattern"] = 6


def record(folder, rng):
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompt = [rng.randrange(config.vocab_size) for _ in range(rng.choice([1, 7, 20, 33, 45]))]
    ids, margins = list(prompt), []
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
        for _ in range(GREEDY):
            best = torch.topk(model(torch.tensor([ids]), use_cache=False).logits[0, -1].double(), 2)
            margins.append(float(best.values[0] - best.values[1]))
            ids.append(int(best.indices[0]))
    save_file({"input_ids": torch.tensor(prompt), "logits": logits.contiguous(),
               "greedy_ids": torch.tensor(ids[len(prompt):]), "greedy_margins": torch.tensor(margins)},
              folder / "reference.safetensors")


def make(out, index, seed):
    rng = random.Random(f"{seed}/{index}")
    families = ["llama", "llama_tied_yarn", "qwen2", "qwen3", "gemma3", "mistral"]
    family = families[index % len(families)]
    split = "score" if family == "gemma3" else {"qwen2": "qwen2", "qwen3": "qwen2"}.get(family, rng.choice(["gpt2", "llama3"]))
    tokenizer = make_tokenizer(split, rng.randint(300, 420) + (300 if split == "score" else 0))
    config = random_config(rng, family, tokenizer.get_vocab_size() + rng.choice([0, 0, 1, 5, 30]))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    fill(model, rng)
    folder = out / f"{index:03}_{family}"
    dtype = rng.choice([torch.float32, torch.float16, torch.bfloat16])
    model.to(dtype).save_pretrained(folder, max_shard_size=rng.choice(["5GB", "40KB"]))
    (folder / "generation_config.json").unlink(missing_ok=True)
    content = json.loads((folder / "config.json").read_text())
    if rng.random() < 0.5:
        spell_as_before(content, rng)
    (folder / "config.json").write_text(json.dumps(content, indent=1) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}) + "\n")
    record(folder, rng)
    print(folder.name, dtype, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    for index in range(flags.first, flags.first + flags.count):
        make(flags.out, index, flags.seed)


if __name__ == "__main__":
    main()
