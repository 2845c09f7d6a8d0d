// Option values by their names in 3.7, whether an older name was used or not. Private to the
// command line.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/config.h"
#include "member/legacy_options.h"

namespace gatehouse::member {

class OptionValues {
 public:
  // Refers to the settings. InvalidArgument when an option is given by two names.
  static Result<OptionValues> of(const config::Settings& settings) {
    OptionValues values(settings);
    for (const RenamedOption& renamed : renamed_options()) {
      const Result<std::string> name = current_or_older_name(settings, renamed.now);
      if (!name.ok()) return name.status();
      if (*name != renamed.now) values.older_names_[renamed.now] = *name;
    }
    return values;
  }

  const config::Settings& settings() const { return *settings_; }

  const std::string& string(std::string_view name) const { return settings_->string(given(name)); }
  bool boolean(std::string_view name) const { return settings_->boolean(given(name)); }
  int64_t int64(std::string_view name) const { return settings_->int64(given(name)); }
  uint64_t uint64(std::string_view name) const { return settings_->uint64(given(name)); }
  uint32_t uint32(std::string_view name) const { return settings_->uint32(given(name)); }
  const std::vector<std::string>& list(std::string_view name) const {
    return settings_->list(given(name));
  }
  // Rounded up to milliseconds; etcd takes what is below 0 as 0 where it takes it at all.
  std::chrono::milliseconds duration(std::string_view name) const {
    const std::chrono::nanoseconds value = settings_->duration(given(name));
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(value),
                    std::chrono::milliseconds(0));
  }
  // The same, and `standard` for 0.
  std::chrono::milliseconds duration_or(std::string_view name,
                                        std::chrono::milliseconds standard) const {
    const std::chrono::milliseconds value = duration(name);
    return value.count() == 0 ? standard : value;
  }

  bool is_set(std::string_view name) const { return settings_->is_set(given(name)); }
  bool from_file(std::string_view name) const {
    return settings_->source(given(name)) == config::Source::kFile;
  }

  // The name under which the value was given.
  std::string_view given(std::string_view name) const {
    const auto older = older_names_.find(name);
    return older == older_names_.end() ? name : std::string_view(older->second);
  }

 private:
  explicit OptionValues(const config::Settings& settings) : settings_(&settings) {}

  const config::Settings* settings_;
  std::map<std::string_view, std::string> older_names_;
};

}  // namespace gatehouse::member
