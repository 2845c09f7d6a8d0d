// check perf and check datascale: writes by many clients.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "ctl/families.h"
#include "ctl/http_get.h"
#include "ctl/invocation.h"
#include "ctl/kv.h"
#include "ctl/member_list.h"
#include "ctl/methods.h"
#include "ctl/progress.h"
#include "ctl/statistics.h"

namespace gatehouse::ctl {
namespace {

namespace pb = etcdserverpb;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPerfTime{60};
constexpr double kLeastShare = 0.9;  // of the rate asked for
constexpr double kSlowestSeconds = 0.5;
constexpr double kDeviationSeconds = 0.1;
constexpr size_t kPerfKeyBytes = 256;
constexpr size_t kValueBytes = 1024;
constexpr uint64_t kKeyNumbers = 10'000;
constexpr size_t kConnections = 8;  // shared by the clients

struct Load {
  int clients;
  uint64_t rate;  // writes a second (perf)
  uint64_t keys;  // in all (datascale)
};

std::optional<Load> load_named(std::string_view name) {
  if (name == "s" || name == "small") return Load{50, 150, 10'000};
  if (name == "m" || name == "medium") return Load{200, 1000, 100'000};
  if (name == "l" || name == "large") return Load{500, 8000, 1'000'000};
  if (name == "xl" || name == "xLarge") return Load{1000, 15'000, 3'000'000};
  return std::nullopt;
}

Exit read_load(const Invocation& in, Load& load) {
  const std::string& name = in.flags.text("load");
  const std::optional<Load> found = load_named(name);
  if (!found) return bad_feature("unknown load option " + name);
  load = *found;
  return {};
}

Exit prefix_must_be_free(Invocation& in, bool quoted) {
  std::string key = in.flags.text("prefix");
  const std::string prefix = key;
  std::string end;
  prefix_range(key, end);
  pb::RangeRequest request;
  request.set_key(key);
  request.set_range_end(end);
  request.set_limit(1);
  pb::RangeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kRange, request, &response));
  if (response.kvs_size() == 0) return {};
  const std::string remedy = in.program + " del --prefix " + prefix;
  return invalid_input("prefix " + go_quote(prefix) + " has keys. Delete with " +
                       (quoted ? "'" + remedy + "'" : remedy) + " first");
}

// Deletes what was written; compacts and defragments when asked to.
Exit clean_up(Invocation& in) {
  std::string key = in.flags.text("prefix");
  std::string end;
  prefix_range(key, end);
  pb::DeleteRangeRequest request;
  request.set_key(key);
  request.set_range_end(end);
  pb::DeleteRangeResponse response;
  CTL_RETURN_IF_ERROR(in.client().call(rpc::kDeleteRange, request, &response, Wait::kForever));
  if (in.flags.boolean("auto-compact")) {
    in.out.line("Compacting with revision " + std::to_string(response.header().revision()));
    pb::CompactionRequest compaction;
    compaction.set_revision(response.header().revision());
    compaction.set_physical(true);
    pb::CompactionResponse compacted;
    CTL_RETURN_IF_ERROR(in.client().call(rpc::kCompact, compaction, &compacted, Wait::kForever));
  }
  if (!in.flags.boolean("auto-defrag")) return {};
  for (const std::string& endpoint : in.client().options().endpoints) {
    in.out.line("Defragmenting " + go_quote(endpoint));
    Result<std::unique_ptr<Client>> client = connect_to(in, endpoint);
    CTL_RETURN_IF_ERROR(client.status());
    pb::DefragmentResponse defragmented;
    CTL_RETURN_IF_ERROR((*client)->call(rpc::kDefragment, {}, &defragmented, Wait::kForever));
  }
  return {};
}

// `make` gives the next put until there is none. What was done, and the first error.
struct Written {
  Statistics times;
  Status error;
  double seconds = 0;
};
Result<Written> write_all(Invocation& in, int clients,
                          const std::function<bool(pb::PutRequest&)>& make, ProgressBar& bar) {
  std::vector<std::unique_ptr<Client>> connections;
  for (size_t i = 0; i < kConnections; ++i) {
    Result<std::unique_ptr<Client>> client = Client::connect(in.client().options());
    GATEHOUSE_RETURN_IF_ERROR(client.status());
    connections.push_back(std::move(*client));
  }
  Written written;
  std::mutex mutex;  // over written and make
  const Clock::time_point start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    Client& client = *connections[static_cast<size_t>(i) % kConnections];
    threads.emplace_back([&] {
      Statistics times;
      pb::PutRequest request;
      pb::PutResponse response;
      Status error;
      while (error.ok()) {
        {
          const std::lock_guard lock(mutex);
          if (!make(request)) break;
        }
        const Clock::time_point sent = Clock::now();
        error = client.call(rpc::kPut, request, &response);
        times.add(Clock::now() - sent);
        bar.add(1);
      }
      const std::lock_guard lock(mutex);
      written.times.merge(times);
      if (written.error.ok()) written.error = error;
    });
  }
  for (std::thread& thread : threads) thread.join();
  written.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return written;
}

std::string number_key(const std::string& prefix, uint64_t number, size_t bytes) {
  std::string digits = std::to_string(number % kKeyNumbers);
  std::string key = prefix + std::string(bytes, '0');
  return key.replace(key.size() - digits.size(), digits.size(), digits);
}

std::string fixed(const char* format, double number) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

// One line of the verdict.
bool judge(Output& out, bool good, const std::string& bad_text, const std::string& good_text) {
  out.line(good ? "PASS: " + good_text : "FAIL: " + bad_text);
  return good;
}

}  // namespace

Exit run_check_perf(Invocation& in) {
  Load load{};
  CTL_RETURN_IF_FAILED(read_load(in, load));
  CTL_RETURN_IF_FAILED(in.connect());
  CTL_RETURN_IF_FAILED(prefix_must_be_free(in, true));
  const std::string& prefix = in.flags.text("prefix");
  const std::string value(kValueBytes, 'v');
  const uint64_t total = load.rate * static_cast<uint64_t>(kPerfTime.count());
  const Clock::time_point start = Clock::now();
  const auto interval = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(1.0 / static_cast<double>(load.rate)));
  uint64_t made = 0;
  std::optional<Result<Written>> written;
  {
    ProgressBar bar("check perf", total, "writes");
    // One every 1/rate seconds; who takes it waits for its time, and the others behind it.
    written = write_all(
        in, load.clients,
        [&](pb::PutRequest& put) {
          const Clock::time_point due = start + interval * made;
          if (due >= start + kPerfTime) return false;
          std::this_thread::sleep_until(due);
          if (Clock::now() >= start + kPerfTime) return false;
          put.set_key(number_key(prefix, made++, kPerfKeyBytes));
          put.set_value(value);
          return true;
        },
        bar);
  }
  CTL_RETURN_IF_ERROR(written->status());
  const Written& result = **written;
  CTL_RETURN_IF_FAILED(clean_up(in));
  if (!result.error.ok()) in.out.line("FAIL: " + result.error.message());
  bool pass = result.error.ok();
  const double rate = static_cast<double>(result.times.count()) / result.seconds;
  const auto asked = static_cast<double>(load.rate);
  if (rate / asked <= kLeastShare) {
    pass = false;
    in.out.line("FAIL: Throughput too low: " + std::to_string(std::llround(rate)) + " writes/s");
  } else {
    in.out.line("PASS: Throughput is " + std::to_string(std::llround(rate)) + " writes/s");
  }
  const std::string slowest = fixed("%fs", result.times.slowest());
  pass &= judge(in.out, result.times.slowest() <= kSlowestSeconds,
                "Slowest request took too long: " + slowest, "Slowest request took " + slowest);
  const std::string deviation = fixed("%fs", result.times.deviation());
  pass &= judge(in.out, result.times.deviation() <= kDeviationSeconds,
                "Stddev too high: " + deviation, "Stddev is " + deviation);
  in.out.line(pass ? "PASS" : "FAIL");
  return {pass ? kExitOk : kExitError};
}

Exit run_check_datascale(Invocation& in) {
  Load load{};
  CTL_RETURN_IF_FAILED(read_load(in, load));
  CTL_RETURN_IF_FAILED(in.connect());
  CTL_RETURN_IF_FAILED(prefix_must_be_free(in, false));
  const std::string& prefix = in.flags.text("prefix");
  const std::string value(kValueBytes, 'v');
  const std::string endpoint = in.client().options().endpoints.front();
  const Result<double> before = process_memory(endpoint, in.client().options().tls);
  CTL_RETURN_IF_ERROR(before.status());
  in.out.line("Start data scale check for work load [" + std::to_string(load.keys) +
              " key-value pairs, " + std::to_string(kValueBytes) + " bytes per key-value, " +
              std::to_string(load.clients) + " concurrent clients].");
  in.out.flush();
  uint64_t made = 0;
  std::optional<Result<Written>> written;
  {
    ProgressBar bar("check datascale", load.keys, "keys");
    written = write_all(
        in, load.clients,
        [&](pb::PutRequest& put) {
          if (made == load.keys) return false;
          put.set_key(prefix + std::to_string(made++));
          put.set_value(value);
          return true;
        },
        bar);
  }
  CTL_RETURN_IF_ERROR(written->status());
  const Result<double> after = process_memory(endpoint, in.client().options().tls);
  CTL_RETURN_IF_ERROR(after.status());
  CTL_RETURN_IF_FAILED(clean_up(in));
  const Status& error = (*written)->error;
  if (!error.ok()) {
    in.out.line("FAIL: ERROR(" + error.message() + ")");
    return {kExitError};
  }
  const double megabytes = (*after - *before) / (1024 * 1024);
  in.out.line("PASS: Approximate system memory used : " + fixed("%.2f MB.", megabytes));
  return {};
}

}  // namespace gatehouse::ctl
