// SPDX-License-Identifier: MIT
// Bit fields of integers of any width (VK_KHR_maintenance9 lifted the restriction to 32 bits).
#include "shader-compiler/spirv/translator.hpp"

namespace kite::cc::spirv {

/// Ones in the lowest `count` bits of a 64-bit value; 64 and more give all ones.
Inst* Translator::low_bits64(Inst* count) {
    Inst* rest = b_.alu(HwOp::isub, HwType::u32, {b_.u32(64), count});
    Inst* ones = b_.alu(HwOp::shr, HwType::u64, {b_.u64(~0ull), rest});
    Inst* none = b_.icmp(hw::ICmp::eq, HwType::u32, count, b_.u32(0));
    return b_.sel(none, b_.u64(0), ones);
}

/// Back from 32 bits to how a narrower integer is kept.
Inst* Translator::narrow_int(Inst* v, unsigned width) {
    return width == 16 ? b_.cvt(HwType::u16, HwType::u32, v) : v;
}

bool Translator::try_bit_field(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpBitFieldInsert: {
        const unsigned width = scalar_of(i.type).width;
        const HwType ty = width == 64 ? HwType::u64 : HwType::u32;
        const Leaves base = leaves(i.word(0));
        const Leaves insert = leaves(i.word(1));
        Inst* offset = as_u32(i.word(2));
        Inst* count = as_u32(i.word(3));
        Inst* ones = width == 64 ? low_bits64(count)
                                 : b_.alu(HwOp::bfe, HwType::u32, {b_.u32(~0u), b_.u32(0), count});
        Inst* mask = b_.alu(HwOp::shl, ty, {ones, offset});
        Leaves out;
        for (size_t k = 0; k < base.size() && k < insert.size(); ++k) {
            Inst* moved = b_.alu(HwOp::shl, ty, {widen_int(insert[k], i.type, false), offset});
            Inst* kept = b_.and_(widen_int(base[k], i.type, false), b_.not_(mask));
            out.push_back(narrow_int(b_.or_(kept, b_.and_(moved, mask)), width));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpBitFieldSExtract:
    case spv::Op::OpBitFieldUExtract: {
        const unsigned width = scalar_of(i.type).width;
        const bool is_signed = i.op == spv::Op::OpBitFieldSExtract;
        Inst* offset = as_u32(i.word(1));
        Inst* count = as_u32(i.word(2));
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            if (width != 64) {
                Inst* field = b_.alu(HwOp::bfe, is_signed ? HwType::i32 : HwType::u32,
                                     {widen_int(a, i.type, is_signed), offset, count});
                out.push_back(narrow_int(field, width));
                continue;
            }
            Inst* field = b_.and_(b_.alu(HwOp::shr, HwType::u64, {a, offset}), low_bits64(count));
            if (is_signed) { // up to the top and back; a count of 0 keeps the zero it has
                Inst* up = b_.alu(HwOp::isub, HwType::u32, {b_.u32(64), count});
                field = b_.alu(HwOp::shr, HwType::i64,
                               {b_.alu(HwOp::shl, HwType::u64, {field, up}), up});
            }
            out.push_back(field);
        }
        set(i.id, std::move(out));
        return true;
    }
    default:
        return false;
    }
}

} // namespace kite::cc::spirv
