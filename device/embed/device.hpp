// SPDX-License-Identifier: MIT
// The device object behind kite_device.hpp: wires memory, executor, workers and queues.
//
// Made by kite_device_create(), freed by destroy(), which must come after all spaces and queues are
// gone. Thread-safe as the public header says. Nothing throws across the interface: allocation
// failure is -ENOMEM.
#pragma once

#include "base/unique_fd.hpp"
#include "device/front/queue.hpp"
#include "kite_device/device.hpp"

namespace kite::dev {

/// The GPU.
class DeviceImpl final : public Device {
public:
    /// Builds everything; @return 0 or -errno.
    static int create(const DeviceConfig& config, Device** out);
    const DeviceInfo& info() override { return info_; }
    int create_address_space(AddressSpace** out) override;
    int create_queue(AddressSpace* space, CompletionFn fn, void* user, Queue** out) override;
    uint64_t timestamp() override { return front::now_ns(); }
    uint32_t counters(Counter* out, uint32_t max) override;
    void destroy() override;

private:
    DeviceImpl() = default;
    ~DeviceImpl() = default;

    DeviceInfo info_{};
    base::UniqueFd vram_;
    front::Shared shared_;
    unsigned va_bits_ = 0;
    int owner_pid_ = 0;
};

/// Bytes that identify this build of the library: its linker build id, or a fixed text without one.
[[nodiscard]] std::string build_identity();

} // namespace kite::dev
