// SPDX-License-Identifier: MIT
// Derivatives and subgroup operations.
#include "shader-compiler/spirv/translator.hpp"

#include <bit>

namespace kite::cc::spirv {

namespace {

constexpr unsigned kWholeWave = 15; // log2 of the cluster size, clamped by the device

} // namespace

/// Applies a one-register operation to both halves of 64-bit values.
Inst* Translator::per_half(Inst* v, auto&& one) {
    if (v->type.base != Base::bits64) {
        return one(v);
    }
    Inst* low = one(b_.unpack64(v, 0));
    return b_.pack64(low, one(b_.unpack64(v, 1)));
}

Inst* Translator::quad(Inst* v, unsigned l0, unsigned l1, unsigned l2, unsigned l3) {
    return per_half(v, [&](Inst* h) {
        return b_.raw(HwOp::qread, HwType::none, h->type, {h},
                      hw::QreadSub{.l0 = l0, .l1 = l1, .l2 = l2, .l3 = l3}.pack());
    });
}

Inst* Translator::shuffle(Inst* v, Inst* lane) {
    return per_half(
        v, [&](Inst* h) { return b_.raw(HwOp::shuffle, HwType::none, h->type, {h, lane}); });
}

Inst* Translator::read_first(Inst* v) {
    return per_half(v,
                    [&](Inst* h) { return b_.raw(HwOp::readfirst, HwType::none, h->type, {h}); });
}

bool Translator::try_derivative(const Instr& i) {
    bool x = false;
    bool y = false;
    bool coarse = false;
    switch (i.op) {
    case spv::Op::OpDPdxCoarse:
        coarse = true;
        [[fallthrough]];
    case spv::Op::OpDPdx:
    case spv::Op::OpDPdxFine:
        x = true;
        break;
    case spv::Op::OpDPdyCoarse:
        coarse = true;
        [[fallthrough]];
    case spv::Op::OpDPdy:
    case spv::Op::OpDPdyFine:
        y = true;
        break;
    case spv::Op::OpFwidthCoarse:
        coarse = true;
        [[fallthrough]];
    case spv::Op::OpFwidth:
    case spv::Op::OpFwidthFine:
        x = y = true;
        break;
    default:
        return false;
    }
    const HwType ty = float_type(i.type);
    const auto sub = [&](Inst* a, Inst* c) { return b_.alu(HwOp::fsub, ty, {a, c}); };
    Leaves out;
    for (Inst* v : Leaves(leaves(i.word(0)))) {
        Inst* dx = nullptr;
        Inst* dy = nullptr;
        if (x) {
            dx = coarse ? sub(quad(v, 1, 1, 1, 1), quad(v, 0, 0, 0, 0))
                        : sub(quad(v, 1, 1, 3, 3), quad(v, 0, 0, 2, 2));
        }
        if (y) {
            dy = coarse ? sub(quad(v, 2, 2, 2, 2), quad(v, 0, 0, 0, 0))
                        : sub(quad(v, 2, 3, 2, 3), quad(v, 0, 1, 0, 1));
        }
        if (x && y) {
            out.push_back(b_.alu(HwOp::fadd, ty,
                                 {b_.alu(HwOp::fabs, ty, {dx}), b_.alu(HwOp::fabs, ty, {dy})}));
        } else {
            out.push_back(x ? dx : dy);
        }
    }
    set(i.id, std::move(out));
    return true;
}

Translator::Leaves Translator::ballot_words(Inst* low) {
    return {low, b_.u32(0), b_.u32(0), b_.u32(0)};
}

void Translator::subgroup_arithmetic(const Instr& i) {
    hw::ReduceOp op{};
    bool is_float = false;
    bool is_signed = false;
    switch (i.op) {
    case spv::Op::OpGroupNonUniformFAdd:
        is_float = true;
        [[fallthrough]];
    case spv::Op::OpGroupNonUniformIAdd:
        op = hw::ReduceOp::add;
        break;
    case spv::Op::OpGroupNonUniformFMul:
        is_float = true;
        [[fallthrough]];
    case spv::Op::OpGroupNonUniformIMul:
        op = hw::ReduceOp::mul;
        break;
    case spv::Op::OpGroupNonUniformFMin:
    case spv::Op::OpGroupNonUniformSMin:
    case spv::Op::OpGroupNonUniformUMin:
        op = hw::ReduceOp::min;
        is_float = i.op == spv::Op::OpGroupNonUniformFMin;
        is_signed = i.op == spv::Op::OpGroupNonUniformSMin;
        break;
    case spv::Op::OpGroupNonUniformFMax:
    case spv::Op::OpGroupNonUniformSMax:
    case spv::Op::OpGroupNonUniformUMax:
        op = hw::ReduceOp::max;
        is_float = i.op == spv::Op::OpGroupNonUniformFMax;
        is_signed = i.op == spv::Op::OpGroupNonUniformSMax;
        break;
    case spv::Op::OpGroupNonUniformBitwiseAnd:
    case spv::Op::OpGroupNonUniformLogicalAnd:
        op = hw::ReduceOp::and_;
        break;
    case spv::Op::OpGroupNonUniformBitwiseOr:
    case spv::Op::OpGroupNonUniformLogicalOr:
        op = hw::ReduceOp::or_;
        break;
    default:
        op = hw::ReduceOp::xor_;
        break;
    }
    const Type& s = scalar_of(i.type);
    const HwType ty = is_float                  ? float_type(i.type)
                      : s.kind == Kind::boolean ? HwType::u32
                                                : int_type(i.type, is_signed);
    unsigned log2c = kWholeWave;
    const auto kind = static_cast<spv::GroupOperation>(i.word(1));
    if (kind == spv::GroupOperation::ClusteredReduce) {
        const uint64_t size = m_.constant_int(i.word(3));
        if (!std::has_single_bit(size)) {
            corrupt("SPIR-V: cluster size is not a power of two");
        }
        log2c = std::min(kWholeWave, static_cast<unsigned>(std::countr_zero(size)));
    }
    const bool byte = s.width == 8;
    Leaves out;
    for (Inst* v : Leaves(leaves(i.word(2)))) {
        v = byte ? widen_int(v, i.type, is_signed) : v;
        if (kind == spv::GroupOperation::Reduce || kind == spv::GroupOperation::ClusteredReduce) {
            out.push_back(b_.raw(HwOp::reduce, ty, v->type, {v},
                                 hw::ReduceSub{.rop = op, .log2c = log2c}.pack()));
        } else if (kind == spv::GroupOperation::InclusiveScan ||
                   kind == spv::GroupOperation::ExclusiveScan) {
            const bool exclusive = kind == spv::GroupOperation::ExclusiveScan;
            Inst* r = b_.raw(HwOp::scan, ty, v->type, {v},
                             hw::ScanSub{.rop = op, .excl = exclusive}.pack());
            if (byte && exclusive && op == hw::ReduceOp::min) { // the identity of 8 bits, not of 32
                r = b_.alu(HwOp::imin, ty, {r, b_.u32(is_signed ? 127 : 255)});
            } else if (byte && exclusive && op == hw::ReduceOp::max && is_signed) {
                r = b_.alu(HwOp::imax, ty, {r, b_.u32(static_cast<uint32_t>(-128))});
            }
            out.push_back(r);
        } else {
            unsupported("partitioned subgroup operations");
        }
    }
    set(i.id, std::move(out));
}

bool Translator::try_subgroup(const Instr& i) {
    const auto each = [&](size_t at, auto&& one) {
        Leaves out;
        for (Inst* v : Leaves(leaves(i.word(at)))) {
            out.push_back(one(v));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto lane = [&] { return sys(hw::SysVal::lane_id); };
    const auto vote = [&](HwOp op, Inst* v) {
        return b_.raw(op, HwType::none, {Base::boolean}, {v});
    };
    const auto ballot = [&](Inst* v) {
        return b_.raw(HwOp::ballot, HwType::none, {Base::bits32}, {v});
    };
    const auto bit_at = [&](Inst* mask, Inst* at) {
        return b_.to_boolean(b_.and_(b_.alu(HwOp::shr, HwType::u32, {mask, at}), b_.u32(1)));
    };
    const auto all_lanes = [&] {
        Inst* unused = b_.alu(HwOp::isub, HwType::u32, {b_.u32(32), sys(hw::SysVal::wave_size)});
        return b_.alu(HwOp::shr, HwType::u32, {b_.u32(~0u), unused});
    };
    switch (i.op) {
    case spv::Op::OpGroupNonUniformElect:
        set(i.id, {b_.icmp(hw::ICmp::eq, HwType::u32, lane(), read_first(lane()))});
        return true;
    case spv::Op::OpGroupNonUniformAll:
    case spv::Op::OpGroupNonUniformAny:
        set(i.id, {vote(i.op == spv::Op::OpGroupNonUniformAll ? HwOp::all : HwOp::any,
                        scalar(i.word(1)))});
        return true;
    case spv::Op::OpSubgroupAllKHR:
    case spv::Op::OpSubgroupAnyKHR:
        set(i.id,
            {vote(i.op == spv::Op::OpSubgroupAllKHR ? HwOp::all : HwOp::any, scalar(i.word(0)))});
        return true;
    case spv::Op::OpGroupNonUniformAllEqual:
    case spv::Op::OpSubgroupAllEqualKHR: {
        const uint32_t id = i.word(i.op == spv::Op::OpGroupNonUniformAllEqual ? 1 : 0);
        const uint32_t type = type_of(id);
        Inst* same = nullptr;
        for (Inst* v : Leaves(leaves(id))) {
            Inst* first = read_first(v);
            Inst* eq = scalar_of(type).kind == Kind::floating
                           ? b_.fcmp(hw::FCmp::oeq, float_type(type), v, first)
                       : scalar_of(type).kind == Kind::boolean
                           ? b_.not_(b_.xor_(v, first))
                           : b_.icmp(hw::ICmp::eq, int_type(type, false), v, first);
            same = same == nullptr ? eq : b_.and_(same, eq);
        }
        set(i.id, {vote(HwOp::all, same)});
        return true;
    }
    case spv::Op::OpGroupNonUniformBroadcast:
    case spv::Op::OpGroupNonUniformShuffle: {
        Inst* from = as_u32(i.word(2));
        return each(1, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpSubgroupReadInvocationKHR: {
        Inst* from = as_u32(i.word(1));
        return each(0, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpGroupNonUniformBroadcastFirst:
        return each(1, [&](Inst* v) { return read_first(v); });
    case spv::Op::OpSubgroupFirstInvocationKHR:
        return each(0, [&](Inst* v) { return read_first(v); });
    case spv::Op::OpGroupNonUniformShuffleXor: {
        Inst* from = b_.xor_(lane(), as_u32(i.word(2)));
        return each(1, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpGroupNonUniformShuffleUp:
    case spv::Op::OpGroupNonUniformShuffleDown: {
        const HwOp op = i.op == spv::Op::OpGroupNonUniformShuffleUp ? HwOp::isub : HwOp::iadd;
        Inst* from = b_.alu(op, HwType::u32, {lane(), as_u32(i.word(2))});
        return each(1, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpGroupNonUniformRotateKHR: {
        Inst* size = i.w.size() > 3 ? as_u32(i.word(3)) : sys(hw::SysVal::wave_size);
        Inst* low = b_.alu(HwOp::isub, HwType::u32, {size, b_.u32(1)});
        Inst* moved = b_.and_(b_.alu(HwOp::iadd, HwType::u32, {lane(), as_u32(i.word(2))}), low);
        Inst* from = b_.or_(moved, b_.and_(lane(), b_.not_(low)));
        return each(1, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpGroupNonUniformBallot:
        set(i.id, ballot_words(ballot(scalar(i.word(1)))));
        return true;
    case spv::Op::OpSubgroupBallotKHR:
        set(i.id, ballot_words(ballot(scalar(i.word(0)))));
        return true;
    case spv::Op::OpGroupNonUniformInverseBallot:
        set(i.id, {bit_at(leaves(i.word(1)).at(0), lane())});
        return true;
    case spv::Op::OpGroupNonUniformBallotBitExtract: {
        Inst* index = as_u32(i.word(2));
        const Leaves words = leaves(i.word(1));
        Inst* word =
            select_element(words, 1, b_.alu(HwOp::shr, HwType::u32, {index, b_.u32(5)})).at(0);
        set(i.id, {bit_at(word, index)});
        return true;
    }
    case spv::Op::OpGroupNonUniformBallotBitCount: {
        const auto kind = static_cast<spv::GroupOperation>(i.word(1));
        Inst* mask = kind == spv::GroupOperation::Reduce ? all_lanes()
                     : kind == spv::GroupOperation::InclusiveScan
                         ? subgroup_mask(spv::BuiltIn::SubgroupLeMask, 0)
                         : subgroup_mask(spv::BuiltIn::SubgroupLtMask, 0);
        set(i.id, {b_.alu(HwOp::bcnt, HwType::u32, {b_.and_(leaves(i.word(2)).at(0), mask)})});
        return true;
    }
    case spv::Op::OpGroupNonUniformBallotFindLSB:
    case spv::Op::OpGroupNonUniformBallotFindMSB: {
        Inst* bits = b_.and_(leaves(i.word(1)).at(0), all_lanes());
        const HwOp op = i.op == spv::Op::OpGroupNonUniformBallotFindLSB ? HwOp::ffl : HwOp::ffm;
        set(i.id, {b_.alu(op, HwType::u32, {bits})});
        return true;
    }
    case spv::Op::OpGroupNonUniformQuadBroadcast: {
        if (const auto c = constant_value(i.word(2))) {
            const auto n = static_cast<unsigned>(*c & 3);
            return each(1, [&](Inst* v) { return quad(v, n, n, n, n); });
        }
        Inst* from = b_.or_(b_.and_(lane(), b_.u32(~3u)), b_.and_(as_u32(i.word(2)), b_.u32(3)));
        return each(1, [&](Inst* v) { return shuffle(v, from); });
    }
    case spv::Op::OpGroupNonUniformQuadSwap: {
        const auto direction = m_.constant_int(i.word(2)); // 0 horizontal, 1 vertical, 2 diagonal
        return each(1, [&](Inst* v) {
            return direction == 0   ? quad(v, 1, 0, 3, 2)
                   : direction == 1 ? quad(v, 2, 3, 0, 1)
                                    : quad(v, 3, 2, 1, 0);
        });
    }
    case spv::Op::OpGroupNonUniformQuadAllKHR:
    case spv::Op::OpGroupNonUniformQuadAnyKHR: {
        const HwOp op = i.op == spv::Op::OpGroupNonUniformQuadAllKHR ? HwOp::and_ : HwOp::or_;
        return each(0, [&](Inst* v) {
            Inst* half = b_.logic(op, v, quad(v, 1, 0, 3, 2));
            return b_.logic(op, half, quad(half, 2, 3, 0, 1));
        });
    }
    case spv::Op::OpGroupNonUniformIAdd:
    case spv::Op::OpGroupNonUniformFAdd:
    case spv::Op::OpGroupNonUniformIMul:
    case spv::Op::OpGroupNonUniformFMul:
    case spv::Op::OpGroupNonUniformSMin:
    case spv::Op::OpGroupNonUniformUMin:
    case spv::Op::OpGroupNonUniformFMin:
    case spv::Op::OpGroupNonUniformSMax:
    case spv::Op::OpGroupNonUniformUMax:
    case spv::Op::OpGroupNonUniformFMax:
    case spv::Op::OpGroupNonUniformBitwiseAnd:
    case spv::Op::OpGroupNonUniformBitwiseOr:
    case spv::Op::OpGroupNonUniformBitwiseXor:
    case spv::Op::OpGroupNonUniformLogicalAnd:
    case spv::Op::OpGroupNonUniformLogicalOr:
    case spv::Op::OpGroupNonUniformLogicalXor:
        subgroup_arithmetic(i);
        return true;
    case spv::Op::OpReadClockKHR: {
        Inst* now = b_.sys(hw::SysVal::clock);
        if (m_.type(i.type).leaves == 2) {
            set(i.id, {b_.unpack64(now, 0), b_.unpack64(now, 1)});
        } else {
            set(i.id, {now});
        }
        return true;
    }
    default:
        return false;
    }
}

} // namespace kite::cc::spirv
