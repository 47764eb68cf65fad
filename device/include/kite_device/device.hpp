// SPDX-License-Identifier: MIT
// The device's one public header: the hardware as seen from the other side of the (virtual) cable.
//
// Implemented by libkite-device.so (core + executors). kmd/embedded loads that library on demand
// with dlopen and calls kite_device_create; device/pci (the vfio-user process) links the same core.
// Nothing here allocates through the caller. All calls are thread-safe unless said otherwise.
// Nothing throws. Errors are negative errno values (-EINVAL, -ENOMEM, -ENODEV...). Fault model: a
// bad packet, program or address kills the queue's context: its later submissions complete at once
// with Status::lost and fault() tells why. The process and other contexts live on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kite::dev {

/// Bumped on any change of this header; kite_device_create refuses another value.
inline constexpr uint32_t kDeviceAbi = 1;

/// What to build. Zero means "choose".
struct DeviceConfig {
    uint32_t abi = kDeviceAbi; ///< kDeviceAbi
    uint32_t wave_size = 0;    ///< 8 or 16; 0: 16 with AVX-512, else 8 (also KITE_WAVE_SIZE)
    uint32_t threads = 0; ///< workers including the queue thread; 0: from affinity and cgroup quota
                          ///< (also KITE_NUM_THREADS)
    uint32_t executor = 0; ///< 0: JIT with interpreter fallback, 1: interpreter, 2: JIT (also
                           ///< KITE_EXECUTOR=interp|jit)
    uint64_t vram_bytes =
        0; ///< size of VRAM; 0: three quarters of RAM. Pages are committed on first touch
    uint32_t hang_timeout_ms =
        0; ///< a submission running longer is killed; 0: 10000 (also KITE_HANG_TIMEOUT_MS)
    const char* cache_dir =
        nullptr; ///< on-disk code cache; nullptr: $XDG_CACHE_HOME/kite; "" disables
};

/// Properties of a created device.
struct DeviceInfo {
    uint32_t wave_size;    ///< lanes
    uint32_t threads;      ///< workers
    uint64_t vram_bytes;   ///< VRAM size
    uint32_t va_bits;      ///< address bits
    int vram_fd;           ///< memfd of VRAM; owned by the device, map it shared
    char description[128]; ///< e.g. "JIT (LLVM 19.1.7, AVX-512, 16 lanes)"
    uint8_t code_uuid[16]; ///< changes with build, LLVM version, CPU features, wave size
};

/// How a submission ended.
enum class Status : int32_t { ok = 0, lost = 1, hang = 2, fault = 3 };

/// Why a context died.
struct Fault {
    Status status;     ///< cause
    uint64_t address;  ///< GPU address of the fault or packet
    char message[240]; ///< text
};

/// One range of packets.
struct IndirectBuffer {
    uint64_t address;  ///< GPU address, 4-byte aligned
    uint32_t dwords;   ///< length
    uint32_t reserved; ///< 0
};

/// A GPU address space (one window of host memory).
class AddressSpace {
public:
    /// Maps [va, va+size) to the fd at offset (4 KiB aligned all). Replaces what was there.
    /// read_only forbids GPU writes.
    virtual int map(uint64_t va, uint64_t size, int fd, uint64_t offset, bool read_only) = 0;
    /// Removes mappings; reads then give zero, writes vanish.
    virtual int unmap(uint64_t va, uint64_t size) = 0;
    /// Host address of a GPU address inside the window (embedded mode uses it as vkMapMemory
    /// pointer).
    virtual void* host_pointer(uint64_t va) = 0;
    /// Destroys the space; no queue may use it any more.
    virtual void destroy() = 0;

protected:
    ~AddressSpace() = default;
};

/// Called on a device thread when a submission is done. Must not block and must not call back into
/// the queue except submit.
using CompletionFn = void (*)(void* user, uint64_t cookie, Status status);

/// An in-order execution queue of one context. Submissions of one queue execute in order; queues
/// share the workers.
class Queue {
public:
    /// Queues indirect buffers (copied); completion is called exactly once, in order, also after a
    /// fault.
    virtual int submit(const IndirectBuffer* ibs, uint32_t count, uint64_t cookie) = 0;
    /// The first fault of the context; returns false if healthy.
    virtual bool fault(Fault* out) = 0;
    /// Stops at the next opportunity, completes pending submissions with Status::lost, joins,
    /// frees.
    virtual void destroy() = 0;

protected:
    ~Queue() = default;
};

/// The GPU.
class Device {
public:
    virtual const DeviceInfo& info() = 0;
    virtual int create_address_space(AddressSpace** out) = 0;
    virtual int create_queue(AddressSpace* space, CompletionFn fn, void* user, Queue** out) = 0;
    /// Nanoseconds of the timestamp counter now (CLOCK_MONOTONIC).
    virtual uint64_t timestamp() = 0;
    /// Counters for tools: name -> value; returns the number of counters, fills up to max.
    struct Counter {
        const char* name;
        uint64_t value;
    };
    virtual uint32_t counters(Counter* out, uint32_t max) = 0;
    virtual void destroy() = 0;

protected:
    ~Device() = default;
};

/// Entry point of libkite-device.so. @return 0 or -errno.
extern "C" __attribute__((visibility("default"))) int kite_device_create(const DeviceConfig* config,
                                                                         Device** out);
using CreateFn = int (*)(const DeviceConfig*, Device**);

} // namespace kite::dev
