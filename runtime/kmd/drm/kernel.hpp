// SPDX-License-Identifier: MIT
// The seam between the drm back end and the kernel: the few system calls it makes, as a table.
//
// system_kernel() is the real one; tests hand in a fake that checks every argument (see
// tests/drm_mock). Calls return a negative errno instead of setting errno. call() restarts what a
// signal interrupted, as the uAPI promises it may. Ownership: a Kernel outlives everything opened
// through it. Threading: thread-safe. Failure: negative errno.
#pragma once

#include "runtime/kmd/kmd.hpp"

#include <string>
#include <vector>

namespace kite::rt::kmd::drm {

/// A render node of kite.ko.
struct Node {
    std::string path;     ///< e.g. /dev/dri/renderD128
    DrmNodes nodes;       ///< device numbers
    PciAddress pci;       ///< bus address
    bool on_pci = false;  ///< pci is known
    uint16_t vendor = 0;  ///< PCI vendor, if on_pci
    uint16_t product = 0; ///< PCI device, if on_pci
};

/// System calls.
class Kernel {
public:
    virtual ~Kernel() = default;
    /// Every render node whose driver is "kite".
    virtual std::vector<Node> nodes() = 0;
    /// Opens a node read-write. @return fd or -errno
    virtual int open(const char* path) = 0;
    /// Closes an fd of open() or of an ioctl.
    virtual void close(int fd) = 0;
    /// One ioctl, not restarted. @return >= 0 or -errno
    virtual int ioctl(int fd, unsigned long request, void* argument) = 0;
    /// Shared read-write mapping. @return 0 or -errno
    virtual int map(int fd, uint64_t offset, uint64_t size, void** out) = 0;
    /// Removes a mapping.
    virtual void unmap(void* address, uint64_t size) = 0;
    /// ioctl() until it is not interrupted. @return >= 0 or -errno
    int call(int fd, unsigned long request, void* argument);
};

/// The kernel this process runs on.
[[nodiscard]] Kernel& system_kernel();

} // namespace kite::rt::kmd::drm
