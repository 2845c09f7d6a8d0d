// --initial-cluster: who a cluster begins with.
//
//   m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380,m2=http://[fd00::2]:2380
//
// Errors are InvalidArgument in etcd's words, for the start-up log.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "member/membership/members.h"

namespace gatehouse::membership {

// Names and their sorted peer URLs. A name that is repeated has several.
using InitialCluster = std::map<std::string, std::vector<std::string>>;

// "" has no members. An item without "=" is a name with an empty URL, which is an error.
Result<InitialCluster> parse_initial_cluster(std::string_view text);

// As it is written, sorted: "m1=http://…,m2=http://…".
std::string to_text(const InitialCluster& cluster);

// Gives a URL the form in which equal places are equal ("http://localhost:2380" and
// "http://127.0.0.1:2380"). Without one, texts are compared.
using Resolve = std::function<std::string(const std::string& url)>;

// Fit for a new cluster: has a member `name` with exactly the advertised peer URLs (as parse_urls
// returns them), and no URL twice.
Status check_new_cluster(const InitialCluster& cluster, const std::string& name,
                         const std::vector<std::string>& advertised, const Resolve& resolve = {});

// Fit for joining an existing one: has a member `name`, and no URL twice.
Status check_existing_cluster(const InitialCluster& cluster, const std::string& name);

// Voters with their names and ids (ids.h), by id.
std::vector<Member> initial_members(const InitialCluster& cluster, std::string_view token);

}  // namespace gatehouse::membership
