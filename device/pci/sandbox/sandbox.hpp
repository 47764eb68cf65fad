// SPDX-License-Identifier: MIT
// Takes rights away from the process once it is set up: user id, new privileges, system calls.
//
// Called once, by main(), in this order: drop_privileges() before threads and GPU are made (the
// code cache must belong to the new user), filter_system_calls() after everything is open. The
// filter is an allow-list for all threads: what serving a client, threads, memory, the code
// generator and its cache need. Starting programs ends the process; everything else that is not
// listed fails with EPERM. Opening sockets, memory files and devices, changing ids and limits,
// tracing and forking are not listed. x86-64 and AArch64.
#pragma once

#include "base/result.hpp"

#include <string>

namespace kite::dev::pci {

/// If the process is root: becomes `user` (a name or number) with no groups. Always: no new
/// privileges. `give` (may be empty) is a folder that is made and given to the user. A user
/// namespace without that user keeps its root, with a warning.
[[nodiscard]] base::Result<void> drop_privileges(const std::string& user, const std::string& give);

/// Installs the filter for all threads of the process, now and later.
[[nodiscard]] base::Result<void> filter_system_calls();

} // namespace kite::dev::pci
