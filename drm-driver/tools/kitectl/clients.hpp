// SPDX-License-Identifier: MIT
//
// Who has a kite device open, as /proc tells it. Processes that one may not look at are left out.
#pragma once

#include "text.hpp"

#include <filesystem>

namespace kitectl {

/// All clients, each once (several descriptors may be one file), by id; of one process if pid > 0.
std::vector<Client> find_clients(int pid = 0, const std::filesystem::path& proc = "/proc");

} // namespace kitectl
