// SPDX-License-Identifier: MIT
// A bump allocator: many small objects that die together. Memory comes in chunks and goes back when
// the arena is reset or destroyed; reset() keeps the largest chunk for reuse. Only trivially
// destructible types, because no destructor runs. One thread at a time. Out of memory throws
// std::bad_alloc, like any container.
//
// Example: Arena arena; Node* n = arena.make<Node>(1, 2); std::span<int> a =
// arena.make_array<int>(8);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kite::base {

/// Chunked bump allocator.
class Arena {
public:
    /// Chunks have at least this many bytes.
    explicit Arena(size_t chunk_bytes = 64 * 1024) : chunk_bytes_(chunk_bytes) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// Raw memory; alignment is a power of two.
    void* allocate(size_t size_bytes, size_t alignment = alignof(std::max_align_t));

    /// Construct one object.
    template <typename T, typename... Args>
        requires std::is_trivially_destructible_v<T>
    T* make(Args&&... args) {
        return ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    }
    /// Value-initialized array.
    template <typename T>
        requires std::is_trivially_destructible_v<T>
    std::span<T> make_array(size_t count) {
        T* first = static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
        std::uninitialized_value_construct_n(first, count);
        return {first, count};
    }
    /// Copy of a text, not zero-terminated.
    std::string_view copy(std::string_view text);

    /// Forget every object.
    void reset();
    /// Bytes handed out since the last reset, alignment gaps included.
    size_t used_bytes() const { return used_; }

private:
    struct Chunk {
        std::unique_ptr<std::byte[]> data;
        size_t size = 0;
    };
    std::vector<Chunk> chunks_;
    size_t chunk_bytes_;
    size_t used_ = 0;
    std::byte* at_ = nullptr;
    size_t left_ = 0;
};

} // namespace kite::base
