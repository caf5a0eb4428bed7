#include "runtime/files/gguf_metadata.h"

#include <limits>
#include <type_traits>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

template <typename T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <typename T>
std::optional<int64_t> widen(T value) {
  if constexpr (std::is_same_v<T, uint64_t>)
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<int64_t>(value);
}

template <typename T>
struct ElementOf {
  using Type = void;
};
template <typename T>
struct ElementOf<std::vector<T>> {
  using Type = T;
};

}  // namespace

std::optional<int64_t> as_integer(const GgufValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<int64_t> {
        if constexpr (kIsInteger<T>) return widen(held);
        return std::nullopt;
      },
      value);
}

std::optional<double> as_real(const GgufValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<double> {
        if constexpr (kIsInteger<T> || std::is_floating_point_v<T>) return static_cast<double>(held);
        return std::nullopt;
      },
      value);
}

std::optional<bool> as_bool(const GgufValue& value) {
  const bool* held = std::get_if<bool>(&value);
  return held ? std::optional(*held) : std::nullopt;
}

const std::string* as_text(const GgufValue& value) { return std::get_if<std::string>(&value); }

const std::vector<std::string>* as_texts(const GgufValue& value) {
  return std::get_if<std::vector<std::string>>(&value);
}

std::optional<std::vector<int64_t>> as_integers(const GgufValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<std::vector<int64_t>> {
        using Element = typename ElementOf<T>::Type;
        if constexpr (kIsInteger<Element>) {
          std::vector<int64_t> wide;
          wide.reserve(held.size());
          for (const Element element : held) {
            const std::optional<int64_t> one = widen(element);
            if (!one) return std::nullopt;
            wide.push_back(*one);
          }
          return wide;
        }
        return std::nullopt;
      },
      value);
}

std::optional<std::vector<double>> as_reals(const GgufValue& value) {
  return std::visit(
      []<typename T>(const T& held) -> std::optional<std::vector<double>> {
        using Element = typename ElementOf<T>::Type;
        if constexpr (kIsInteger<Element> || std::is_floating_point_v<Element>)
          return std::vector<double>(held.begin(), held.end());
        return std::nullopt;
      },
      value);
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

Status GgufMetadata::add(std::string key, GgufValue value) {
  if (!index_.emplace(key, entries_.size()).second)
    return fail(ErrorCode::kCorruptData, "key \"" + printable(key) + "\"", "it occurs twice");
  entries_.emplace_back(std::move(key), std::move(value));
  return {};
}

void GgufMetadata::set(std::string key, GgufValue value) {
  const auto [place, is_new] = index_.emplace(key, entries_.size());
  if (is_new)
    entries_.emplace_back(std::move(key), std::move(value));
  else
    entries_[place->second].second = std::move(value);
}

void GgufMetadata::erase(std::string_view key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  const size_t position = found->second;
  index_.erase(found);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(position));
  for (auto& [name, place] : index_)
    if (place > position) --place;
}

std::optional<int64_t> GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_integer(*value) : std::nullopt;
}

std::optional<double> GgufMetadata::real(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_real(*value) : std::nullopt;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_bool(*value) : std::nullopt;
}

const std::string* GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_text(*value) : nullptr;
}

const std::vector<std::string>* GgufMetadata::texts(std::string_view key) const {
  const GgufValue* value = find(key);
  return value ? as_texts(*value) : nullptr;
}

}  // namespace trireme::runtime
