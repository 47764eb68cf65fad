// SPDX-License-Identifier: MIT
// A minimal client of kite.ko for the smoke tests: one open render node with an address space,
// plain ioctls, packets put together by hand. Every call asserts success and aborts the test
// otherwise; ioctl_error() is for calls that must fail. Not thread-safe; owns its file, nothing
// else. Example: Client c; auto bo = c.create(4096, DRM_KITE_BO_VRAM); c.bind(bo, 0x100000);
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kite_drm.h"

namespace kite::drmtest {

/// A buffer and, if mapped, its bytes.
struct Buffer {
    std::uint32_t handle = 0;       ///< GEM handle
    std::uint64_t size = 0;         ///< bytes
    std::uint32_t* words = nullptr; ///< CPU mapping, or null
};

/// Packets being put together.
class Packets {
public:
    /// Store `value` into `bytes` bytes at `va`.
    Packets& fill(std::uint64_t va, std::uint64_t bytes, std::uint32_t value);
    /// Copy memory.
    Packets& copy(std::uint64_t from, std::uint64_t to, std::uint64_t bytes);
    /// Wait until the dword at `va` is `value`; for ever if it never is.
    Packets& wait(std::uint64_t va, std::uint32_t value);
    /// The packets.
    [[nodiscard]] const std::vector<std::uint32_t>& words() const { return words_; }

private:
    void word64(std::uint64_t value);
    std::vector<std::uint32_t> words_;
};

/// One open render node.
class Client {
public:
    Client();
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// True if there is a kite render node; tests skip themselves otherwise.
    static bool available();

    /// The file.
    [[nodiscard]] int fd() const { return fd_; }
    /// The address space made by the constructor.
    [[nodiscard]] std::uint32_t vm() const { return vm_; }

    /// errno of an ioctl, 0 if it succeeded.
    int ioctl_error(unsigned long request, void* args) const;
    /// An ioctl that must succeed.
    void call(unsigned long request, void* args, const char* what) const;

    /// A new buffer, mapped for the CPU if `map`.
    [[nodiscard]] Buffer create(std::uint64_t size, std::uint32_t flags, bool map = true) const;
    /// Close the handle and unmap.
    void destroy(Buffer& buffer) const;
    /// Map for the CPU.
    void map(Buffer& buffer) const;
    /// Synchronous VM_BIND of one operation.
    [[nodiscard]] int bind_op(std::uint32_t op, std::uint32_t flags, std::uint32_t handle,
                              std::uint64_t offset, std::uint64_t va, std::uint64_t range) const;
    /// Map all of a buffer.
    void bind(const Buffer& buffer, std::uint64_t va, std::uint32_t flags = 0) const;
    /// Unmap a range.
    void unbind(std::uint64_t va, std::uint64_t range) const;

    /// A new queue of the address space.
    [[nodiscard]] std::uint32_t queue(std::uint32_t queue_class) const;
    /// A new binary syncobj.
    [[nodiscard]] std::uint32_t syncobj() const;
    /// Wait for a syncobj; errno, ETIME after the timeout.
    [[nodiscard]] int wait(std::uint32_t syncobj, std::uint64_t point = 0,
                           double seconds = 30.0) const;
    /// Submit the packets, which are put at `va`; returns errno. `syncobj` signals if not 0.
    [[nodiscard]] int submit(std::uint32_t queue, const Packets& packets, std::uint32_t syncobj);
    /// Submit on a queue and wait; returns errno of either.
    [[nodiscard]] int run(std::uint32_t queue, const Packets& packets);
    /// State of the address space.
    [[nodiscard]] drm_kite_vm_get_state vm_state() const;
    /// State of a queue.
    [[nodiscard]] drm_kite_queue_get_state queue_state(std::uint32_t queue) const;

private:
    int fd_ = -1;
    std::uint32_t vm_ = 0;
    Buffer commands_;
    std::size_t used_ = 0;
};

/// Where the commands of a client lie.
inline constexpr std::uint64_t kCommandsVa = 0x10'0000;
/// The first address that tests may use.
inline constexpr std::uint64_t kTestVa = 0x1000'0000;

} // namespace kite::drmtest
