// SPDX-License-Identifier: MIT
#include "base/cpu_limit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include <sched.h>
#include <unistd.h>

namespace kite::base {

namespace fs = std::filesystem;

namespace {

// The tighter of two quotas, where 0 means none.
double tighter(double a, double b) {
    return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

double quota_v2(const fs::path& dir) {
    std::ifstream in(dir / "cpu.max");
    std::string quota;
    double period = 0;
    if (!(in >> quota >> period) || quota == "max" || period <= 0) {
        return 0;
    }
    std::istringstream number(quota);
    double value = 0;
    return number >> value ? value / period : 0;
}

double quota_v1(const fs::path& dir) {
    std::ifstream quota_file(dir / "cpu.cfs_quota_us");
    std::ifstream period_file(dir / "cpu.cfs_period_us");
    double quota = 0;
    double period = 0;
    return quota_file >> quota && period_file >> period && quota > 0 && period > 0 ? quota / period
                                                                                   : 0;
}

// The tightest quota of a group and its ancestors, down to the mount point itself.
double walk_up(const fs::path& mount, std::string group, double (*read)(const fs::path&)) {
    double result = 0;
    while (true) {
        while (!group.empty() && group.back() == '/') {
            group.pop_back();
        }
        const std::string relative = group.empty() ? "" : group.substr(1);
        result = tighter(result, read(mount / relative));
        if (group.empty()) {
            return result;
        }
        const size_t slash = group.rfind('/');
        group.resize(slash == std::string::npos ? 0 : slash);
    }
}

bool names_cpu(const std::string& controllers) {
    std::istringstream list(controllers);
    std::string word;
    while (std::getline(list, word, ',')) {
        if (word == "cpu") {
            return true;
        }
    }
    return false;
}

unsigned affinity_cpus() {
    // Large machines need more than the fixed cpu_set_t; grow until the kernel is satisfied.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(cpus));
        if (set == nullptr) {
            break;
        }
        const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
        const bool ok = ::sched_getaffinity(0, bytes, set) == 0;
        const int count = ok ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (ok && count > 0) {
            return static_cast<unsigned>(count);
        }
    }
    return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

} // namespace

double cgroup_cpu_quota(const fs::path& proc_self, const fs::path& cgroup_root) {
    std::ifstream in(proc_self / "cgroup");
    std::string line;
    double result = 0;
    while (std::getline(in, line)) {
        const size_t first = line.find(':');
        const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos || second + 1 >= line.size() || line[second + 1] != '/') {
            continue;
        }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (controllers.empty()) {
            result = tighter(result, walk_up(cgroup_root, group, quota_v2));
        } else if (names_cpu(controllers)) {
            result = tighter(result, walk_up(cgroup_root / "cpu", group, quota_v1));
            result = tighter(result, walk_up(cgroup_root / controllers, group, quota_v1));
        }
    }
    return result;
}

unsigned available_cpus() {
    const unsigned cpus = affinity_cpus();
    const double quota = cgroup_cpu_quota();
    if (quota <= 0) {
        return cpus;
    }
    return std::clamp(static_cast<unsigned>(std::ceil(std::min(quota, 4096.0))), 1u, cpus);
}

} // namespace kite::base
