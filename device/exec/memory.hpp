// SPDX-License-Identifier: MIT
// How the shader engine turns (base, offset, limit) into bytes: the one definition both executors
// follow.
//
// Global memory is the window of the address space: with a limit, the base is masked and an offset
// below 2^31 added (the guard behind the window catches the overhang); without one, the whole sum
// is masked. Scratch is private to a lane and interleaved by dword, so that equal offsets of
// neighbouring lanes are neighbours. Values only; nothing is checked here beyond what fits() says.
// A GPU program may race with anything on this memory, hence memcpy-sized volatile-free accesses.
#pragma once

#include "device/exec/executor.hpp"

#include <cstring>

namespace kite::dev::exec {

/// The bounds rule: offset + imm + bytes <= min(limit, 2^31 - 1).
inline bool fits(uint64_t offset, uint32_t imm, uint64_t bytes, uint32_t limit) {
    return offset + imm + bytes <= (limit < 0x7fffffffu ? limit : 0x7fffffffu);
}

/// Offset of a global access inside the window.
inline uint64_t global_offset(const DrawContext& draw, uint64_t base, uint64_t offset, uint32_t imm,
                              bool limited) {
    return limited ? (base & draw.va_mask) + offset + imm : (base + offset + imm) & draw.va_mask;
}

/// A located access of one lane.
struct Access {
    std::byte* base = nullptr; ///< start of the memory
    uint64_t offset = 0;       ///< byte offset
    unsigned lane = 0;         ///< lane, for interleaved memory
    unsigned width = 1;        ///< W, for interleaved memory
    bool interleaved = false;  ///< scratch

    /// Host address of byte `at` of the access.
    [[nodiscard]] std::byte* byte(uint64_t at) const {
        const uint64_t o = offset + at;
        return base + (interleaved ? (o / 4 * width + lane) * 4 + o % 4 : o);
    }
    /// Little-endian value of `bytes` bytes.
    [[nodiscard]] uint64_t read(uint64_t at, unsigned bytes) const {
        uint64_t x = 0;
        if (!interleaved) {
            std::memcpy(&x, byte(at), bytes);
            return x;
        }
        for (unsigned i = 0; i < bytes; ++i) {
            x |= static_cast<uint64_t>(*byte(at + i)) << (8 * i);
        }
        return x;
    }
    /// Store the low `bytes` bytes.
    void write(uint64_t at, unsigned bytes, uint64_t x) const {
        if (!interleaved) {
            std::memcpy(byte(at), &x, bytes);
            return;
        }
        for (unsigned i = 0; i < bytes; ++i) {
            *byte(at + i) = static_cast<std::byte>(x >> (8 * i));
        }
    }
};

} // namespace kite::dev::exec
