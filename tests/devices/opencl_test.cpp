// Every op and format on opencl:0, with all that it has and with as little as there may be.
#include "backends/opencl/device.h"
#include "compiler/device/compile_for.h"
#include "tests/devices/masks.h"

namespace trireme::devices_test {
namespace {

const char* const kOpenCl = "opencl:0";

TRIREME_CONFORMANCE(OpenCl, 1, open(kOpenCl, whole));
// Lists are enqueued a command at a time.
Result<std::shared_ptr<Device>> open_without_command_buffers() {
  TRIREME_ASSIGN(const std::shared_ptr<const opencl::Library> whole, opencl::Library::load("libOpenCL.so.1"));
  auto library = std::make_shared<opencl::Library>(*whole);
  library->clGetExtensionFunctionAddressForPlatform = [](cl_platform_id, const char*) -> void* { return nullptr; };
  TRIREME_ASSIGN(const std::vector<opencl::DeviceFacts> facts, opencl::find_devices(*library));
  TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, opencl::OpenClDevice::open(library, facts.at(0), kOpenCl));
  return compiler::compile_for(std::move(device));
}
TRIREME_CONFORMANCE(OpenClWithoutCommandBuffers, 0, open_without_command_buffers);

TRIREME_CONFORMANCE(LeastOpenCl, 0, open(kOpenCl, least), may_refuse);

// Where heads are long, a chunk of their positions has to be shorter.
class OpenClOfLittleShared : public conformance::Conformance {};
TEST_P(OpenClOfLittleShared, AgreesWithTheReference) { run(GetParam(), open(kOpenCl, little_shared)); }
INSTANTIATE_TEST_SUITE_P(All, OpenClOfLittleShared,
                         testing::ValuesIn(groups_of(4, {"attention F32 16 rows of 4x288 4/1x256",
                                                         "attention F16 16 rows of 4x288 4/1x256"})),
                         conformance::group_name);

// What has vectors, and one format with its quotients.
class OpenClOfOneLane : public conformance::Conformance {};
TEST_P(OpenClOfOneLane, AgreesWithTheReference) { run(GetParam(), open(kOpenCl, one_lane)); }
class OpenClWithoutExactDivision : public conformance::Conformance {};
TEST_P(OpenClWithoutExactDivision, AgreesWithTheReference) { run(GetParam(), open(kOpenCl, no_exact_division)); }
const std::vector<std::string> kVectorised = {"rope",        "rms_norm",     "fused_norm",
                                              "quantize_q8", "matmul Q4_0 ", "matmul_glu Q4_0 "};
std::vector<conformance::Group> vectorised(const std::vector<std::string>& attention) {
  std::vector<std::string> names = kVectorised;
  names.insert(names.end(), attention.begin(), attention.end());
  return groups_of(2, names);
}
// The driver takes seconds to build a kernel with barriers in loops, so of attention there are a few: one whose groups
// share the positions, too.
INSTANTIATE_TEST_SUITE_P(All, OpenClOfOneLane,
                         testing::ValuesIn(vectorised({"attention F16 13 rows of 3x24 4/2x32",
                                                       "attention F16 3 rows of 2x640 4/2x32"})),
                         conformance::group_name);
INSTANTIATE_TEST_SUITE_P(All, OpenClWithoutExactDivision,
                         testing::ValuesIn(vectorised({"attention F16 13 rows of 3x24 4/2x32"})),
                         conformance::group_name);

// Every weight format once as a gemv and once as a gemm: the driver takes a quarter of a second to build a kernel.
class OpenClFormats : public conformance::Conformance {};
TEST_P(OpenClFormats, AgreeWithTheReference) { run(GetParam(), open(kOpenCl, whole)); }
bool is_format_alone(const std::string& name) {
  return name.starts_with("matmul ") &&
         (name.find(" 1x1x") != std::string::npos || name.find(" 2x35x512") != std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(All, OpenClFormats, testing::ValuesIn(conformance::groups(2, is_format_alone)),
                         conformance::group_name);

TRIREME_LONG_CONFORMANCE(WholeOpenCl, 3, open(kOpenCl, whole));
TRIREME_LONG_CONFORMANCE(WholeOpenClOfOneLane, 2, open(kOpenCl, one_lane));
TRIREME_LONG_CONFORMANCE(WholeOpenClWithoutExactDivision, 2, open(kOpenCl, no_exact_division));
TRIREME_LONG_CONFORMANCE(WholeOpenClAsAGpu, 2, open(kOpenCl, as_a_gpu));
TRIREME_LONG_CONFORMANCE(WholeLeastOpenCl, 2, open(kOpenCl, least), may_refuse);

}  // namespace
}  // namespace trireme::devices_test
