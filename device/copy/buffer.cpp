// SPDX-License-Identifier: MIT
#include "device/copy/copy.hpp"

#include "base/thread_pool.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::copy {

using base::ErrorCode;
using base::fail;

namespace {

constexpr uint64_t kChunk = 256 << 10;

/// fn(offset, size) over [0, size) in chunks, on the pool if there is more than one.
template <class Fn>
void for_chunks(const Engine& engine, uint64_t size, Fn fn) {
    if (size <= kChunk) {
        fn(uint64_t{0}, static_cast<size_t>(size));
        return;
    }
    engine.pool->parallel_for((size + kChunk - 1) / kChunk, [&](uint64_t i, unsigned) {
        if (!engine.killed()) {
            fn(i * kChunk, static_cast<size_t>(std::min(kChunk, size - i * kChunk)));
        }
    });
}

} // namespace

base::Result<void> copy_buffer(const Engine& engine, const hw::CopyBufferPacket& p) {
    if (!engine.contains(p.src, p.size_bytes) || !engine.contains(p.dst, p.size_bytes)) {
        return fail(ErrorCode::corrupt, "range outside the address space");
    }
    for_chunks(engine, p.size_bytes, [&](uint64_t offset, size_t size) {
        std::memmove(engine.window + p.dst + offset, engine.window + p.src + offset, size);
    });
    engine.moved(p.src, p.size_bytes, false);
    engine.moved(p.dst, p.size_bytes, true);
    return {};
}

base::Result<void> fill_buffer(const Engine& engine, const hw::FillBufferPacket& p) {
    if (!engine.contains(p.dst, p.size_bytes)) {
        return fail(ErrorCode::corrupt, "range outside the address space");
    }
    if (p.dst % 4 != 0 || p.size_bytes % 4 != 0) {
        return fail(ErrorCode::corrupt, "address or size is not a multiple of 4");
    }
    for_chunks(engine, p.size_bytes, [&](uint64_t offset, size_t size) {
        std::byte* out = engine.window + p.dst + offset;
        if (p.value == (p.value & 0xff) * 0x01010101u) {
            std::memset(out, static_cast<int>(p.value & 0xff), size);
        } else {
            std::fill_n(reinterpret_cast<uint32_t*>(out), size / 4, p.value);
        }
    });
    engine.moved(p.dst, p.size_bytes, true);
    return {};
}

} // namespace kite::dev::copy
