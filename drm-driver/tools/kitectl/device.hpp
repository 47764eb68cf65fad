// SPDX-License-Identifier: MIT
//
// Device: a kite render node, and the ioctls that kitectl needs.
//
// Owns the descriptor. Failure: std::system_error with what was tried.
#pragma once

#include "drm-driver/uapi/kite_drm.h"

#include <cstdint>
#include <string>

namespace kitectl {

/// Whose account.
struct Who {
    /// enum drm_kite_account_kind
    uint32_t kind = DRM_KITE_ACCOUNT_CLIENT;
    uint64_t id = 0;
};

/// An open node.
class Device {
public:
    /// @param path a node, or empty for the first render node of the driver
    explicit Device(const std::string& path);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    const std::string& path() const { return path_; }
    drm_kite_gpu_info gpu() const;
    drm_kite_memory_info memory() const;
    drm_kite_link_info link() const;
    drm_kite_telemetry telemetry() const;
    drm_kite_account account(Who who, uint32_t resource) const;
    void set_limit(Who who, uint32_t resource, uint64_t limit) const;
    /// @param op enum drm_kite_dma_rights_op
    drm_kite_dma_rights rights(Who who, uint32_t op, uint32_t rights) const;

private:
    template <class T>
    void query(uint32_t type, T& out) const;
    void call(unsigned long request, void* argument, const char* what) const;
    std::string path_;
    int fd_ = -1;
};

/// The cgroup (version 2) of a path below /sys/fs/cgroup, or of a whole path.
uint64_t cgroup_id(const std::string& path);

} // namespace kitectl
