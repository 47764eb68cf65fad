// SPDX-License-Identifier: MIT
// Timelines and binary objects of the drm back end: syncobjs.
//
// What was seen signalled and what this process has submitted is remembered, which saves ioctls.
// A point signalled by the host while a larger one is pending is reached with the larger one (the
// kernel's chains grow only at their end). A wait for points that nobody has submitted sleeps in
// slices, so that a lost device ends it. Ownership: as kmd::Timeline. Threading: thread-safe.
// Failure: Result; device_lost once the Vm is.
#pragma once

#include "runtime/kmd/drm/vm.hpp"

namespace kite::rt::kmd::drm {

/// A syncobj.
class TimelineImpl final : public Timeline {
public:
    /// SYNCOBJ_CREATE of a timeline with a value.
    static Result<std::unique_ptr<Timeline>> create(std::shared_ptr<Vm> vm, uint64_t initial);
    /// SYNCOBJ_CREATE of a binary object.
    static Result<std::unique_ptr<Timeline>> create_binary(std::shared_ptr<Vm> vm, bool signalled);
    /// SYNCOBJ_FD_TO_HANDLE.
    static Result<std::unique_ptr<Timeline>> import(std::shared_ptr<Vm> vm, int fd, bool binary);
    /// Takes over the handle.
    TimelineImpl(std::shared_ptr<Vm> vm, uint32_t handle, bool binary)
        : vm_(std::move(vm)), handle_(handle), binary_(binary) {}
    ~TimelineImpl() override;
    TimelineImpl(const TimelineImpl&) = delete;
    TimelineImpl& operator=(const TimelineImpl&) = delete;

    Result<uint64_t> value() override;
    Result<void> signal(uint64_t value) override;
    Result<void> wait(uint64_t value, uint64_t deadline_ns) override;
    Result<void> reset() override;
    Result<int> export_fd() override;
    Result<int> export_sync_file(uint64_t value) override;
    Result<void> import_sync_file(int fd) override;

    /// Syncobj handle.
    [[nodiscard]] uint32_t handle() const { return handle_; }
    /// Binary object.
    [[nodiscard]] bool binary() const { return binary_; }
    /// The value as the kernel wants it: 0 for binary objects.
    [[nodiscard]] uint64_t point(uint64_t value) const { return binary_ ? 0 : value; }
    /// Seen signalled.
    [[nodiscard]] bool known_reached(uint64_t value) const {
        return !binary_ && reached_.load(std::memory_order_acquire) >= value;
    }
    /// Has a fence, as far as this process knows.
    [[nodiscard]] bool known_submitted(uint64_t value) const {
        return !binary_ && submitted_.load(std::memory_order_acquire) >= value;
    }
    /// Notes that a point was seen signalled.
    void note_reached(uint64_t value) { raise(reached_, value); }
    /// Notes that a point has a fence.
    void note_submitted(uint64_t value) { raise(submitted_, value); }

private:
    static void raise(std::atomic<uint64_t>& a, uint64_t value);
    std::shared_ptr<Vm> vm_;
    uint32_t handle_;
    bool binary_;
    std::atomic<uint64_t> reached_{0};
    std::atomic<uint64_t> submitted_{0};
};

/// What a wait is for.
enum class WaitFor : uint8_t { signalled, submitted };

/// Waits for points; see Device::wait. Points must be TimelineImpl of the Vm.
Result<void> wait_points(Vm& vm, const WaitSet& set, uint64_t deadline_ns,
                         WaitFor what = WaitFor::signalled);

} // namespace kite::rt::kmd::drm
