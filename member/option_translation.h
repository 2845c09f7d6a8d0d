// From option values to Options, a group at a time. Private to the command line.
//
// Each fills its part of `options` (its warnings too) and returns InvalidArgument, in etcd's words
// where etcd has some, for the first thing that does not hold.
#pragma once

#include "member/option_values.h"
#include "member/options.h"

namespace gatehouse::member {

Status translate_log(const OptionValues& values, Options* options);
Status translate_urls(const OptionValues& values, Options* options);
Status translate_cluster(const OptionValues& values, Options* options);
Status translate_timing(const OptionValues& values, Options* options);
Status translate_storage(const OptionValues& values, Options* options);
Status translate_requests(const OptionValues& values, Options* options);
// After translate_urls: whether there is TLS is what the URLs say.
Status translate_security(const OptionValues& values, Options* options);

}  // namespace gatehouse::member
