// Linearizability: is there one order of the operations on a key that explains every answer, in
// which none comes before it was asked or after its answer was told?
//
// The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993): take any
// operation that could be next, go on, come back if that leads nowhere. As Lowe has it ("Testing
// for linearizability", 2017), what was tried is remembered: the set of operations taken and the
// value the key has then; a set that was reached before with the same value is not tried again.
// That a history is linearizable if that of each key is ("locality", Herlihy and Wing, 1990) keeps
// the searches short.
//
// Operations without an answer would make it long: each could be anywhere, or nowhere. But every
// write has its own value. One whose value nobody found may be left out: wherever it is put in a
// good order, nobody looks between it and the next write. One whose value somebody found was
// carried out, before the answer that told of it, and so was what it had to find. Only deletions
// stay open to the end.
//
// Of the revisions that answers carry, which number all changes of all keys, check_revisions() asks
// what etcd promises on top: that they order operations on different keys, too, as they happened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/sim/history.h"

namespace gatehouse::sim {

// Nothing if the history of one key is linearizable. Else the operation that no order gets past.
// The search gives up after `max_steps`, which counts as success: 0 if it did, in `steps_left`.
std::optional<std::string> check_linearizable(const History& history, uint64_t& steps_left);

// Operations on all keys: an operation that was asked after another was answered does not have a
// lower revision, and not the same if it changed something.
std::optional<std::string> check_revisions(const std::vector<const History*>& histories);

std::string describe(const Operation& operation);

}  // namespace gatehouse::sim
