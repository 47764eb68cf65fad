// SPDX-License-Identifier: MIT
// Records a device's submissions while they run: packets, the memory they can see, and what they
// left behind (KITE_CAPTURE).
//
// Before a submission, every page that its address space maps is hashed; pages that differ from
// what the file has already are written to it. Afterwards the pages are hashed again and the
// changes noted, so that a replay can be judged without the application. While a recorder exists
// submissions of all queues run one after the other. Memory is read through the objects' file
// descriptors, so untouched pages stay uncommitted and a shrunken file is no fault.
// Owned by the device; outlives its spaces and queues. Thread-safe. Failure ends the recording with
// a warning and disturbs nothing else.
#pragma once

#include "base/hash.hpp"
#include "base/unique_fd.hpp"
#include "device/trace/file_writer.hpp"
#include "kite_device/device.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>

struct ZSTD_CCtx_s;

namespace kite::dev::trace {

/// See the head of this file.
class Recorder {
public:
    /// Starts a file `<program>-<pid>-<n>.kitecap` in a directory, which is created if need be.
    [[nodiscard]] static base::Result<std::unique_ptr<Recorder>>
    create(const std::string& directory, uint32_t wave_size, uint32_t va_bits);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// A new address space; its number.
    [[nodiscard]] uint32_t add_space();
    /// The space is gone, and with it what it mapped.
    void remove_space(uint32_t space);
    /// The space maps part of a file now.
    void map(uint32_t space, uint64_t va, uint64_t bytes, int fd, uint64_t offset, bool read_only);
    /// [va, va + bytes) is a hole now.
    void unmap(uint32_t space, uint64_t va, uint64_t bytes);

    /// A submission is about to execute: waits until no other does, then records what it can see.
    void begin(uint32_t space, std::span<const IndirectBuffer> buffers);
    /// The submission begun last is done.
    void finish(uint32_t space, Status status);

private:
    // A memory object: the file behind one or more mappings.
    struct Object {
        uint32_t number = 0;
        base::UniqueFd fd;
        uint64_t device = 0, inode = 0; // identify the file
        uint32_t mappings = 0;
        std::map<uint64_t, base::Hash128> pages; // content the capture file has; absent: zeros
    };
    struct Mapping {
        uint64_t end = 0, offset = 0;
        Object* object = nullptr;
        bool read_only = false;
    };
    using Space = std::map<uint64_t, Mapping>; // by first GPU address, disjoint
    using Visitor = std::function<void(Object&, uint64_t page, const base::Hash128&,
                                       std::span<const std::byte>)>;

    Recorder(std::unique_ptr<FileWriter> file);
    Object* object_of(int fd);
    void release(Object* object);
    void cut(Space& space, uint64_t va, uint64_t end);
    void visit(const Space& space, const Visitor& see);
    void visit_range(Object& object, uint64_t begin, uint64_t end, const Visitor& see);
    uint32_t chunk_of(const base::Hash128& hash, std::span<const std::byte> bytes);

    std::mutex order_; // held from begin() to finish()
    std::mutex mutex_; // guards all below
    std::unique_ptr<FileWriter> file_;
    std::map<uint32_t, Space> spaces_;
    uint32_t next_space_ = 0, next_object_ = 0, next_chunk_ = 0;
    std::vector<std::unique_ptr<Object>> objects_;
    std::unordered_map<base::Hash128, uint32_t> chunks_;
    std::vector<std::byte> page_, packed_;
    ZSTD_CCtx_s* zstd_;
};

} // namespace kite::dev::trace
