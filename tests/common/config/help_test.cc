// The help, as golden text.
#include <gtest/gtest.h>

#include "common/config/config.h"

namespace gatehouse::config {
namespace {

TEST(Help, IsGroupedAndWrapped) {
  Schema schema;
  schema.program = "prog run";
  schema.description = "Does things, and says so in a sentence that is longer than a line.";
  schema.env_prefix = "PROG_";
  schema.options = {
      {.name = "listen-addr",
       .type = Type::kList,
       .default_text = "127.0.0.1:1",
       .group = "First",
       .help = "addresses"},
      {.name = "quiet",
       .type = Type::kBool,
       .default_text = "false",
       .group = "Second",
       .help = "say nothing"},
      {.name = "a-name-too-long-for-its-column",
       .type = Type::kDuration,
       .default_text = "5s",
       .group = "First",
       .help = "something that needs more words than fit into the rest of a line"},
      {.name = "mode",
       .type = Type::kEnum,
       .group = "Second",
       .help = "how",
       .choices = {"", "fast", "slow"},
       .deprecated = "it guesses well"},
      {.name = "n", .type = Type::kUint32, .help = "in no group"},
      {.name = "b", .type = Type::kBytes, .help = "bytes"},
      {.name = "s", .type = Type::kString, .help = "text"},
  };
  EXPECT_EQ(help_text(schema, 70),
            R"(Does things, and says so in a sentence that is longer than a line.

Usage:
  prog run [flags]

First:
  --listen-addr list                  addresses (default 127.0.0.1:1)
  --a-name-too-long-for-its-column duration
                                      something that needs more words
                                      than fit into the rest of a line
                                      (default 5s)

Second:
  --quiet                             say nothing
  --mode fast|slow                    how (deprecated: it guesses
                                      well)

Flags:
  --n number                          in no group
  --b size                            bytes
  --s text                            text

Each flag has an environment variable: PROG_LISTEN_ADDR for
--listen-addr.
)");
}

}  // namespace
}  // namespace gatehouse::config
