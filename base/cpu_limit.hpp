// SPDX-License-Identifier: MIT
// How many CPUs this process may really use: its affinity mask, cut down by the CPU quota of its
// control groups (version 2 and version 1). Read afresh at each call; thread-safe; a file that
// cannot be read counts as "no limit".
#pragma once

#include <filesystem>

namespace kite::base {

/// CPUs to size a thread pool by, at least 1.
unsigned available_cpus();

/// CPU quota of this process's control groups in CPUs, 0 if there is none. The directories are
/// parameters for tests: where proc and the control group file systems are mounted.
double cgroup_cpu_quota(const std::filesystem::path& proc_self = "/proc/self",
                        const std::filesystem::path& cgroup_root = "/sys/fs/cgroup");

} // namespace kite::base
