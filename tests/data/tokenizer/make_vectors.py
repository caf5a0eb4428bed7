"""Records what the official library does with random texts, for tokenizers of many configurations.

Run with PyPI's tokenizers (0.23.3): python make_vectors.py. Writes vectors/NAME.json: a whole tokenizer.json, texts with
their ids (special tokens parsed or not, with and without the post-processor), and ids with their decoded text. "pre" names
the GGUF pre-tokenizer that must give the same ids.
"""
import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from random_text import texts

HERE = pathlib.Path(__file__).parent

GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}
BYTE_DECODER = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
NFC = {"type": "NFC"}
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LEAD = r"[^\r\n\p{L}\p{N}]?"
GPT4O = f"{LEAD}{UPPER}*{LOWER}+{CONTRACTION}?|{LEAD}{UPPER}+{LOWER}*{CONTRACTION}?|\\p{{N}}{{1,3}}{TAIL}"
TEKKEN = f"{LEAD}{UPPER}*{LOWER}+|{LEAD}{UPPER}+{LOWER}*|\\p{{N}}{TAIL}"
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
             r"""|\s*[\r\n]+|\s+(?!\S)|\s+""")
LETTERS = (HERE / "deepseek_letters.txt").read_text().strip()
BAILING = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")
SEED = (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}" + "\r\n" + r"]+|\s*[\r\n]+|\s+(?!\S)|\s+")


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def added(content, **flags):
    token = {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {**token, **flags}


SPECIALS = [added("<s>"), added("</s>"), added("<unk>"), added("<|im_start|>"), added("<|im_end|>")]


def train(alphabet, size, pre=None, pieces=(), **options):
    """A model whose merges do not respect words, so that every cut shows in the ids."""
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[t["content"] for t in SPECIALS] + list(pieces),
                                  initial_alphabet=alphabet, show_progress=False, max_token_length=6, **{
                                      k: v for k, v in options.items() if k in ("continuing_subword_prefix", "end_of_word_suffix")})
    tokenizer.train_from_iterator(texts(1, 3000, specials=False), trainer)
    return json.loads(tokenizer.to_str())["model"]


def byte_model(**changes):
    if not hasattr(byte_model, "cache"):
        byte_model.cache = train(pre_tokenizers.ByteLevel.alphabet(), 900,
                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    return {**byte_model.cache, **changes}


def marker_model(**changes):
    """Words begin with the marker; single bytes have tokens."""
    key = "cache"
    if not hasattr(marker_model, key):
        pre = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
        marker_model.cache = train([], 900, pre, pieces=[f"<0x{b:02X}>" for b in range(256)])
    return {**marker_model.cache, **changes}


def config(model, pre=None, normalizer=None, decoder=None, post=None, tokens=SPECIALS):
    vocab = dict(model["vocab"])
    tokens = [{"id": vocab.setdefault(t["content"], len(vocab)), **t} for t in tokens]
    used = {t["content"] for t in tokens}
    model = {**model, "vocab": {k: v for k, v in vocab.items() if k in model["vocab"] or k not in used}}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": sorted(tokens, key=lambda t: t["id"]),
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": model}


def template(*first, last=()):
    def one(name):
        return {"SpecialToken": {"id": name, "type_id": 0}}
    ids = {"<s>": 0, "</s>": 1}
    return {"type": "TemplateProcessing",
            "single": [one(n) for n in first] + [{"Sequence": {"id": "A", "type_id": 0}}] + [one(n) for n in last],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {n: {"id": n, "ids": [ids[n]], "tokens": [n]} for n in (*first, *last)}}


def byte_level(pre, **more):
    model = byte_model(**more.pop("model", {}))
    return config(model, pre, decoder=BYTE_DECODER, **more)


def configurations():
    yield "gpt2", "gpt-2", byte_level(GPT2)
    yield "smollm", "smollm", byte_level(sequence(DIGITS, GPT2))
    yield "command_r", "command-r", byte_level(sequence(DIGITS, GPT2), normalizer=NFC)
    yield "llama3", "llama-bpe", byte_level(sequence(split(LLAMA3), BYTES), model={"ignore_merges": True},
                                            post={"type": "Sequence", "processors": [BYTES, template("<s>")]})
    yield "qwen2", "qwen2", byte_level(sequence(split(QWEN2), BYTES), normalizer=NFC, post=BYTES)
    yield "qwen35", "qwen35", byte_level(sequence(split(QWEN35), BYTES), normalizer=NFC)
    yield "deepseek_llm", "deepseek-llm", byte_level(sequence(
        split("[\r\n]"), split(LETTERS), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"), split("[一-龥ࠀ-一가-퟿]+"),
        DIGITS, BYTES))
    yield "deepseek_coder", "deepseek-coder", byte_level(sequence(
        split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), DIGITS, BYTES))
    yield "deepseek_v3", "deepseek-v3", byte_level(sequence(
        split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3), BYTES))
    yield "gpt4o", "gpt-4o", byte_level(sequence(split(GPT4O, "Removed", True), BYTES))
    yield "tekken", "tekken", byte_level(sequence(split(TEKKEN), BYTES), model={"ignore_merges": True})
    yield "falcon", "falcon", byte_level(sequence({"type": "Punctuation", "behavior": "Contiguous"}, GPT2,
                                                  {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")))
    yield "bloom", "bloom", byte_level(sequence(split(r" ?[^(\s|.,!?…。，、।۔،)]+"), BYTES))
    yield "bailing", "bailingmoe", byte_level(sequence(split(BAILING), BYTES))
    yield "seed_coder", "seed-coder", byte_level(sequence(split(SEED), BYTES))
    mask = added("<mask>", lstrip=True)
    yield "roberta", None, byte_level({**GPT2, "add_prefix_space": True}, tokens=SPECIALS + [mask],
                                      post={"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0],
                                            "trim_offsets": True, "add_prefix_space": True})
    flags = [added("<mask>", rstrip=True), added("<tag>", lstrip=True, rstrip=True, special=False),
             added("word", single_word=True, special=False), added("longest", special=False),
             added("longest match", special=False), added("  ", special=False), added("[CLS]", normalized=True, special=False),
             added("É", normalized=True, special=False)]
    yield "added_flags", None, byte_level(GPT2, tokens=SPECIALS + flags, normalizer={"type": "Lowercase"})
    yield "byte_normalizer", None, config(byte_model(), split(r"\w+|[^\w\s]+|\s+"), decoder=BYTE_DECODER, normalizer={
        "type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "ByteLevel"}]})

    blank, marker = {"String": " "}, {"String": "▁"}
    to_marker = {"type": "Replace", "pattern": blank, "content": "▁"}
    from_marker = {"type": "Replace", "pattern": marker, "content": " "}
    fuse = [{"type": "ByteFallback"}, {"type": "Fuse"}]
    bytes_model = marker_model(byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    yield "llama2", None, config(
        bytes_model, normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, to_marker]},
        decoder={"type": "Sequence", "decoders": [from_marker, *fuse, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        post=template("<s>", last=("</s>",)))
    runs = [added(c, special=False) for c in ("\n", "\n\n", "\t", "▁▁", "▁▁▁")]
    yield "gemma", None, config(bytes_model, split(" ", "MergedWithPrevious", kind="String"), to_marker,
                                {"type": "Sequence", "decoders": [from_marker, *fuse]}, tokens=SPECIALS + runs)
    yield "llama2_metaspace", None, config(
        bytes_model, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
        decoder={"type": "Sequence", "decoders": [from_marker, *fuse, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})
    unknown = marker_model(unk_token="<unk>")
    unknown["merges"] = [m if isinstance(m, str) else " ".join(m) for m in unknown["merges"]]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    yield "metaspace", None, config(unknown, metaspace, {"type": "NFKC"}, metaspace)
    never = {**metaspace, "prepend_scheme": "never"}
    yield "metaspace_never", None, config({**unknown, "fuse_unk": True}, never, {"type": "NFKD"}, never)
    yield "strip_decoder", None, config({**unknown, "byte_fallback": True}, split("▁", "MergedWithNext", kind="String"),
                                        to_marker, {"type": "Sequence", "decoders": [
                                            {"type": "Strip", "content": "▁", "start": 1, "stop": 0}, *fuse, from_marker,
                                            {"type": "Strip", "content": "e", "start": 0, "stop": 1},
                                            {"type": "Strip", "content": "t", "start": 2, "stop": 0}]})

    words = train([], 700, pre_tokenizers.BertPreTokenizer(), unk_token="<unk>", end_of_word_suffix="</w>")
    yield "bert_words", None, config(words, {"type": "BertPreTokenizer"}, {"type": "Sequence", "normalizers": [
        {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]})
    pieces = train([], 700, pre_tokenizers.Whitespace(), unk_token="<unk>", continuing_subword_prefix="##")
    pieces["fuse_unk"] = True
    yield "prefixed_pieces", None, config(pieces, {"type": "Whitespace"}, {
        "type": "Replace", "pattern": {"Regex": r"\s{2,}|[0-9]+"}, "content": " # "})

    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            name = "split_" + "".join("_" + c.lower() if c.isupper() else c for c in behavior).strip("_")
            yield name + ("_inverted" if invert else ""), None, byte_level(sequence(
                split(r"\p{Lu}|\d{2,}+|\h{3}|(?=\.)", behavior, invert), split("e", behavior, invert, "String"), BYTES))
        yield "punctuation_" + name.removeprefix("split_"), None, byte_level(
            sequence({"type": "Punctuation", "behavior": behavior}, BYTES))
    yield "white_space", None, byte_level(sequence({"type": "WhitespaceSplit"}, {"type": "CharDelimiterSplit", "delimiter": "."},
                                                   {"type": "Digits", "individual_digits": False}, BYTES))


def record(name, pre, content, seed):
    tokenizer = Tokenizer.from_str(json.dumps(content))
    rng = random.Random(seed)
    vectors = []
    for text in texts(seed, 90):
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        around = tokenizer.encode(text, add_special_tokens=True).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        vector = {"text": text, "ids": ids}
        try:
            vector["decoded"] = tokenizer.decode(ids, skip_special_tokens=False)
        except BaseException:  # the library fails where it strips more than there is
            pass
        if around != ids:
            vector["around"] = around
        if plain != ids:
            vector["plain"] = plain
        vectors.append(vector)
    size = tokenizer.get_vocab_size()
    decodes = []
    for _ in range(40):
        ids = [rng.randrange(size + 2) for _ in range(rng.choice([1, 3, 10, 30]))]
        try:
            decodes.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False),
                            "skipped": tokenizer.decode(ids, skip_special_tokens=True)})
        except BaseException:
            continue
    result = {"tokenizer": content, "vectors": vectors, "decodes": decodes}
    if pre:
        result["pre"] = pre
    folder = HERE / "vectors"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    for number, (name, pre, content) in enumerate(configurations()):
        record(name, pre, content, 1000 + number)
        print(name)
