// Character classes, as the official tokenizers library understands them.
#pragma once

namespace trireme::runtime {

bool is_white_space(char32_t value);        // Unicode's White_Space
bool is_number(char32_t value);             // categories N*
bool is_mark(char32_t value);               // categories M*
bool is_punctuation(char32_t value);        // categories P*
bool is_ascii_punctuation(char32_t value);  // !"#$%&'()*+,-./:;<=>?@[\]^_`{|}~
bool is_word_character(char32_t value);     // Alphabetic, M*, Nd, Pc, Join_Control (Unicode technical standard 18, \w)

}  // namespace trireme::runtime
