"""Records what SentencePiece does with random texts, for models as GGUF files carry them.

Run with PyPI's sentencepiece (0.2.3): python make_score_vectors.py. Writes scores/NAME.json: tokens, scores and types by
id, and texts with their ids and decoded text.
"""
import io
import json
import pathlib

import sentencepiece

from random_text import texts

HERE = pathlib.Path(__file__).parent


def token_type(model, i):
    if model.IsUnknown(i):
        return 2
    if model.IsControl(i):
        return 3
    if model.IsByte(i):
        return 6
    return 4 if model.IdToPiece(i) in ("<tag>", "\n", "longest", "▁▁") else 1


def record(name, prefix, **options):
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(t.replace("\0", "") for t in texts(1, 3000, specials=False)), model_writer=output,
        vocab_size=1200, model_type="bpe", normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=prefix, byte_fallback=True, user_defined_symbols=["<tag>", "\n", "longest", "▁▁"],
        character_coverage=0.98, minloglevel=2, allow_whitespace_only_pieces=True, split_by_whitespace=True, **options)
    model = sentencepiece.SentencePieceProcessor(model_proto=output.getvalue())
    # SentencePiece does not know control tokens in text.
    known = [t for t in texts(7, 150) if not any(s in t for s in ("<s>", "</s>", "<unk>", "\0"))]
    count = model.GetPieceSize()
    result = {"add_space_prefix": prefix, "tokens": [model.IdToPiece(i) for i in range(count)],
              "scores": [model.GetScore(i) for i in range(count)], "types": [token_type(model, i) for i in range(count)],
              "vectors": [{"text": t, "ids": model.EncodeAsIds(t)} for t in known]}
    folder = HERE / "scores"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    record("no_prefix", False)
    record("digits", False, split_digits=True)
    record("words_joined", False, split_by_unicode_script=False)
