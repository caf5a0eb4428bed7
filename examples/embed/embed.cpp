// A program of your own that writes text with Trireme. Build it against an installation:
//   cmake -S examples/embed -B build/embed -DCMAKE_PREFIX_PATH=<where Trireme is installed> && cmake --build
//   build/embed
// and run it:
//   embed                                            lists the devices
//   embed model.gguf cpu:0 "The capital of France"   continues the text on the device of this name
#include <trireme/backends/built_in.h>
#include <trireme/compiler/device/compile_for.h>
#include <trireme/runtime/generate.h>
#include <trireme/runtime/generation_settings.h>
#include <trireme/runtime/model.h>
#include <trireme/runtime/planner.h>
#include <trireme/runtime/session.h>
#include <trireme/runtime/tokenizer/load_tokenizer.h>
#include <trireme/runtime/tokenizer/streaming_decoder.h>

#include <iostream>
#include <string>

using namespace trireme;

void list_devices(const Registry& registry) {
  for (const auto& backend : registry.backends()) {
    if (const auto reason = backend->unavailable())
      std::cout << backend->name() << ": unavailable, " << *reason << "\n";
    else
      for (const DeviceListing& device : backend->devices()) std::cout << device.id << ": " << device.name << "\n";
  }
}

// Trireme throws nothing: TRIREME_ASSIGN takes the value out of a Result, or returns its Error from this function.
Status write_text(const Registry& registry, const std::string& path, const std::string& device_id,
                  const std::string& text) {
  TRIREME_ASSIGN(const auto device, registry.open(device_id));
  TRIREME_ASSIGN(const auto model, runtime::Model::open(path));
  TRIREME_ASSIGN(const auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(const auto prompt, tokenizer->encode(text, {.add_bos = tokenizer->adds_bos()}));

  // A session is a model on its devices; here on one, with room for this text alone.
  runtime::GenerateOptions options;
  options.max_tokens = 32;
  options.end_ids = tokenizer->end_ids();
  const int64_t context = int64_t(prompt.size()) + options.max_tokens;
  TRIREME_ASSIGN(const auto plan, runtime::plan_placement(*model, {{device, {}}}, {.context = context}));
  TRIREME_ASSIGN(const auto session, runtime::Session::create(model, plan.placement, {.context = context}));
  TRIREME_ASSIGN(const auto sequence, session->create_sequence());

  // How the makers of the model want it sampled. For the same text every time, set temperature to 0.
  TRIREME_ASSIGN(const auto sampling, runtime::generation_settings(model->file()));
  TRIREME_ASSIGN(auto sampler, runtime::Sampler::create(sampling, size_t(model->hyperparameters().vocab)));

  // Tokens become text as they come; the decoder keeps back what is not a whole character yet.
  runtime::StreamingDecoder decoder(tokenizer, true);
  std::cout << text;
  TRIREME_TRY(runtime::generate(*session, sequence, prompt, sampler, options,
                                [&](int32_t token) { std::cout << decoder.push(token) << std::flush; }));
  std::cout << decoder.finish() << "\n";
  return {};
}

int main(int argc, char** argv) {
  Registry registry = built_in_backends();
  registry.compile_with(compiler::kernel_compiler());
  if (argc == 1) {
    list_devices(registry);
    return 0;
  }
  if (argc != 4) {
    std::cerr << "error: command line: it needs a model, a device and a text; or nothing, to list the devices\n";
    return 2;
  }
  if (const Status status = write_text(registry, argv[1], argv[2], argv[3]); !status) {
    std::cerr << "error: " << status.error().message() << "\n";
    return 1;
  }
  return 0;
}
