// SPDX-License-Identifier: MIT
// Rows of format blocks between a surface of any layout and plain memory: the inner loops of all
// image copies.
//
// A Row addresses one row of one sample of a surface. read() and write() move `count` format blocks
// starting at column x; in tiled surfaces four neighbours are two runs of two texels, moved with
// fixed-size copies for the usual texel sizes. Pure functions on validated coordinates: the caller
// guarantees that [x, x + count) lies in the row. Thread-safe.
#pragma once

#include "device/format/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kite::dev::copy {

/// One row of format blocks of a surface.
struct Row {
    std::byte* base; ///< linear: block 0; tiled: texel 0 of this row in the first 4x4 block
    uint64_t step;   ///< tiled: bytes between 4x4 blocks; 0 = linear
    uint32_t bpb;    ///< bytes of a format block

    Row(const format::SurfaceView& s, uint32_t y, uint32_t z, uint32_t sample)
        : base(s.at(0, y, z, sample)), step(s.tiled ? s.block_bytes() : 0), bpb(s.bpb) {}
};

namespace detail {

template <bool kWrite>
inline void move_bytes(std::byte* surface, std::byte* memory, size_t n) {
    if constexpr (kWrite) {
        std::memcpy(surface, memory, n);
    } else {
        std::memcpy(memory, surface, n);
    }
}

/// kBytes = 0: the size is row.bpb.
template <bool kWrite, size_t kBytes>
inline void move_tiled(const Row& row, uint32_t x, uint32_t count, std::byte* memory) {
    const size_t b = kBytes != 0 ? kBytes : row.bpb;
    const uint32_t end = x + count;
    const auto single = [&](uint32_t i) {
        move_bytes<kWrite>(row.base + (i >> 2) * row.step + ((i & 1) | (i & 2) << 1) * b, memory,
                           b);
        memory += b;
    };
    while (x < end && (x & 3) != 0) {
        single(x++);
    }
    for (; x + 4 <= end; x += 4) {
        std::byte* p = row.base + (x >> 2) * row.step;
        move_bytes<kWrite>(p, memory, 2 * b);
        move_bytes<kWrite>(p + 4 * b, memory + 2 * b, 2 * b);
        memory += 4 * b;
    }
    while (x < end) {
        single(x++);
    }
}

template <bool kWrite>
inline void move(const Row& row, uint32_t x, uint32_t count, std::byte* memory) {
    if (row.step == 0) {
        move_bytes<kWrite>(row.base + uint64_t{x} * row.bpb, memory, size_t{count} * row.bpb);
        return;
    }
    switch (row.bpb) {
    case 1:
        return move_tiled<kWrite, 1>(row, x, count, memory);
    case 2:
        return move_tiled<kWrite, 2>(row, x, count, memory);
    case 4:
        return move_tiled<kWrite, 4>(row, x, count, memory);
    case 8:
        return move_tiled<kWrite, 8>(row, x, count, memory);
    case 16:
        return move_tiled<kWrite, 16>(row, x, count, memory);
    default:
        return move_tiled<kWrite, 0>(row, x, count, memory);
    }
}

} // namespace detail

/// Copies blocks x .. x + count of the row to memory.
inline void read_row(const Row& row, uint32_t x, uint32_t count, std::byte* memory) {
    detail::move<false>(row, x, count, memory);
}

/// Copies memory to blocks x .. x + count of the row.
inline void write_row(const Row& row, uint32_t x, uint32_t count, const std::byte* memory) {
    detail::move<true>(row, x, count,
                       const_cast<std::byte*>(memory)); // only read when writing the surface
}

} // namespace kite::dev::copy
