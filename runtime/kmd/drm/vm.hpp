// SPDX-License-Identifier: MIT
// The opened node and its one address space; also where loss of the device is noticed.
//
// Every object of the back end shares one Vm. The kernel reports loss in three ways: ENODEV (gone),
// ECANCELED (the VM is banned), EIO (dead); error() maps an errno, remembers loss and logs the
// kernel's words once. Fences of lost work look signalled, so who saw one signal asks check()
// before believing it. Ownership: shared; the node closes with the last user, which frees all that
// the kernel still holds for it. Threading: thread-safe. Failure: Result.
#pragma once

#include "runtime/kmd/drm/kernel.hpp"

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace kite::rt::kmd::drm {

/// An opened render node with an address space.
class Vm {
public:
    /// Makes the address space; takes over fd.
    static Result<std::shared_ptr<Vm>> create(Kernel& kernel, int fd);
    Vm(Kernel& kernel, int fd) : kernel_(kernel), fd_(fd) {}
    ~Vm();
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// A restarted ioctl on the node. @return >= 0 or -errno
    int call(unsigned long request, void* argument) { return kernel_.call(fd_, request, argument); }
    /// System calls.
    [[nodiscard]] Kernel& kernel() { return kernel_; }
    /// The node.
    [[nodiscard]] int fd() const { return fd_; }
    /// Names the address space in ioctls.
    [[nodiscard]] uint32_t id() const { return id_; }

    /// Shows [offset, offset + size) of a buffer at va.
    Result<void> bind(uint64_t va, uint32_t bo, uint64_t offset, uint64_t size);
    /// Removes what is mapped there.
    Result<void> unbind(uint64_t va, uint64_t size);

    /// The error of a failed call, loss remembered.
    [[nodiscard]] base::Error error(int negative_errno, const char* what);
    /// device_lost if the address space or the device is lost (one ioctl while it is not).
    [[nodiscard]] Result<void> check();
    /// True once loss was noticed.
    [[nodiscard]] bool lost() const { return lost_; }
    /// What is said when lost().
    [[nodiscard]] base::Error lost_error() const;
    /// The kernel's words about the ban, or empty.
    [[nodiscard]] std::string fault();

    /// Adds a user of a GEM handle; several imports of one buffer give one handle.
    void hold(uint32_t handle);
    /// Removes a user; the last closes the handle.
    void drop(uint32_t handle);
    /// Imports a dma-buf and holds its handle.
    Result<uint32_t> import(int dma_buf);

private:
    void mark_lost(const std::string& why);
    /// VM_GET_STATE: empty if usable.
    std::string ask();
    int close_handle(uint32_t handle);

    Kernel& kernel_;
    int fd_;
    uint32_t id_ = 0;
    std::atomic<bool> lost_{false};
    std::mutex mutex_;                            ///< guards the next line and import/close order
    std::unordered_map<uint32_t, uint32_t> uses_; ///< of GEM handles
    mutable std::mutex text_mutex_;
    std::string why_;
};

} // namespace kite::rt::kmd::drm
