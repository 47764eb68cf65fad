// SPDX-License-Identifier: MIT
// Composites, matrices and integer dot products.
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>

namespace kite::cc::spirv {

Inst* Translator::dot(HwType ty, std::span<Inst* const> a, std::span<Inst* const> b, bool precise) {
    Inst* sum = nullptr;
    for (size_t k = 0; k < a.size() && k < b.size(); ++k) {
        if (sum == nullptr) {
            sum = fmul(ty, a[k], b[k], precise);
        } else if (precise) {
            sum = b_.alu(HwOp::fadd, ty, {sum, b_.alu(HwOp::fmul, ty, {a[k], b[k]})});
        } else {
            sum = b_.alu(HwOp::ffma, ty, {a[k], b[k], sum});
        }
    }
    if (sum == nullptr) {
        corrupt("SPIR-V: empty vector");
    }
    return sum;
}

Translator::Leaves Translator::select_element(const Leaves& all, size_t width, Inst* index) {
    Leaves out(all.begin(), all.begin() + static_cast<ptrdiff_t>(std::min(width, all.size())));
    for (size_t e = 1; (e + 1) * width <= all.size(); ++e) {
        Inst* here = b_.icmp(hw::ICmp::eq, HwType::u32, index, b_.u32(static_cast<uint32_t>(e)));
        for (size_t k = 0; k < width; ++k) {
            out[k] = b_.sel(here, all[e * width + k], out[k]);
        }
    }
    return out;
}

bool Translator::try_composite(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpCompositeConstructReplicateEXT: {
        const Leaves part = leaves(i.word(0));
        const uint32_t total = m_.type(i.type).leaves;
        Leaves out;
        while (!part.empty() && out.size() < total) {
            out.insert(out.end(), part.begin(), part.end());
        }
        if (out.size() != total) {
            corrupt("SPIR-V: composite does not match its parts");
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpCompositeConstruct: {
        Leaves out;
        for (const uint32_t id : i.w) {
            const Leaves& part = leaves(id);
            out.insert(out.end(), part.begin(), part.end());
        }
        if (out.size() != m_.type(i.type).leaves) {
            corrupt("SPIR-V: composite does not match its parts");
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpCompositeExtract: {
        uint32_t type = type_of(i.word(0));
        uint32_t first = 0;
        for (size_t k = 1; k < i.w.size(); ++k) {
            first += m_.leaf_offset(type, i.w[k]);
            type = m_.element_type(type, i.w[k]);
        }
        const Leaves& all = leaves(i.word(0));
        const uint32_t n = m_.type(type).leaves;
        if (first + n > all.size()) {
            corrupt("SPIR-V: extract out of range");
        }
        set(i.id, Leaves(all.begin() + first, all.begin() + first + n));
        return true;
    }
    case spv::Op::OpCompositeInsert: {
        uint32_t type = type_of(i.word(1));
        uint32_t first = 0;
        for (size_t k = 2; k < i.w.size(); ++k) {
            first += m_.leaf_offset(type, i.w[k]);
            type = m_.element_type(type, i.w[k]);
        }
        const Leaves part = leaves(i.word(0));
        Leaves all = leaves(i.word(1));
        if (first + part.size() > all.size()) {
            corrupt("SPIR-V: insert out of range");
        }
        std::copy(part.begin(), part.end(), all.begin() + first);
        set(i.id, std::move(all));
        return true;
    }
    case spv::Op::OpVectorShuffle: {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        Leaves out;
        for (size_t k = 2; k < i.w.size(); ++k) {
            const uint32_t n = i.w[k];
            if (n == ~0u) {
                out.push_back(a.at(0));
            } else if (n < a.size()) {
                out.push_back(a[n]);
            } else if (n - a.size() < c.size()) {
                out.push_back(c[n - a.size()]);
            } else {
                corrupt("SPIR-V: shuffle out of range");
            }
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpVectorExtractDynamic: {
        const Leaves all = leaves(i.word(0));
        if (const auto c = constant_value(i.word(1))) {
            set(i.id, {all[std::min<uint64_t>(*c, all.size() - 1)]});
        } else {
            set(i.id, select_element(all, 1, as_u32(i.word(1))));
        }
        return true;
    }
    case spv::Op::OpVectorInsertDynamic: {
        Leaves all = leaves(i.word(0));
        Inst* part = scalar(i.word(1));
        Inst* index = as_u32(i.word(2));
        for (size_t k = 0; k < all.size(); ++k) {
            Inst* here =
                b_.icmp(hw::ICmp::eq, HwType::u32, index, b_.u32(static_cast<uint32_t>(k)));
            all[k] = b_.sel(here, part, all[k]);
        }
        set(i.id, std::move(all));
        return true;
    }
    case spv::Op::OpCopyObject:
    case spv::Op::OpCopyLogical:
    case spv::Op::OpSampledImage:
    case spv::Op::OpImage:
        if (i.op == spv::Op::OpSampledImage) {
            set(i.id, {leaves(i.word(0)).at(0), leaves(i.word(1)).at(0)});
        } else if (i.op == spv::Op::OpImage) {
            set(i.id, {leaves(i.word(0)).at(0)});
        } else {
            const Value copy = value(i.word(0));
            values_[i.id] = copy;
        }
        return true;
    default:
        return false;
    }
}

bool Translator::try_matrix(const Instr& i) {
    const bool exact = precise(i);
    // Matrices are stored column after column.
    const auto shape = [&](uint32_t id, size_t& columns, size_t& rows) {
        const Type& t = m_.type(type_of(id));
        columns = t.count;
        rows = m_.type(t.element).leaves;
    };
    const auto row = [](const Leaves& m, size_t columns, size_t rows, size_t r) {
        Leaves out;
        for (size_t c = 0; c < columns; ++c) {
            out.push_back(m.at(c * rows + r));
        }
        return out;
    };
    switch (i.op) {
    case spv::Op::OpDot: {
        const Leaves a = leaves(i.word(0));
        set(i.id, {dot(float_type(i.type), a, leaves(i.word(1)), exact)});
        return true;
    }
    case spv::Op::OpVectorTimesScalar:
    case spv::Op::OpMatrixTimesScalar: {
        Inst* s = scalar(i.word(1));
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            out.push_back(fmul(float_type(i.type), a, s, exact));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpMatrixTimesVector: {
        size_t columns = 0;
        size_t rows = 0;
        shape(i.word(0), columns, rows);
        const Leaves m = leaves(i.word(0));
        const Leaves v = leaves(i.word(1));
        Leaves out;
        for (size_t r = 0; r < rows; ++r) {
            out.push_back(dot(float_type(i.type), row(m, columns, rows, r), v, exact));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpVectorTimesMatrix: {
        size_t columns = 0;
        size_t rows = 0;
        shape(i.word(1), columns, rows);
        const Leaves v = leaves(i.word(0));
        const Leaves m = leaves(i.word(1));
        Leaves out;
        for (size_t c = 0; c < columns; ++c) {
            out.push_back(dot(float_type(i.type), v, std::span(m).subspan(c * rows, rows), exact));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpMatrixTimesMatrix: {
        size_t columns = 0;
        size_t rows = 0;
        size_t result_columns = 0;
        size_t inner = 0;
        shape(i.word(0), columns, rows);
        shape(i.word(1), result_columns, inner);
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        Leaves out;
        for (size_t k = 0; k < result_columns; ++k) {
            for (size_t r = 0; r < rows; ++r) {
                out.push_back(dot(float_type(i.type), row(a, columns, rows, r),
                                  std::span(c).subspan(k * inner, inner), exact));
            }
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpOuterProduct: {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        Leaves out;
        for (Inst* column : c) {
            for (Inst* r : a) {
                out.push_back(fmul(float_type(i.type), r, column, exact));
            }
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpTranspose: {
        size_t columns = 0;
        size_t rows = 0;
        shape(i.word(0), columns, rows);
        const Leaves m = leaves(i.word(0));
        Leaves out;
        for (size_t r = 0; r < rows; ++r) {
            const Leaves line = row(m, columns, rows, r);
            out.insert(out.end(), line.begin(), line.end());
        }
        set(i.id, std::move(out));
        return true;
    }
    default:
        return false;
    }
}

bool Translator::try_dot_product(const Instr& i) {
    bool a_signed = true;
    bool c_signed = true;
    bool saturate = false;
    switch (i.op) {
    case spv::Op::OpSDotAccSat:
        saturate = true;
        [[fallthrough]];
    case spv::Op::OpSDot:
        break;
    case spv::Op::OpUDotAccSat:
        saturate = true;
        [[fallthrough]];
    case spv::Op::OpUDot:
        a_signed = c_signed = false;
        break;
    case spv::Op::OpSUDotAccSat:
        saturate = true;
        [[fallthrough]];
    case spv::Op::OpSUDot:
        c_signed = false;
        break;
    default:
        return false;
    }
    const uint32_t type = type_of(i.word(0));
    const unsigned width = m_.type(i.type).width;
    const Leaves a = leaves(i.word(0));
    const Leaves c = leaves(i.word(1));
    const bool packed = m_.type(type).kind != Kind::vector;
    if (scalar_of(type).width == 64) {
        unsupported("dot products of 64-bit integers");
    }
    // The exact sum fits 64 bits; only 32-bit elements and saturation need that much.
    const bool wide = (scalar_of(type).width >= 16 && !packed) || width == 64 || saturate;
    Inst* sum = nullptr;
    if (packed && a_signed == c_signed && !wide) {
        sum =
            b_.alu(HwOp::dp4, a_signed ? HwType::i32 : HwType::u32, {a.at(0), c.at(0), b_.u32(0)});
    } else {
        const size_t n = packed ? 4 : std::min(a.size(), c.size());
        const HwType ty = wide ? HwType::i64 : HwType::i32;
        const HwType bits = wide ? HwType::u64 : HwType::u32;
        const auto element = [&](const Leaves& from, size_t k, bool is_signed) {
            Inst* v = nullptr;
            if (packed) {
                v = b_.alu(HwOp::bfe, is_signed ? HwType::i32 : HwType::u32,
                           {from.at(0), b_.u32(static_cast<uint32_t>(8 * k)), b_.u32(8)});
            } else {
                v = widen_int(from[k], type, is_signed);
            }
            return wide ? b_.cvt(ty, is_signed ? HwType::i32 : HwType::u32, v) : v;
        };
        for (size_t k = 0; k < n; ++k) {
            Inst* p = b_.alu(HwOp::imul, bits, {element(a, k, a_signed), element(c, k, c_signed)});
            sum = sum == nullptr ? p : b_.alu(HwOp::iadd, bits, {sum, p});
        }
    }
    if (sum == nullptr) {
        corrupt("SPIR-V: empty vector");
    }
    if (saturate) {
        if (width == 64) {
            unsupported("saturating dot products with 64-bit results");
        }
        const uint32_t acc_id = i.word(2);
        Inst* acc = b_.cvt(HwType::i64, a_signed ? HwType::i32 : HwType::u32,
                           widen_int(scalar(acc_id), i.type, a_signed));
        sum = b_.alu(HwOp::iadd, HwType::u64, {sum, acc});
        const int64_t top =
            a_signed ? (1ll << (width - 1)) - 1 : static_cast<int64_t>((1ull << width) - 1);
        const int64_t bottom = a_signed ? -(1ll << (width - 1)) : 0;
        sum = b_.alu(HwOp::imin, HwType::i64, {sum, b_.u64(static_cast<uint64_t>(top))});
        sum = b_.alu(HwOp::imax, HwType::i64, {sum, b_.u64(static_cast<uint64_t>(bottom))});
    }
    if (sum->type.base == Base::bits64 && width != 64) {
        sum = b_.unpack64(sum, 0);
    }
    if (width == 16) {
        sum = b_.cvt(HwType::u16, HwType::u32, sum);
    } else if (width == 64 && sum->type.base != Base::bits64) {
        sum = b_.cvt(HwType::u64, a_signed ? HwType::i32 : HwType::u32, sum);
    }
    set(i.id, {sum});
    return true;
}

} // namespace kite::cc::spirv
