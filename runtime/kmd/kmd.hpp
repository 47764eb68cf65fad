// SPDX-License-Identifier: MIT
// The kernel contract: what the runtime may ask of a kernel-mode driver. Two back ends implement
// it: embedded (the device in this process) and drm (kite.ko through ioctls). Its semantics are
// those of drm-driver/uapi/kite_drm.h: buffers without addresses, explicit VM_BIND, in-order
// queues, timeline sync objects; no implicit synchronisation.
//
// Ownership: the Device must outlive everything made from it; objects are destroyed by their
// destructors. A buffer may be destroyed while bound only after it was unbound. Threading: all
// calls are thread-safe; externally synchronise nothing. Failure: Result with out_of_device_memory,
// out_of_host_memory, device_lost, invalid_argument, timeout.
//
// Example:
//   auto dev = kmd::open(kmd::enumerate()->front());
//   auto bo = (*dev)->create_bo({.size_bytes = 65536, .host_visible = true});
//   (*dev)->bind(va, **bo, 0, 65536);
//   (*queue)->submit({.ibs = ibs, .waits = {}, .signals = signals});
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kite::rt::kmd {

template <class T>
using Result = base::Result<T>;

/// Where a device sits on its bus.
struct PciAddress {
    uint32_t domain = 0;   ///< PCI domain
    uint32_t bus = 0;      ///< bus number
    uint32_t device = 0;   ///< slot
    uint32_t function = 0; ///< function
};

/// Device numbers of the DRM nodes of a device.
struct DrmNodes {
    bool has_primary = false;  ///< a primary node exists
    int64_t primary_major = 0; ///< major of the primary node
    int64_t primary_minor = 0; ///< minor of the primary node
    int64_t render_major = 0;  ///< major of the render node
    int64_t render_minor = 0;  ///< minor of the render node
};

/// Facts about the device behind the contract.
struct DeviceFacts {
    std::string backend;             ///< "embedded" or "drm"
    std::string description;         ///< executor text for the device name
    uint32_t wave_size = 16;         ///< lanes
    std::string node;                ///< drm: path of the render node
    uint64_t vram_bytes = 0;         ///< heap size
    uint64_t vram_visible_bytes = 0; ///< part of it that the host can map
    uint64_t system_bytes = 0;       ///< system memory for Placement::system; 0: VRAM only
    bool vram_cached = true;         ///< host mappings of VRAM are cached
    uint64_t va_start = 0;           ///< first usable GPU address
    uint64_t va_end = 0;             ///< one past the last usable GPU address
    uint8_t code_uuid[16] = {};      ///< part of pipelineCacheUUID and driverUUID
    uint32_t vendor_id = 0x1af4;     ///< PCI vendor
    uint32_t device_id = 0x10f0;     ///< PCI device
    std::optional<PciAddress> pci;   ///< drm: its address
    std::optional<DrmNodes> drm;     ///< drm: its nodes
    bool dma_buf = false;            ///< exported memory is a dma-buf
    bool sync_fds = false;           ///< timelines and binary objects have file descriptors
    bool sync_files = false;         ///< points turn into sync files and back
};

/// Where memory should live.
enum class Placement : uint8_t {
    vram,   ///< device memory; may move to system memory under pressure
    system, ///< system memory, host mappings are cached
};

/// How to allocate.
struct BoDesc {
    uint64_t size_bytes = 0;               ///< > 0; rounded up to 4096
    bool host_visible = true;              ///< map() will be called
    bool exportable = false;               ///< has its own fd (swapchain images, external memory)
    Placement placement = Placement::vram; ///< ignored where DeviceFacts::system_bytes is 0
};

/// A GPU buffer: memory without an address.
class Bo {
public:
    virtual ~Bo() = default;
    /// Rounded size in bytes.
    [[nodiscard]] virtual uint64_t size_bytes() const = 0;
    /// Host mapping (whole buffer, coherent, same pointer on every call).
    [[nodiscard]] virtual Result<void*> map() = 0;
    /// A new file descriptor for the memory at offset 0 (exportable buffers only), owned by the
    /// caller: a dma-buf if DeviceFacts::dma_buf, else a memfd.
    [[nodiscard]] virtual Result<int> export_fd() = 0;
};

/// A timeline: a 64-bit value that only grows (a DRM timeline syncobj). Or a binary object, made by
/// create_binary(): signalled or not, values are ignored; a queue that waits for it also resets it.
class Timeline {
public:
    virtual ~Timeline() = default;
    /// Current value; device_lost once the context died.
    [[nodiscard]] virtual Result<uint64_t> value() = 0;
    /// Signals from the host.
    [[nodiscard]] virtual Result<void> signal(uint64_t value) = 0;
    /// Waits until value is reached. deadline_ns is absolute CLOCK_MONOTONIC (0 = poll, UINT64_MAX
    /// = for ever). timeout if not reached.
    [[nodiscard]] virtual Result<void> wait(uint64_t value, uint64_t deadline_ns) = 0;
    /// Binary objects: back to unsignalled.
    [[nodiscard]] virtual Result<void> reset() { return base::unsupported("binary sync objects"); }
    /// A new fd naming this object for another process, owned by the caller.
    [[nodiscard]] virtual Result<int> export_fd() { return base::unsupported("sync object fds"); }
    /// A new sync file that signals with the point, which must have been submitted.
    [[nodiscard]] virtual Result<int> export_sync_file(uint64_t value) {
        (void)value;
        return base::unsupported("sync files");
    }
    /// The object's payload becomes that of a sync file (no ownership of the fd is taken).
    [[nodiscard]] virtual Result<void> import_sync_file(int fd) {
        (void)fd;
        return base::unsupported("sync files");
    }
};

/// A point on a timeline.
struct SyncPoint {
    Timeline* timeline = nullptr; ///< kept alive by the caller until the submission completed
    uint64_t value = 0;           ///< wait until >=, or signal to
};

/// A range of packets.
struct Ib {
    uint64_t address = 0; ///< GPU address
    uint32_t dwords = 0;  ///< length
};

/// One submission: waits, then packets, then signals. Waits may be on points that nobody has
/// submitted a signal for yet.
struct Submission {
    std::span<const Ib> ibs;          ///< may be empty (sync only)
    std::span<const SyncPoint> waits; ///< all must be reached first
    std::span<const SyncPoint>
        signals; ///< signalled when done, also (as lost) when the context is dead
};

/// An in-order queue.
class Queue {
public:
    virtual ~Queue() = default;
    [[nodiscard]] virtual Result<void> submit(const Submission& s) = 0;
    /// Empty string if healthy, else why the context died.
    [[nodiscard]] virtual std::string fault() = 0;
};

/// A multi-object wait helper: any = false waits for all.
struct WaitSet {
    std::span<const SyncPoint> points; ///< points
    bool any = false;                  ///< first one suffices
};

/// The engine behind a queue.
enum class QueueClass : uint8_t { graphics, compute, copy };

/// Two clocks read together.
struct ClockPair {
    uint64_t device_ns = 0;    ///< device clock, the one of timestamp queries
    uint64_t cpu_ns = 0;       ///< CLOCK_MONOTONIC
    uint64_t deviation_ns = 0; ///< most that the two are apart in time
};

/// An opened device with one address space.
class Device {
public:
    virtual ~Device() = default;
    [[nodiscard]] virtual const DeviceFacts& facts() const = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<Bo>> create_bo(const BoDesc& desc) = 0;
    /// Imports memory by fd (takes no ownership of the fd).
    [[nodiscard]] virtual Result<std::unique_ptr<Bo>> import_bo(int fd, uint64_t size_bytes) = 0;
    /// Synchronous VM_BIND: [va, va + size) shows bo at offset; all 4096-aligned. Replaces earlier
    /// bindings.
    [[nodiscard]] virtual Result<void> bind(uint64_t va, Bo& bo, uint64_t offset,
                                            uint64_t size) = 0;
    [[nodiscard]] virtual Result<void> unbind(uint64_t va, uint64_t size) = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<Queue>>
    create_queue(QueueClass engine = QueueClass::graphics) = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<Timeline>> create_timeline(uint64_t initial) = 0;
    /// A binary object (DeviceFacts::sync_fds).
    [[nodiscard]] virtual Result<std::unique_ptr<Timeline>> create_binary(bool signalled) {
        (void)signalled;
        return base::unsupported("binary sync objects");
    }
    /// An object by Timeline::export_fd()'s fd (no ownership is taken).
    [[nodiscard]] virtual Result<std::unique_ptr<Timeline>> import_sync(int fd, bool binary) {
        (void)fd;
        (void)binary;
        return base::unsupported("sync object fds");
    }
    [[nodiscard]] virtual Result<void> wait(const WaitSet& set, uint64_t deadline_ns) = 0;
    /// Device clock and host clock.
    [[nodiscard]] virtual Result<ClockPair> clocks() = 0;
};

/// Devices there are, without opening them (cheap: no threads, no LLVM, no device library loaded).
/// Used by instance enumeration. KITE_KMD chooses: drm, embedded, or auto (every kite render node;
/// the embedded device only where there is none).
[[nodiscard]] Result<std::vector<DeviceFacts>> enumerate();
/// Opens one of them. Embedded: loads libkite-device.so found beside the calling library (or
/// KITE_DEVICE_LIBRARY).
[[nodiscard]] Result<std::unique_ptr<Device>> open(const DeviceFacts& facts);
/// Opens the first of them.
[[nodiscard]] Result<std::unique_ptr<Device>> open();

} // namespace kite::rt::kmd
