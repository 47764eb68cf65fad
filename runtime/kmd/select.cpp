// SPDX-License-Identifier: MIT
// Which back end: every kite render node, else the embedded device; KITE_KMD forces one.
#include "base/env.hpp"
#include "base/log.hpp"
#include "runtime/kmd/budget.hpp"
#include "runtime/kmd/drm/device.hpp"
#include "runtime/kmd/embedded/device.hpp"

namespace kite::rt::kmd {

Result<std::vector<DeviceFacts>> enumerate() {
    std::string choice = base::env_string(base::env::kKmd).value_or("auto");
    if (choice != "auto" && choice != "drm" && choice != "embedded") {
        KITE_LOG(warn, "KITE_KMD={}: neither auto nor drm nor embedded; taken as auto", choice);
        choice = "auto";
    }
    std::vector<DeviceFacts> found;
    if (choice != "embedded")
        found = drm::enumerate();
    if (choice == "drm" && found.empty())
        return base::fail(base::ErrorCode::not_found, "KITE_KMD=drm: no usable kite render node");
    if (found.empty())
        found.push_back(embedded::probe());
    return found;
}

Result<std::unique_ptr<Device>> open(const DeviceFacts& facts) {
    return facts.backend == "drm" ? drm::DeviceImpl::open(facts) : embedded::DeviceImpl::open();
}

Result<std::unique_ptr<Device>> open() {
    auto all = enumerate();
    if (!all)
        return std::unexpected(all.error());
    return open(all->front());
}

MemoryLeft memory_left(const DeviceFacts& facts) {
    return facts.backend == "drm" ? drm::memory_left(facts) : MemoryLeft{};
}

} // namespace kite::rt::kmd
