#include "backends/cpu/onednn.h"

#include <dlfcn.h>

#include <oneapi/dnnl/dnnl.hpp>

namespace trireme::cpu {
namespace {

// oneDNN divides a call among the threads of whichever OpenMP it was built with; our pool has divided the work already.
// The thread count is a setting of the calling thread, which is put back as it was.
class SingleThread {
 public:
  SingleThread() : before_(openmp().get ? openmp().get() : 1) {
    if (before_ != 1 && openmp().set) openmp().set(1);
  }
  ~SingleThread() {
    if (before_ != 1 && openmp().set) openmp().set(before_);
  }
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  struct OpenMp {
    int (*get)();
    void (*set)(int);
  };
  static const OpenMp& openmp() {
    static const OpenMp functions = {reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads")),
                                     reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))};
    return functions;
  }

  int before_;
};

}  // namespace

bool onednn_matmul(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                   float* c, int64_t c_stride) {
  const SingleThread single;
  return dnnl_sgemm('N', 'T', m, n, k, 1.0f, a, a_stride, b, b_stride, 0.0f, c, c_stride) == dnnl_success;
}

// oneDNN throws where it refuses.
bool onednn_matmul_bf16(int64_t m, int64_t n, int64_t k, const uint16_t* a, int64_t a_stride, const uint16_t* b,
                        int64_t b_stride, float* c, int64_t c_stride) try {
  using dnnl::memory;
  const SingleThread single;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const memory::desc a_desc({m, k}, memory::data_type::bf16, memory::dims{a_stride, 1});
  const memory::desc b_desc({k, n}, memory::data_type::bf16, memory::dims{1, b_stride});
  const memory::desc c_desc({m, n}, memory::data_type::f32, memory::dims{c_stride, 1});
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc plan(engine, a_desc, b_desc, c_desc);
#else
  const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(a_desc, b_desc, c_desc), engine);
#endif
  dnnl::stream stream(engine);
  dnnl::matmul(plan).execute(stream, {{DNNL_ARG_SRC, memory(a_desc, engine, const_cast<uint16_t*>(a))},
                                      {DNNL_ARG_WEIGHTS, memory(b_desc, engine, const_cast<uint16_t*>(b))},
                                      {DNNL_ARG_DST, memory(c_desc, engine, c)}});
  stream.wait();
  return true;
} catch (const dnnl::error&) {
  return false;
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
}

}  // namespace trireme::cpu
