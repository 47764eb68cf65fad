// SPDX-License-Identifier: MIT
// Cross-lane operations (hw/isa/lane.toml). All lanes are read before any is written.
#include "device/exec/interp/interp.hpp"

#include <algorithm>
#include <bit>

namespace kite::dev::exec::interp {

namespace {

using hw::Op;
using hw::ReduceOp;
using hw::Type;
using Values = std::array<uint64_t, kMaxLanes>;

// An arithmetic instruction to evaluate, since reductions use the same operations.
hw::Inst operation(ReduceOp op, Type ty) {
    hw::Inst inst;
    inst.ty = ty;
    const bool f = hw::is_float(ty);
    switch (op) {
    case ReduceOp::add:
        inst.op = f ? Op::fadd : Op::iadd;
        break;
    case ReduceOp::mul:
        inst.op = f ? Op::fmul : Op::imul;
        break;
    case ReduceOp::min:
        inst.op = f ? Op::fmin : Op::imin;
        break;
    case ReduceOp::max:
        inst.op = f ? Op::fmax : Op::imax;
        break;
    case ReduceOp::and_:
        inst.op = Op::and_;
        break;
    case ReduceOp::or_:
        inst.op = Op::or_;
        break;
    case ReduceOp::xor_:
        inst.op = Op::xor_;
        break;
    }
    return inst;
}

uint64_t type_mask(Type ty) {
    return ~0ull >> (64 - hw::type_bytes(ty) * 8);
}

uint64_t extreme(Type ty, bool largest) {
    const uint64_t mask = type_mask(ty);
    switch (ty) {
    case Type::f16:
        return largest ? 0x7c00 : 0xfc00;
    case Type::f32:
        return largest ? 0x7f800000 : 0xff800000;
    case Type::f64:
        return largest ? 0x7ff0000000000000 : 0xfff0000000000000;
    default:
        if (hw::is_signed(ty)) {
            return largest ? mask >> 1 : (mask >> 1) + 1;
        }
        return largest ? mask : 0;
    }
}

uint64_t one(Type ty) {
    switch (ty) {
    case Type::f16:
        return 0x3c00;
    case Type::f32:
        return 0x3f800000;
    case Type::f64:
        return 0x3ff0000000000000;
    default:
        return 1;
    }
}

Values gather(const Wave& w, const hw::Inst& inst, uint64_t identity) {
    Values x{};
    for (unsigned i = 0; i < w.width; ++i) {
        x[i] = w.active(i) ? w.value(inst, inst.src0, inst.ty, i) : identity;
    }
    return x;
}

void reduce(Wave& w, const hw::Inst& inst) {
    const auto sub = hw::ReduceSub::unpack(inst.sub);
    const unsigned cluster = sub.log2c < 4 ? std::min(1u << sub.log2c, w.width) : w.width;
    Values x = gather(w, inst, reduce_identity(sub.rop, inst.ty));
    for (unsigned k = 1; k < cluster; k *= 2) {
        const Values y = x;
        for (unsigned i = 0; i < w.width; ++i) {
            x[i] = eval_reduce_op(sub.rop, inst.ty, y[std::min(i, i ^ k)], y[std::max(i, i ^ k)]);
        }
    }
    for (unsigned i = 0; i < w.width; ++i) {
        w.write_value(inst, inst.ty, i, x[i]);
    }
}

void scan(Wave& w, const hw::Inst& inst) {
    const auto sub = hw::ScanSub::unpack(inst.sub);
    const uint64_t identity = reduce_identity(sub.rop, inst.ty);
    Values x = gather(w, inst, identity);
    for (unsigned k = 1; k < w.width; k *= 2) {
        const Values y = x;
        for (unsigned i = k; i < w.width; ++i) {
            x[i] = eval_reduce_op(sub.rop, inst.ty, y[i - k], y[i]);
        }
    }
    for (unsigned i = 0; i < w.width; ++i) {
        w.write_value(inst, inst.ty, i, sub.excl ? (i != 0 ? x[i - 1] : identity) : x[i]);
    }
}

uint32_t ballot(const Wave& w, const hw::Inst& inst) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < w.width; ++i) {
        if (w.active(i) && w.reg(inst, inst.src0, 0, i) != 0) {
            mask |= 1u << i;
        }
    }
    return mask;
}

unsigned quad_lane(const hw::QreadSub& sub, unsigned i) {
    const unsigned source[4] = {sub.l0, sub.l1, sub.l2, sub.l3};
    return (i & ~3u) | source[i & 3];
}

} // namespace

uint64_t eval_reduce_op(ReduceOp op, Type ty, uint64_t a, uint64_t b) {
    const hw::Inst inst = operation(op, ty);
    if (op >= ReduceOp::and_ && hw::is_float(ty)) {
        const hw::Inst bitwise = operation(op, Type::u64);
        return eval_alu(bitwise, a, b, 0) & type_mask(ty);
    }
    return eval_alu(inst, a, b, 0) & type_mask(ty);
}

uint64_t reduce_identity(ReduceOp op, Type ty) {
    switch (op) {
    case ReduceOp::add:
        return hw::is_float(ty) ? (type_mask(ty) >> 1) + 1 : 0;
    case ReduceOp::mul:
        return one(ty);
    case ReduceOp::min:
        return extreme(ty, true);
    case ReduceOp::max:
        return extreme(ty, false);
    case ReduceOp::and_:
        return type_mask(ty);
    default:
        return 0;
    }
}

void exec_lane(Wave& w, const hw::Inst& inst) {
    Row a{};
    Row b{};
    for (unsigned i = 0; i < w.width; ++i) {
        a[i] = inst.src0.is_reg() && !hw::is_64bit(inst.ty) ? w.reg(inst, inst.src0, 0, i) : 0;
        b[i] = w.reg(inst, inst.src1, 0, i);
    }
    const unsigned last = w.width - 1;
    switch (inst.op) {
    case Op::qread: {
        const auto sub = hw::QreadSub::unpack(inst.sub);
        for (unsigned i = 0; i < w.width; ++i) {
            w.write(inst, 0, i, a[quad_lane(sub, i)]);
        }
        break;
    }
    case Op::shuffle:
        for (unsigned i = 0; i < w.width; ++i) {
            w.write(inst, 0, i, a[b[i] & last]);
        }
        break;
    case Op::readlane:
        w.write(inst, 0, 0, a[b[0] & last]);
        break;
    case Op::readfirst:
        w.write(inst, 0, 0, w.exec != 0 ? a[static_cast<unsigned>(std::countr_zero(w.exec))] : 0);
        break;
    case Op::ballot:
        w.write(inst, 0, 0, ballot(w, inst));
        break;
    case Op::all:
        w.write(inst, 0, 0, ballot(w, inst) == w.exec ? 0xffffffffu : 0);
        break;
    case Op::any:
        w.write(inst, 0, 0, ballot(w, inst) != 0 ? 0xffffffffu : 0);
        break;
    case Op::reduce:
        reduce(w, inst);
        break;
    case Op::scan:
        scan(w, inst);
        break;
    case Op::insertlane: {
        const unsigned lane = w.reg(inst, inst.src2, 0, 0) & last;
        const uint32_t value = b[0];
        for (unsigned i = 0; i < w.width; ++i) {
            w.write(inst, 0, i, i == lane ? value : a[i]);
        }
        break;
    }
    default:
        break;
    }
}

} // namespace kite::dev::exec::interp
