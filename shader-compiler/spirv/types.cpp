// SPDX-License-Identifier: MIT
// SPIR-V scalar types as operation types, integer widening, sizes of explicit layouts.
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>

namespace kite::cc::spirv {

uint32_t Translator::scalar_type(uint32_t type_id) {
    for (;;) {
        const Type& t = m_.type(type_id);
        if (t.kind != Kind::vector && t.kind != Kind::matrix && t.kind != Kind::array) {
            return type_id;
        }
        type_id = t.element;
    }
}

HwType Translator::float_type(uint32_t type_id) {
    const Type& t = scalar_of(type_id);
    if (t.kind != Kind::floating) {
        corrupt("SPIR-V: floating-point type expected");
    }
    return t.width == 64 ? HwType::f64 : t.width == 16 ? HwType::f16 : HwType::f32;
}

HwType Translator::int_type(uint32_t type_id, bool is_signed) {
    const Type& t = scalar_of(type_id);
    switch (t.width) {
    case 64:
        return is_signed ? HwType::i64 : HwType::u64;
    case 16:
        return is_signed ? HwType::i16 : HwType::u16;
    default:
        return is_signed ? HwType::i32 : HwType::u32;
    }
}

Inst* Translator::widen_int(Inst* v, uint32_t type_id, bool is_signed) {
    const unsigned width = scalar_of(type_id).width;
    if (width == 8) {
        return b_.cvt(is_signed ? HwType::i32 : HwType::u32, is_signed ? HwType::i8 : HwType::u8,
                      v);
    }
    if (width == 16) {
        return b_.cvt(is_signed ? HwType::i32 : HwType::u32, is_signed ? HwType::i16 : HwType::u16,
                      v);
    }
    return v;
}

Inst* Translator::to_u32(Inst* v, uint32_t type_id) {
    const Type& t = scalar_of(type_id);
    if (t.width == 64) {
        return b_.unpack64(v, 0);
    }
    return widen_int(v, type_id, t.is_signed);
}

Inst* Translator::as_u32(uint32_t id) {
    return to_u32(scalar(id), type_of(id));
}

uint64_t Translator::explicit_size(uint32_t type_id, bool row_major, uint32_t matrix_stride) {
    constexpr uint64_t kHuge = 1ull << 40;
    const Type& t = m_.type(type_id);
    switch (t.kind) {
    case Kind::integer:
    case Kind::floating:
        return t.width / 8u;
    case Kind::boolean:
        return 4;
    case Kind::vector:
        return t.count * explicit_size(t.element, false, 0);
    case Kind::matrix:
        return row_major ? static_cast<uint64_t>(m_.type(t.element).count) * matrix_stride
                         : static_cast<uint64_t>(t.count) * matrix_stride;
    case Kind::array:
        return std::min(kHuge, static_cast<uint64_t>(t.count) *
                                   m_.decor(type_id).array_stride.value_or(0));
    case Kind::structure: {
        uint64_t end = 0;
        for (uint32_t k = 0; k < t.members.size(); ++k) {
            const Decor& d = m_.member_decor(type_id, k);
            end = std::max(end, d.offset.value_or(0) + explicit_size(t.members[k], d.row_major,
                                                                     d.matrix_stride.value_or(0)));
        }
        return std::min(kHuge, end);
    }
    default:
        return 8;
    }
}

void Translator::zero_shared() {
    if (!zeroed_shared_) {
        return;
    }
    // Each lane clears a share: unrolled when small, which is what the extension's users have.
    const uint64_t threads =
        static_cast<uint64_t>(m_.local_size[0]) * m_.local_size[1] * m_.local_size[2];
    const uint64_t words = f_->shared_bytes / 4;
    const uint64_t rounds = threads == 0 ? 0 : (words + threads - 1) / threads;
    if (threads == 0) {
        return;
    }
    if (rounds > 4096) {
        unsupported("zero-initialized workgroup memory this large");
    }
    // Wide stores as far as they fit, single words for the rest.
    constexpr unsigned kWide = 16;
    const uint64_t wide_rounds = words / (threads * kWide);
    Inst* index = sys(hw::SysVal::local_index);
    const auto clear = [&](unsigned n, uint64_t first, uint64_t count) {
        Inst* zero = n == 1 ? b_.u32(0) : b_.collect(Leaves(n, b_.u32(0)));
        Inst* offset = b_.alu(HwOp::imul, HwType::u32, {index, b_.u32(n * 4)});
        for (uint64_t k = 0; k < count; ++k) {
            Inst* const operands[] = {zero, nullptr, offset, nullptr};
            b_.raw(ir::op(HwOp::st), HwType::u32, {}, operands,
                   hw::StSub{.n = n - 1, .space = hw::Space::shared}.pack(),
                   static_cast<uint32_t>((first + k * threads * n) * 4)); // past the end: dropped
        }
    };
    const uint64_t done = wide_rounds * threads * kWide;
    clear(kWide, 0, wide_rounds);
    clear(1, done, (words - done + threads - 1) / threads);
    b_.raw(HwOp::barrier, HwType::none, {}, {});
}

} // namespace kite::cc::spirv
