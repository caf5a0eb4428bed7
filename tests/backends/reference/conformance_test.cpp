#include "tests/conformance/suite.h"

namespace trireme {
namespace {

TRIREME_CONFORMANCE(Reference, 3, [] { return reference::create_backend()->open(0, {}); });

}  // namespace
}  // namespace trireme
