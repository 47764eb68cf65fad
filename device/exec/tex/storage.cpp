// SPDX-License-Identifier: MIT
#include "device/exec/tex/storage.hpp"

#include "device/exec/tex/view.hpp"
#include "device/format/codec.hpp"

#include <atomic>
#include <bit>

namespace kite::dev::exec::tex {

namespace {

/// Where a lane's texel is; nullptr if outside or null.
std::byte* locate(const ImageView& view, const Lanes& lanes, unsigned lane, hw::Dim dim,
                  bool arrayed, bool ms) {
    if (view.null() || view.format->compressed)
        return nullptr;
    unsigned row = 0;
    const auto next = [&] { return static_cast<int32_t>(lanes.coord[row++][lane]); };
    const int32_t x = next();
    const int32_t y = dim == hw::Dim::d2 || dim == hw::Dim::d3 || dim == hw::Dim::cube ? next() : 0;
    int32_t z = dim == hw::Dim::d3 || dim == hw::Dim::cube ? next() : 0;
    if (arrayed)
        z = next();
    const int32_t sample = ms ? next() : 0;
    const Extent e = view.extent(0);
    const int32_t depth = view.desc.dim == hw::ViewDim::d3 ? e.d : view.layers;
    const bool buffer = view.desc.dim == hw::ViewDim::buffer;
    if (x < 0 || x >= e.w || y < 0 || (!buffer && y >= e.h) || z < 0 || (!buffer && z >= depth) ||
        sample < 0 || sample >= (1 << view.desc.log2_samples))
        return nullptr;
    return view.address(0, x, y, z, sample);
}

bool is_64bit(const ImageView& view) {
    return view.integer && view.format->bytes_per_block == 8 && view.format->channels == 1;
}

template <class T>
T apply(hw::AtomicOp op, T old, T value, T comparand) {
    using S = std::make_signed_t<T>;
    const auto s_old = static_cast<S>(old), s_value = static_cast<S>(value);
    switch (op) {
    case hw::AtomicOp::add:
        return static_cast<T>(old + value);
    case hw::AtomicOp::umin:
        return std::min(old, value);
    case hw::AtomicOp::umax:
        return std::max(old, value);
    case hw::AtomicOp::smin:
        return s_old < s_value ? old : value;
    case hw::AtomicOp::smax:
        return s_old > s_value ? old : value;
    case hw::AtomicOp::and_:
        return old & value;
    case hw::AtomicOp::or_:
        return old | value;
    case hw::AtomicOp::xor_:
        return old ^ value;
    case hw::AtomicOp::xchg:
        return value;
    case hw::AtomicOp::cmpxchg:
        return old == comparand ? value : old;
    default:
        break;
    }
    if constexpr (sizeof(T) == 4) {
        const float a = std::bit_cast<float>(old), b = std::bit_cast<float>(value);
        const float r = op == hw::AtomicOp::fadd   ? a + b
                        : op == hw::AtomicOp::fmin ? (b < a ? b : a)
                                                   : (b > a ? b : a);
        return std::bit_cast<T>(r);
    }
    return old;
}

template <class T>
T update(std::byte* p, hw::AtomicOp op, T value, T comparand) {
    std::atomic_ref<T> cell(*reinterpret_cast<T*>(p));
    T old = cell.load(std::memory_order_relaxed);
    while (!cell.compare_exchange_weak(old, apply<T>(op, old, value, comparand),
                                       std::memory_order_acq_rel)) {
    }
    return old;
}

} // namespace

void image_load(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::ImgldSub sub = hw::ImgldSub::unpack(inst.sub);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.exec >> lane) & 1) == 0)
            continue;
        const ImageView view = read_image(draw, lanes.image_va[lane]);
        const std::byte* p = locate(view, lanes, lane, sub.dim, sub.arrayed, sub.ms);
        if (p == nullptr)
            continue;
        Texel t{};
        if (inst.ty == hw::Type::u64) {
            uint64_t value = 0;
            std::memcpy(&value, p, std::min<size_t>(sizeof(value), view.format->bytes_per_block));
            lanes.result[0][lane] = static_cast<uint32_t>(value);
            lanes.result[1][lane] = static_cast<uint32_t>(value >> 32);
            lanes.result[6][lane] = 1;
            continue;
        }
        if (view.integer)
            format::decode_int(view.desc.format, p, t.u);
        else
            format::decode_float(view.desc.format, p, t.f);
        t = view.swizzle(t);
        for (unsigned n = 0; n < 4; ++n)
            lanes.result[n][lane] = t.u[n];
    }
}

void image_store(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::ImgstSub sub = hw::ImgstSub::unpack(inst.sub);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.store >> lane) & 1) == 0)
            continue;
        const ImageView view = read_image(draw, lanes.image_va[lane]);
        std::byte* p = locate(view, lanes, lane, sub.dim, sub.arrayed, sub.ms);
        if (p == nullptr)
            continue;
        if (inst.ty == hw::Type::u64) {
            const uint64_t value = lanes.data[0][lane] | uint64_t{lanes.data[1][lane]} << 32;
            std::memcpy(p, &value, std::min<size_t>(sizeof(value), view.format->bytes_per_block));
            continue;
        }
        Texel t;
        for (unsigned n = 0; n < 4; ++n)
            t.u[n] = lanes.data[n][lane];
        if (view.integer)
            format::encode_int(view.desc.format, t.u, p);
        else
            format::encode_float(view.desc.format, t.f, p);
    }
}

void image_atomic(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::ImgatomSub sub = hw::ImgatomSub::unpack(inst.sub);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.store >> lane) & 1) == 0)
            continue;
        const ImageView view = read_image(draw, lanes.image_va[lane]);
        std::byte* p = locate(view, lanes, lane, sub.dim, sub.arrayed, sub.ms);
        if (p == nullptr)
            continue;
        if (is_64bit(view) && inst.ty == hw::Type::u64) {
            const auto pair = [&](unsigned row) {
                return lanes.data[row][lane] | uint64_t{lanes.data[row + 1][lane]} << 32;
            };
            p = reinterpret_cast<std::byte*>(reinterpret_cast<uintptr_t>(p) & ~uintptr_t{7});
            const uint64_t old = update<uint64_t>(p, sub.aop, pair(0), pair(2));
            lanes.result[0][lane] = static_cast<uint32_t>(old);
            lanes.result[1][lane] = static_cast<uint32_t>(old >> 32);
        } else if (view.format->bytes_per_block == 4) {
            p = reinterpret_cast<std::byte*>(reinterpret_cast<uintptr_t>(p) & ~uintptr_t{3});
            lanes.result[0][lane] =
                update<uint32_t>(p, sub.aop, lanes.data[0][lane], lanes.data[2][lane]);
        }
    }
}

} // namespace kite::dev::exec::tex
