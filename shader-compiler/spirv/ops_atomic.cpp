// SPDX-License-Identifier: MIT
// Atomics and barriers.
#include "shader-compiler/spirv/translator.hpp"

namespace kite::cc::spirv {

Inst* Translator::atomic(const Pointer& target, uint32_t type_id, hw::AtomicOp op, Inst* data,
                         Inst* compare) {
    Pointer p = target;
    resolve(p);
    const Type& t = m_.type(type_id);
    const bool is_float =
        op == hw::AtomicOp::fadd || op == hw::AtomicOp::fmin || op == hw::AtomicOp::fmax;
    const HwType ty = is_float ? float_type(type_id) : t.width == 64 ? HwType::u64 : HwType::u32;
    if (t.width < 32 && !is_float) {
        unsupported(std::to_string(t.width) + "-bit atomics");
    }
    const ir::Type result{ir::base_of(ty)};
    if (p.kind == Pointer::Kind::texel) {
        const Type& image = m_.type(p.image_type);
        const bool cube = dim_of(image) == hw::Dim::cube;
        const hw::ImgatomSub sub{.dim = cube ? hw::Dim::d2 : dim_of(image),
                                 .arrayed = image.arrayed || cube,
                                 .ms = image.multisampled,
                                 .aop = op};
        return b_.raw(HwOp::imgatom, ty, result,
                      {p.image, b_.collect(p.coords), nullptr, data, compare}, sub.pack());
    }
    if (p.kind != Pointer::Kind::memory || p.space == hw::Space::scratch) {
        unsupported("atomics on private variables");
    }
    // atom has no immediate: the whole offset is an operand.
    Inst* offset = p.offset;
    if (p.imm != 0) {
        offset = offset == nullptr ? b_.u32(p.imm)
                                   : b_.alu(HwOp::iadd, HwType::u32, {offset, b_.u32(p.imm)});
    }
    return b_.raw(HwOp::atom, ty, result,
                  {p.base, offset, options_.robust_buffers ? p.limit : nullptr, data, compare},
                  hw::AtomSub{.aop = op, .space = p.space}.pack());
}

bool Translator::try_atomic(const Instr& i) {
    hw::AtomicOp op{};
    switch (i.op) {
    case spv::Op::OpAtomicLoad: {
        const Pointer p = pointer(i.word(0));
        if (p.kind == Pointer::Kind::texel) {
            const Type& image = m_.type(p.image_type);
            const HwType ty = texel_type(image);
            const bool cube = dim_of(image) == hw::Dim::cube;
            const hw::ImgldSub sub{.dim = cube ? hw::Dim::d2 : dim_of(image),
                                   .arrayed = image.arrayed || cube,
                                   .ms = image.multisampled};
            Inst* v = b_.raw(HwOp::imgld, ty, {ty == HwType::u64 ? Base::bits64 : Base::bits32, 4},
                             {p.image, b_.collect(p.coords)}, sub.pack());
            set(i.id, {b_.extract(v, 0)});
            return true;
        }
        set(i.id, load(p, true));
        return true;
    }
    case spv::Op::OpAtomicStore: {
        const Pointer p = pointer(i.word(0));
        Inst* data = scalar(i.word(3));
        if (p.kind == Pointer::Kind::texel) {
            atomic(p, p.type, hw::AtomicOp::xchg, data, nullptr);
            return true;
        }
        store(p, {data}, true);
        return true;
    }
    case spv::Op::OpAtomicCompareExchange:
        set(i.id, {atomic(pointer(i.word(0)), i.type, hw::AtomicOp::cmpxchg, scalar(i.word(4)),
                          scalar(i.word(5)))});
        return true;
    case spv::Op::OpAtomicIIncrement:
    case spv::Op::OpAtomicIDecrement: {
        const HwType ty = int_type(i.type, false);
        Inst* one = b_.iconst(ty, i.op == spv::Op::OpAtomicIIncrement ? 1 : ~0ull);
        set(i.id, {atomic(pointer(i.word(0)), i.type, hw::AtomicOp::add, one, nullptr)});
        return true;
    }
    case spv::Op::OpAtomicISub: {
        const HwType ty = int_type(i.type, false);
        Inst* minus = b_.alu(HwOp::isub, ty, {b_.iconst(ty, 0), scalar(i.word(3))});
        set(i.id, {atomic(pointer(i.word(0)), i.type, hw::AtomicOp::add, minus, nullptr)});
        return true;
    }
    case spv::Op::OpAtomicExchange:
        op = hw::AtomicOp::xchg;
        break;
    case spv::Op::OpAtomicIAdd:
        op = hw::AtomicOp::add;
        break;
    case spv::Op::OpAtomicSMin:
        op = hw::AtomicOp::smin;
        break;
    case spv::Op::OpAtomicUMin:
        op = hw::AtomicOp::umin;
        break;
    case spv::Op::OpAtomicSMax:
        op = hw::AtomicOp::smax;
        break;
    case spv::Op::OpAtomicUMax:
        op = hw::AtomicOp::umax;
        break;
    case spv::Op::OpAtomicAnd:
        op = hw::AtomicOp::and_;
        break;
    case spv::Op::OpAtomicOr:
        op = hw::AtomicOp::or_;
        break;
    case spv::Op::OpAtomicXor:
        op = hw::AtomicOp::xor_;
        break;
    case spv::Op::OpAtomicFAddEXT:
        op = hw::AtomicOp::fadd;
        break;
    case spv::Op::OpAtomicFMinEXT:
        op = hw::AtomicOp::fmin;
        break;
    case spv::Op::OpAtomicFMaxEXT:
        op = hw::AtomicOp::fmax;
        break;
    default:
        return false;
    }
    Inst* data = scalar(i.word(3));
    set(i.id, {atomic(pointer(i.word(0)), i.type, op, data, nullptr)});
    return true;
}

bool Translator::try_barrier(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpControlBarrier: {
        const auto scope = static_cast<spv::Scope>(m_.constant_int(i.word(0)));
        const auto memory = static_cast<spv::Scope>(m_.constant_int(i.word(1)));
        const bool workgroup = scope != spv::Scope::Subgroup && scope != spv::Scope::Invocation;
        if (workgroup &&
            (options_.stage == hw::Stage::compute || options_.stage == hw::Stage::tess_control)) {
            b_.raw(HwOp::barrier, HwType::none, {}, {});
        }
        if (!workgroup || memory == spv::Scope::Device || memory == spv::Scope::QueueFamily) {
            b_.raw(HwOp::fence, HwType::none, {}, {});
        }
        return true;
    }
    case spv::Op::OpMemoryBarrier:
        b_.raw(HwOp::fence, HwType::none, {}, {});
        return true;
    default:
        return false;
    }
}

} // namespace kite::cc::spirv
