// SPDX-License-Identifier: MIT
// The embedded back end: the device library in this process, loaded on demand.
//
// libkite-device.so is looked for in KITE_DEVICE_LIBRARY, beside the library that contains this
// code, then in ../device/embed/ and ../../device/embed/ of it (the build tree). It stays loaded
// for the life of the process: its threads and code must not vanish under a running queue.
// Ownership: one dev::Device and one address space per DeviceImpl. Threading: thread-safe. Failure:
// initialization_failed.
#pragma once

#include "runtime/kmd/embedded/queue.hpp"
#include "runtime/kmd/embedded/vram.hpp"

namespace kite::rt::kmd::embedded {

/// A buffer: a range of VRAM or a memfd of its own.
class BoImpl final : public Bo {
public:
    BoImpl(std::shared_ptr<Vram> vram, uint64_t offset, uint64_t size)
        : vram_(std::move(vram)), fd_(-1), offset_(offset), size_(size) {}
    BoImpl(int fd, uint64_t size) : fd_(fd), size_(size) {}
    ~BoImpl() override;
    BoImpl(const BoImpl&) = delete;
    BoImpl& operator=(const BoImpl&) = delete;
    uint64_t size_bytes() const override { return size_; }
    Result<void*> map() override;
    Result<int> export_fd() override;
    /// File and offset that hold the memory.
    [[nodiscard]] int backing_fd() const { return vram_ ? vram_->fd() : fd_; }
    /// Offset inside backing_fd().
    [[nodiscard]] uint64_t backing_offset() const { return offset_; }

private:
    std::shared_ptr<Vram> vram_; ///< null: own memfd
    int fd_;
    uint64_t offset_ = 0;
    uint64_t size_;
    std::mutex mutex_;
    void* host_ = nullptr;
};

/// Facts without loading the device library.
[[nodiscard]] DeviceFacts probe();

/// The device.
class DeviceImpl final : public Device {
public:
    /// Loads the library and creates device and address space.
    static Result<std::unique_ptr<Device>> open();
    DeviceImpl() = default;
    ~DeviceImpl() override;
    DeviceImpl(const DeviceImpl&) = delete;
    DeviceImpl& operator=(const DeviceImpl&) = delete;
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
    DeviceFacts facts_;
    dev::Device* device_ = nullptr;
    dev::AddressSpace* space_ = nullptr;
    std::shared_ptr<Vram> vram_;
    std::shared_ptr<TimelineHub> hub_ = std::make_shared<TimelineHub>();
};

} // namespace kite::rt::kmd::embedded
