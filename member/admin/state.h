// State: what the plain HTTP paths ask of a member. The member implements it; tests fake it.
//
// Thread: that of the loop whose Router asks; one State for each loop, or one that may be asked by
// all.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/unique_function.h"

namespace gatehouse::admin {

enum class Alarm : uint8_t { kNospace, kCorrupt, kUnknown };

struct Versions {
  std::string server;   // "3.7.1"
  std::string cluster;  // "3.7.0"; empty while the cluster has not agreed on one
  std::string storage;  // "3.7.0"; empty while it is not known
};

class State {
 public:
  // Comes once, on the asking loop, never from within the call that took it. The message of a
  // status that is not OK goes to the client as it is: the internal text of the error.
  using Done = UniqueFunction<void(const Status& status)>;

  virtual bool has_leader() const = 0;
  virtual bool is_learner() const = 0;
  virtual bool auth_enabled() const = 0;
  // Those that any member has raised.
  virtual std::vector<Alarm> alarms() const = 0;
  virtual Versions versions() const = 0;

  // A read of one key, as root: whether this member can serve one from what it has, and whether it
  // can find out that nothing newer exists. It gives up by itself after the member's request
  // timeout.
  virtual void serializable_read(Done done) = 0;
  virtual void linearizable_read(Done done) = 0;

  // More for /debug/vars: name and value, the value as JSON.
  virtual std::vector<std::pair<std::string, std::string>> debug_variables() const { return {}; }

 protected:
  ~State() = default;
};

}  // namespace gatehouse::admin
