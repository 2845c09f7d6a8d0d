// The words of a line that is typed into txn or `watch -i`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace gatehouse::ctl {

// "double quoted" words take Go's escapes, 'single quoted' ones stand as they are, others end at
// white space. A quote within a word is part of it, one that is not closed is skipped; a quoted
// word ends at its quote, whatever follows. InvalidArgument: an escape that is none.
//
//   put "a\tb" 'c d' e"f  ->  put, a<TAB>b, c d, e"f
Result<std::vector<std::string>> split_words(std::string_view line);

std::string_view trimmed(std::string_view text);

}  // namespace gatehouse::ctl
