#include "common/base/version.h"

namespace gatehouse {

const std::string_view kVersion = GATEHOUSE_VERSION;

}  // namespace gatehouse
