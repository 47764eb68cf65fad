// SPDX-License-Identifier: MIT
#include "device/exec/atomics.hpp"

#include "device/exec/numeric.hpp"

#include <atomic>

namespace kite::dev::exec {

namespace {

using hw::AtomicOp;
using hw::Type;

template <typename F, typename Bits>
uint64_t float_result(AtomicOp op, uint64_t old, uint64_t value) {
    const F a = float_from_bits<F>(static_cast<Bits>(old));
    const F b = float_from_bits<F>(static_cast<Bits>(value));
    switch (op) {
    case AtomicOp::fmin:
        return std::isnan(b) ? old : a < b ? old : value;
    case AtomicOp::fmax:
        return std::isnan(b) ? old : a > b ? old : value;
    default:
        return bits_from_float<Bits>(a + b);
    }
}

template <typename U, typename S>
U int_result(AtomicOp op, U old, U value, U comparand) {
    switch (op) {
    case AtomicOp::add:
        return static_cast<U>(old + value);
    case AtomicOp::umin:
        return old < value ? old : value;
    case AtomicOp::umax:
        return old > value ? old : value;
    case AtomicOp::smin:
        return static_cast<S>(old) < static_cast<S>(value) ? old : value;
    case AtomicOp::smax:
        return static_cast<S>(old) > static_cast<S>(value) ? old : value;
    case AtomicOp::and_:
        return old & value;
    case AtomicOp::or_:
        return old | value;
    case AtomicOp::xor_:
        return old ^ value;
    case AtomicOp::cmpxchg:
        return old == comparand ? value : old;
    default: // xchg
        return value;
    }
}

template <typename U>
uint64_t loop(std::byte* address, Type ty, AtomicOp op, uint64_t value, uint64_t comparand) {
    std::atomic_ref<U> ref(*reinterpret_cast<U*>(address));
    U old = ref.load();
    while (!ref.compare_exchange_weak(
        old, static_cast<U>(atomic_result(ty, op, old, value, comparand)))) {
    }
    return old;
}

} // namespace

uint64_t atomic_result(Type ty, AtomicOp op, uint64_t old, uint64_t value, uint64_t comparand) {
    const bool arithmetic = op == AtomicOp::fadd || op == AtomicOp::fmin || op == AtomicOp::fmax;
    if (arithmetic) {
        switch (ty) {
        case Type::f16:
            return float_result<float, uint16_t>(op, old, value);
        case Type::f64:
            return float_result<double, uint64_t>(op, old, value);
        default:
            return float_result<float, uint32_t>(op, old, value);
        }
    }
    if (hw::is_64bit(ty)) {
        return int_result<uint64_t, int64_t>(op, old, value, comparand);
    }
    return int_result<uint32_t, int32_t>(op, static_cast<uint32_t>(old),
                                         static_cast<uint32_t>(value),
                                         static_cast<uint32_t>(comparand));
}

uint64_t atomic_rmw(std::byte* address, Type ty, AtomicOp op, uint64_t value, uint64_t comparand) {
    if (ty == Type::u32 && op == AtomicOp::add) {
        return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(address))
            .fetch_add(static_cast<uint32_t>(value));
    }
    switch (hw::type_bytes(ty)) {
    case 2:
        return loop<uint16_t>(address, ty, op, value, comparand);
    case 8:
        return loop<uint64_t>(address, ty, op, value, comparand);
    default:
        return loop<uint32_t>(address, ty, op, value, comparand);
    }
}

} // namespace kite::dev::exec
