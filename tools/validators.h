// What makes a wrong value of an option wrong usage.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>

namespace trireme::tools {

// The whole text is a number from low to high, both included; no number is not.
template <typename Number>
CLI::Validator between(Number low, Number high) {
  return CLI::Validator(
      [low, high](std::string& text) {
        Number value{};
        const char* end = text.data() + text.size();
        const auto [parsed, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && parsed == end && value >= low && value <= high) return std::string();
        return fmt::format("'{}' is not a number from {} to {}", text, low, high);
      },
      "");
}

// `parse` gives a Result, whose error is what the user reads.
template <typename Parse>
CLI::Validator parsed_by(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) {
        const auto parsed = parse(text);
        return parsed ? std::string() : parsed.error().message();
      },
      "");
}

}  // namespace trireme::tools
