#include "tests/support/golden_model.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/files/safetensors_reader.h"

namespace trireme::testing_support {
namespace {

const runtime::SafetensorsTensor& require(const runtime::SafetensorsFile& file, const std::string& name) {
  const runtime::SafetensorsTensor* tensor = file.find(name);
  if (tensor) return *tensor;
  std::fprintf(stderr, "error: the reference data has no tensor %s\n", name.c_str());
  std::abort();
}

template <typename Element>
std::vector<Element> elements(const runtime::SafetensorsTensor& tensor) {
  std::vector<Element> values(tensor.data.size() / sizeof(Element));
  std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(Element));
  return values;
}

std::vector<int32_t> ids(const runtime::SafetensorsTensor& tensor) {
  const std::vector<int64_t> wide = elements<int64_t>(tensor);
  return {wide.begin(), wide.end()};
}

}  // namespace

GoldenModel load_golden_model(const std::string& name) {
  GoldenModel model;
  model.name = name;
  model.folder = std::string(TRIREME_TEST_DATA) + "/models/" + name;
  auto file = runtime::SafetensorsFile::open(model.folder + "/reference.safetensors");
  if (!file) {
    std::fprintf(stderr, "error: %s\n", file.error().message().c_str());
    std::abort();
  }
  model.input_ids = ids(require(*file, "input_ids"));
  model.greedy_ids = ids(require(*file, "greedy_ids"));
  model.logits = elements<float>(require(*file, "logits"));
  if (const auto* margins = file->find("greedy_margins")) {
    model.margins = elements<float>(*margins);
  } else {
    std::ifstream stream(std::string(TRIREME_TEST_DATA) + "/models/manifest.json");
    model.margins = nlohmann::json::parse(stream)["models"][name]["margins"].get<std::vector<float>>();
  }
  return model;
}

}  // namespace trireme::testing_support
