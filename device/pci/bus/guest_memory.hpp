// SPDX-License-Identifier: MIT
// Guest memory as the bus shows it: bus addresses -> files of the client, or nothing.
//
// Holds one entry per DMA_MAP; files are shared between entries, so that thousands of small maps
// cost few descriptors. Written by the server thread, read by engines: find() and copy() take the
// lock shared, and on return of unmap() no copy uses the range any more. Ranges without a file are
// remembered but not reachable. Only regular (memory) files are accepted, and only as far as they
// reach. Errors are positive errno values.
#pragma once

#include "base/mapping.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <utility>

namespace kite::dev::pci {

/// The memory behind the bus.
class GuestMemory {
public:
    static constexpr size_t kMaxRanges = 65535; ///< what the client may map
    static constexpr uint64_t kChunk = 1 << 20; ///< most that one copy() moves

    /// A place in a file.
    struct Place {
        int fd;          ///< owned by GuestMemory, valid while the caller holds its lock
        uint64_t offset; ///< in the file
        uint64_t size;   ///< bytes from there on that belong to the range
        bool writable;   ///< the device may write
    };

    /// Adds a range. EEXIST if it overlaps, EINVAL for a file that does not reach.
    int map(uint64_t address, uint64_t size, uint64_t offset, bool writable, base::UniqueFd fd);
    /// Removes an exact range. ENOENT if there is none.
    int unmap(uint64_t address, uint64_t size);
    /// Removes everything.
    void clear();
    /// Calls use(place) with the lock held if the address is reachable. False if not.
    template <class F>
    bool with_place(uint64_t address, F use) const {
        const std::shared_lock lock(mutex_);
        const auto place = locate(address);
        if (place) {
            use(*place);
        }
        return place.has_value();
    }
    /// Copies up to kChunk bytes between the bus and host memory. Bytes moved; 0: not reachable (or
    /// not writable).
    [[nodiscard]] uint64_t copy(uint64_t address, std::byte* host, uint64_t size,
                                bool to_guest) const;

private:
    struct File {
        base::UniqueFd fd;
    };
    struct Range {
        uint64_t size;
        uint64_t offset;
        bool writable;
        std::shared_ptr<File> file; // null: not reachable
        base::Mapping view;         // empty if not reachable
    };
    using FileKey = std::pair<uint64_t, uint64_t>; // device, inode
    [[nodiscard]] std::optional<Place> locate(uint64_t address) const;
    [[nodiscard]] const std::pair<const uint64_t, Range>* range_of(uint64_t address) const;

    mutable std::shared_mutex mutex_;
    std::map<uint64_t, Range> ranges_;
    std::map<FileKey, std::weak_ptr<File>> files_;
};

} // namespace kite::dev::pci
