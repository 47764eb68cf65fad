// SPDX-License-Identifier: MIT
// The drm back end: a kite render node, opened with one address space.
//
// enumerate() asks every kite node for its facts and closes it again; open() keeps it. What the
// kernel answers is checked before anything relies on it. Ownership: the Device and everything made
// from it share the Vm. Threading: thread-safe. Failure: Result; initialization_failed names what
// is wrong with a node.
#pragma once

#include "runtime/kmd/budget.hpp"
#include "runtime/kmd/drm/queue.hpp"

namespace kite::rt::kmd::drm {

/// Facts of all usable kite nodes, in the order of their minor numbers.
[[nodiscard]] std::vector<DeviceFacts> enumerate(Kernel& kernel = system_kernel());

/// What is free and what quotas leave; everything if the node cannot be asked.
[[nodiscard]] MemoryLeft memory_left(const DeviceFacts& facts, Kernel& kernel = system_kernel());

/// The device.
class DeviceImpl final : public Device {
public:
    /// Opens facts.node.
    static Result<std::unique_ptr<Device>> open(const DeviceFacts& facts,
                                                Kernel& kernel = system_kernel());
    DeviceImpl(std::shared_ptr<Vm> vm, DeviceFacts facts, QueueLimits limits)
        : vm_(std::move(vm)), facts_(std::move(facts)), limits_(limits) {}
    const DeviceFacts& facts() const override { return facts_; }
    Result<std::unique_ptr<Bo>> create_bo(const BoDesc& desc) override;
    Result<std::unique_ptr<Bo>> import_bo(int fd, uint64_t size_bytes) override;
    Result<void> bind(uint64_t va, Bo& bo, uint64_t offset, uint64_t size) override;
    Result<void> unbind(uint64_t va, uint64_t size) override;
    Result<std::unique_ptr<Queue>> create_queue(QueueClass engine) override;
    Result<std::unique_ptr<Timeline>> create_timeline(uint64_t initial) override;
    Result<std::unique_ptr<Timeline>> create_binary(bool signalled) override;
    Result<std::unique_ptr<Timeline>> import_sync(int fd, bool binary) override;
    Result<void> wait(const WaitSet& set, uint64_t deadline_ns) override;
    Result<ClockPair> clocks() override;

private:
    std::shared_ptr<Vm> vm_;
    DeviceFacts facts_;
    QueueLimits limits_;
};

} // namespace kite::rt::kmd::drm
