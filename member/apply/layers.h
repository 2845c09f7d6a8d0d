// The layers of the applier, outermost first. See applier.h.
#pragma once

#include <memory>

#include "member/apply/applier.h"

namespace gatehouse::apply {

std::unique_ptr<Applier> corrupt_layer(const Parts& parts, std::unique_ptr<Applier> next);
std::unique_ptr<Applier> capped_layer(const Parts& parts, std::unique_ptr<Applier> next);
std::unique_ptr<Applier> quota_layer(const Parts& parts, std::unique_ptr<Applier> next);
std::unique_ptr<Applier> backend_layer(const Parts& parts);

}  // namespace gatehouse::apply
