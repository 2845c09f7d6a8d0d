#include "member/apply/applier.h"

#include <utility>

#include "member/apply/layers.h"

namespace gatehouse::apply {

std::unique_ptr<Applier> make_applier(const Parts& parts) {
  std::unique_ptr<Applier> chain = backend_layer(parts);
  chain = quota_layer(parts, std::move(chain));
  chain = capped_layer(parts, std::move(chain));
  return corrupt_layer(parts, std::move(chain));
}

}  // namespace gatehouse::apply
