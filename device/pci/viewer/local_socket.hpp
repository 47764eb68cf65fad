// SPDX-License-Identifier: MIT
// UNIX sockets by path: listening, connecting. Whoever gets a descriptor owns it. Fails with what
// the system says.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <string>

namespace kite::dev::pci {

/// A listening socket that only this user may connect to; a stale one of that name is replaced.
[[nodiscard]] base::Result<base::UniqueFd> listen_local(const std::string& path);
/// A connection to one.
[[nodiscard]] base::Result<base::UniqueFd> connect_local(const std::string& path);

} // namespace kite::dev::pci
