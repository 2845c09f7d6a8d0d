#include "proxy/upstream/picker.h"

#include "common/base/check.h"

namespace gatehouse::upstream {

size_t Picker::pick(std::span<const Load> candidates, bool stream) {
  CHECK(!candidates.empty());
  if (candidates.size() == 1) return candidates.front().index;
  if (stream) return fewest_streams(candidates);
  if (balancer_ == Balancer::kRoundRobin) return candidates[next_++ % candidates.size()].index;

  const size_t first = random_() % candidates.size();
  // The second from the others, so that two are compared even when there are only two.
  const size_t second = (first + 1 + random_() % (candidates.size() - 1)) % candidates.size();
  const Load& a = candidates[first];
  const Load& b = candidates[second];
  return a.calls <= b.calls ? a.index : b.index;
}

size_t Picker::fewest_streams(std::span<const Load> candidates) {
  const size_t start = next_++ % candidates.size();
  const Load* best = &candidates[start];
  for (size_t i = 1; i < candidates.size(); ++i) {
    const Load& load = candidates[(start + i) % candidates.size()];
    if (load.streams < best->streams) best = &load;
  }
  return best->index;
}

}  // namespace gatehouse::upstream
