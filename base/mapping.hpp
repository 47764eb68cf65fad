// SPDX-License-Identifier: MIT
// Owner of a memory mapping: unmaps it when destroyed. Move-only; one thread at a time (the memory
// itself may be shared freely).
//
// Example: auto map = Mapping::anonymous(1 << 20); if (!map) { return std::unexpected(map.error());
// }
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"

namespace kite::base {

/// A mapped range of this process's address space, or none.
class Mapping {
public:
    /// What may be done with the memory.
    enum class Access : uint8_t { none, read, read_write };

    /// Private zeroed memory.
    static Result<Mapping> anonymous(size_t size_bytes);
    /// Address space only: no access, no memory committed; a place for fixed mappings.
    static Result<Mapping> reserve(size_t size_bytes);
    /// Part of a file, shared with other mappings of it; offset is a multiple of the page size.
    static Result<Mapping> file(int fd, size_t size_bytes, uint64_t offset = 0,
                                Access access = Access::read_write);

    Mapping() = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { reset(); }

    /// First byte; nullptr if none.
    void* data() const { return data_; }
    /// Bytes mapped.
    size_t size_bytes() const { return size_; }
    /// The memory as bytes.
    std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), size_}; }
    /// The memory from a byte offset, as T.
    template <typename T>
    T* at(size_t offset_bytes = 0) const {
        return reinterpret_cast<T*>(static_cast<std::byte*>(data_) + offset_bytes);
    }
    /// True if there is one.
    explicit operator bool() const { return data_ != nullptr; }
    /// Unmap now.
    void reset();

private:
    Mapping(void* data, size_t size) : data_(data), size_(size) {}
    static Result<Mapping> map(size_t size, int protection, int flags, int fd, uint64_t offset);

    void* data_ = nullptr;
    size_t size_ = 0;
};

/// An anonymous file in memory of the given size, close-on-exec; `name` shows in /proc only.
Result<int> create_memfd(const char* name, uint64_t size_bytes);

} // namespace kite::base
