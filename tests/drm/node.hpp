// SPDX-License-Identifier: MIT
//
// Node: a kite render node opened raw, for tests of the ioctls themselves.
//
// Knows nothing of the runtime: every structure is filled by hand, so that a test can get any field
// wrong. ioctl() restarts what a signal interrupts and returns a negative errno. Space is a VM with
// one mapped buffer and a queue, enough to run packets. Ownership: RAII. Threading: as the kernel.
// Failure: helpers that must succeed throw std::runtime_error; tests skip without a kite device.
#pragma once

#include "drm-driver/uapi/kite_drm.h"
#include "kite_hw/packets.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace kite::drm_test {

/// Path of the first render node of a driver, or empty.
std::string find_node(const char* driver = "kite");

/// An open file of the driver.
class Node {
public:
    /// Opens the first node; throws without one.
    Node();
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    /// @return >= 0 or -errno
    int ioctl(unsigned long request, void* argument) const;
    /// ioctl() with a structure.
    template <class T>
    int call(unsigned long request, T& argument) const {
        return ioctl(request, &argument);
    }
    int fd() const { return fd_; }

    // Things that must work.
    drm_kite_gpu_info gpu() const;
    drm_kite_memory_info memory() const;
    uint32_t vm() const;
    uint32_t bo(uint64_t size,
                uint32_t flags = DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE,
                uint32_t exclusive_vm = 0) const;
    uint32_t queue(uint32_t vm, uint32_t queue_class = DRM_KITE_QUEUE_GRAPHICS) const;
    uint32_t syncobj(bool signalled = false) const;
    void* map(uint32_t bo, uint64_t size) const;

    // Things that may fail: 0 or -errno.
    int close_bo(uint32_t bo) const;
    int bind(uint32_t vm, const drm_kite_vm_bind_op& op) const;
    int bind_map(uint32_t vm, uint32_t bo, uint64_t va, uint64_t range, uint64_t offset = 0) const;
    int submit(uint32_t queue, std::span<const drm_kite_ib> ibs,
               std::span<const drm_kite_sync> syncs) const;
    int submit(uint32_t queue, std::initializer_list<drm_kite_ib> ibs,
               std::initializer_list<drm_kite_sync> syncs) const {
        return submit(queue, std::span(ibs.begin(), ibs.size()),
                      std::span(syncs.begin(), syncs.size()));
    }
    /// Waits for a binary syncobj or a point of a timeline.
    int wait(uint32_t syncobj, uint64_t point = 0, uint64_t timeout_ms = 60000) const;
    drm_kite_vm_get_state vm_state(uint32_t vm) const;
    uint32_t queue_state(uint32_t queue) const;

private:
    int fd_;
};

/// power/ of the PCI device behind a node, in sysfs.
class Power {
public:
    explicit Power(const Node& node);
    /// The first line of a file, or empty.
    std::string read(const char* name) const;
    /// Sets how long the device is idle before it sleeps; as root.
    void delay(int ms) const;
    /// Waits a minute at most until the device has a status; false if it does not get it.
    bool wait(const std::string& status) const;

private:
    std::string folder_;
};

/// A VM with a mapped buffer and a queue.
struct Space {
    explicit Space(const Node& n, uint64_t size = 65536,
                   uint32_t queue_class = DRM_KITE_QUEUE_GRAPHICS);
    ~Space();
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;
    static constexpr uint64_t kVa = 0x10000000;
    const Node& node;
    uint64_t bytes;
    uint32_t vm, bo, queue;
    uint32_t* host;
    /// Where the next packet goes, in dwords; the first half of the buffer is for data.
    uint32_t at;
    /// Writes a packet; its range.
    template <class P>
    drm_kite_ib emit(const P& p) {
        p.pack(host + at);
        drm_kite_ib ib{kVa + uint64_t{at} * 4, P::kDwords * 4, 0};
        at += P::kDwords;
        return ib;
    }
    /// Packets that store a dword in data slot `slot`.
    drm_kite_ib store(uint32_t slot, uint32_t value);
    /// Packets that wait until data slot `slot` is `value`; for ever if nobody writes it.
    drm_kite_ib gate(uint32_t slot, uint32_t value);
};

/// Wait for, and signal of, a binary syncobj (point 0) or a timeline's point.
drm_kite_sync wait_for(uint32_t syncobj, uint64_t point = 0);
drm_kite_sync signals(uint32_t syncobj, uint64_t point = 0);

/// Skips where there is no kite device.
class DrmIoctl : public ::testing::Test {
protected:
    void SetUp() override {
        if (find_node().empty())
            GTEST_SKIP() << "no kite render node";
        node = std::make_unique<Node>();
    }
    std::unique_ptr<Node> node;
};

} // namespace kite::drm_test
