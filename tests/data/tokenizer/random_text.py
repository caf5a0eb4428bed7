"""Random Unicode texts that try what tokenizers find hard. Only characters that Unicode has had for long, since libraries
differ in the version that they know."""
import random

WORDS = ("the of and to in is was The Water OF tokenizer hello world don't CAN'T it's we'LL I'ſ they've he'D naïve café "
         "Straße ﬁne re résumé résumé Ωmega İstanbul ǅungla ʰa über ÅNGSTRÖM Привет мир ЁЛКА שלום مرحبا नमस्ते สวัสดี "
         "こんにちは 世界 漢字かな交じり カタカナ 안녕하세요 각각 Tiếng Việt x_1 snake_case camelCaseWord HTTPServer "
         "def return 'quoted' \"double\" a.b.c e.g. U.S.A. 10km 3rd").split(" ")
NUMBERS = ["0", "7", "12", "123", "1234", "12345", "1234567", "3.14", "1,000", "٣٤٥", "²³", "Ⅷ", "½", "१२३", "①"]
SPACES = [" ", " ", " ", " ", "  ", "   ", "     ", "\n", "\n\n", "\r\n", " \n", "\n ", "\t", "\t\t", " \n  \n", "\u00a0",
          "\u2003", "\u3000", "\u0085", "\u180e", "\u200b", "\ufeff", "\u2028", "\x0b", "\x0c", "\x1c", ""]
MARKS = [".", ",", "!", "?!", "...", "--", "(", ")", "[x]", "{}", "<", ">", "==", "!=", "/", "//", "\\", "#", "$5", "%", "&",
         "@", "^", "~", "`", "|", "+", "*", "。", "、", "！", "「」", "–", "—", "“", "”", "…", "¿", "€", "£", "©", "→", "∑", "'s",
         "'S", "'", "''", "▁", "▁▁", "<0x0A>", "Ġ", "Â", "##"]
EMOJI = ["🙂", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "🏳️‍🌈", "\u0301", "e\u0301", "o\u0323\u0302", "\u1100\u1161\u11a8", "ﷺ", "\u200d",
         "\U00010400", "\U0001d54f", "\u0130", "ﬀ", "\u0000", "\u0001", "\u007f", "\ue000"]
SPECIAL = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<mask>", "<tag>", "<TAG>", "word", "<|im_", "|>", " <mask> ",
           "  <tag>", "<tag>  ", "<mask>\n", "longest", "longest match", "<s><s>", "[CLS]"]


def texts(seed, count, specials=True):
    rng = random.Random(seed)
    kinds = [(WORDS, 10), (SPACES, 12), (NUMBERS, 3), (MARKS, 5), (EMOJI, 2)] + ([(SPECIAL, 2)] if specials else [])
    pools, weights = [k for k, _ in kinds], [w for _, w in kinds]
    result = ["", " ", "\n", "a", " a", "a ", "'s", "  a  b  "]
    while len(result) < count:
        parts = [rng.choice(rng.choices(pools, weights)[0]) for _ in range(rng.choice([1, 2, 4, 8, 16, 24]))]
        result.append("".join(parts))
    return result
