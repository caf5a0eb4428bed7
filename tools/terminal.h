// What the program says and hears: stdout for results, stderr for people, and Ctrl-C.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hal/result.h"

namespace trireme::tools {

// Opens what the caller closed of the three standard streams, so that no file of ours takes its place; catches Ctrl-C;
// makes a closed pipe an error of print().
void prepare_streams();

// What errors of print() are about.
inline constexpr std::string_view kStandardOutput = "standard output";

// Writes to stdout. Errors: kIo when the reader has gone or the disk is full.
Status print(std::string_view text);
Status print_json(const nlohmann::ordered_json& value);

// Writes a line, or text without one, to stderr, for people. What cannot be written is lost.
void note(std::string_view line);
void show(std::string_view text);

// From now on spdlog's default logger writes to stderr what is of this level ("off", "error", "warn", "info", "debug")
// or above, as lines that begin with their level.
void start_log(const std::string& level);

// "error: <what>: <why>; <what to do>", on one line whatever the error quotes.
std::string error_line(const Error& error);

// Becomes true when the user presses Ctrl-C; a second press ends the program at once.
bool interrupted();
void clear_interrupt();

// As ::read() of stdin, but fails with EINTR while interrupted(), also when Ctrl-C came just before the call.
ssize_t read_input(void* data, size_t size);

std::string format_bytes(uint64_t bytes);      // "93.8 MiB"
std::string format_rate(double tokens_per_s);  // "212.4"

}  // namespace trireme::tools
