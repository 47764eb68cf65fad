// SPDX-License-Identifier: MIT
// GLSL.std.450: geometry, matrices, packing.
#include "shader-compiler/spirv/translator.hpp"

#include <spirv/unified1/GLSL.std.450.h>

namespace kite::cc::spirv {

bool Translator::glsl_geometry(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    std::vector<Leaves> in;
    switch (op) {
    case GLSLstd450Length:
    case GLSLstd450Distance:
    case GLSLstd450Cross:
    case GLSLstd450Normalize:
    case GLSLstd450FaceForward:
    case GLSLstd450Reflect:
    case GLSLstd450Refract:
        for (const uint32_t id : args) {
            in.push_back(leaves(id));
        }
        break;
    default:
        return false;
    }
    const HwType ty = float_type(i.type);
    const auto operand = [&](size_t n) -> const Leaves& {
        if (n >= in.size() || in[n].empty()) {
            corrupt("SPIR-V: missing operand");
        }
        return in[n];
    };
    const auto alu = [&](HwOp o, Inst* a, Inst* c) { return b_.alu(o, ty, {a, c}); };
    const auto length = [&](const Leaves& v) {
        return v.size() == 1 ? b_.alu(HwOp::fabs, ty, {v[0]})
                             : b_.alu(HwOp::fsqrt, ty, {dot(ty, v, v, false)});
    };
    const auto f = [&](double v) { return b_.fconst(ty, v); };
    Leaves out;
    const Leaves& a = operand(0);
    const size_t n = a.size();
    for (size_t k = 1; k < in.size(); ++k) {
        if (in[k].size() != n && !(op == GLSLstd450Refract && k == 2)) {
            corrupt("SPIR-V: operands of different size");
        }
    }
    switch (op) {
    case GLSLstd450Length:
        out = {length(a)};
        break;
    case GLSLstd450Distance: {
        Leaves d;
        for (size_t k = 0; k < n; ++k) {
            d.push_back(alu(HwOp::fsub, a[k], operand(1)[k]));
        }
        out = {length(d)};
        break;
    }
    case GLSLstd450Cross: {
        const Leaves& c = operand(1);
        if (n != 3) {
            corrupt("SPIR-V: cross product of other than three components");
        }
        for (size_t k = 0; k < 3; ++k) {
            const size_t x = (k + 1) % 3;
            const size_t y = (k + 2) % 3;
            Inst* minus = b_.alu(HwOp::fneg, ty, {alu(HwOp::fmul, a[y], c[x])});
            out.push_back(b_.alu(HwOp::ffma, ty, {a[x], c[y], minus}));
        }
        break;
    }
    case GLSLstd450Normalize: {
        Inst* scale = b_.alu(HwOp::fdiv, ty, {f(1), length(a)});
        for (Inst* v : a) {
            out.push_back(alu(HwOp::fmul, v, scale));
        }
        break;
    }
    case GLSLstd450FaceForward: {
        Inst* front = b_.fcmp(hw::FCmp::olt, ty, dot(ty, operand(2), operand(1), false), f(0));
        for (Inst* v : a) {
            out.push_back(b_.sel(front, v, b_.alu(HwOp::fneg, ty, {v})));
        }
        break;
    }
    case GLSLstd450Reflect: {
        Inst* scale = alu(HwOp::fmul, dot(ty, operand(1), a, false), f(-2));
        for (size_t k = 0; k < n; ++k) {
            out.push_back(b_.alu(HwOp::ffma, ty, {scale, operand(1)[k], a[k]}));
        }
        break;
    }
    default: { // refract(I, N, eta): k = 1 - eta^2 (1 - dot(N, I)^2)
        const uint32_t eta_type = type_of(args[2]);
        Inst* eta = b_.cvt(ty, float_type(eta_type), operand(2)[0]);
        Inst* d = dot(ty, operand(1), a, false);
        Inst* inner = b_.alu(HwOp::ffma, ty, {b_.alu(HwOp::fneg, ty, {d}), d, f(1)});
        Inst* k = b_.alu(HwOp::ffma, ty,
                         {b_.alu(HwOp::fneg, ty, {alu(HwOp::fmul, eta, eta)}), inner, f(1)});
        Inst* total = b_.fcmp(hw::FCmp::olt, ty, k, f(0));
        Inst* scale = b_.alu(HwOp::ffma, ty, {eta, d, b_.alu(HwOp::fsqrt, ty, {k})});
        for (size_t e = 0; e < n; ++e) {
            Inst* v =
                alu(HwOp::fsub, alu(HwOp::fmul, eta, a[e]), alu(HwOp::fmul, scale, operand(1)[e]));
            out.push_back(b_.sel(total, f(0), v));
        }
        break;
    }
    }
    set(i.id, std::move(out));
    return true;
}

Inst* Translator::minor(HwType ty, const Leaves& m, unsigned n, unsigned col, unsigned row) {
    Leaves rest;
    for (unsigned c = 0; c < n; ++c) {
        for (unsigned r = 0; r < n; ++r) {
            if (c != col && r != row) {
                rest.push_back(m[c * n + r]);
            }
        }
    }
    return determinant(ty, rest, n - 1);
}

Inst* Translator::determinant(HwType ty, const Leaves& m, unsigned n) {
    if (n == 1) {
        return m[0];
    }
    if (n == 2) {
        Inst* minus = b_.alu(HwOp::fneg, ty, {b_.alu(HwOp::fmul, ty, {m[2], m[1]})});
        return b_.alu(HwOp::ffma, ty, {m[0], m[3], minus});
    }
    Inst* sum = nullptr;
    for (unsigned c = 0; c < n; ++c) {
        Inst* factor = c % 2 == 0 ? m[c * n] : b_.alu(HwOp::fneg, ty, {m[c * n]});
        Inst* part = minor(ty, m, n, c, 0);
        sum = sum == nullptr ? b_.alu(HwOp::fmul, ty, {factor, part})
                             : b_.alu(HwOp::ffma, ty, {factor, part, sum});
    }
    return sum;
}

bool Translator::glsl_matrix(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    if ((op != GLSLstd450Determinant && op != GLSLstd450MatrixInverse) || args.empty()) {
        return false;
    }
    const Type& t = m_.type(type_of(args[0]));
    const Leaves m = leaves(args[0]);
    const unsigned n = t.count;
    if (t.kind != Kind::matrix || n < 2 || n > 4 || m.size() != static_cast<size_t>(n) * n) {
        corrupt("SPIR-V: square matrix expected");
    }
    const HwType ty = float_type(type_of(args[0]));
    if (op == GLSLstd450Determinant) {
        set(i.id, {determinant(ty, m, n)});
        return true;
    }
    // Adjugate over determinant: inverse[c][r] = (-1)^(c+r) minor(r, c) / det.
    Inst* scale = b_.alu(HwOp::fdiv, ty, {b_.fconst(ty, 1), determinant(ty, m, n)});
    Leaves out;
    for (unsigned c = 0; c < n; ++c) {
        for (unsigned r = 0; r < n; ++r) {
            Inst* v = b_.alu(HwOp::fmul, ty, {minor(ty, m, n, r, c), scale});
            out.push_back((c + r) % 2 == 0 ? v : b_.alu(HwOp::fneg, ty, {v}));
        }
    }
    set(i.id, std::move(out));
    return true;
}

bool Translator::glsl_pack(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    struct Format {
        unsigned bits, count;
        bool is_signed;
    };
    Format format{};
    switch (op) {
    case GLSLstd450PackSnorm4x8:
    case GLSLstd450UnpackSnorm4x8:
        format = {8, 4, true};
        break;
    case GLSLstd450PackUnorm4x8:
    case GLSLstd450UnpackUnorm4x8:
        format = {8, 4, false};
        break;
    case GLSLstd450PackSnorm2x16:
    case GLSLstd450UnpackSnorm2x16:
        format = {16, 2, true};
        break;
    case GLSLstd450PackUnorm2x16:
    case GLSLstd450UnpackUnorm2x16:
        format = {16, 2, false};
        break;
    case GLSLstd450PackHalf2x16:
    case GLSLstd450UnpackHalf2x16:
    case GLSLstd450PackDouble2x32:
    case GLSLstd450UnpackDouble2x32:
        break;
    default:
        return false;
    }
    if (args.empty()) {
        corrupt("SPIR-V: missing operand");
    }
    const Leaves in = leaves(args[0]);
    const auto shift_in = [&](Inst* all, Inst* v, unsigned at) {
        Inst* moved = at == 0 ? v : b_.alu(HwOp::shl, HwType::u32, {v, b_.u32(at)});
        return all == nullptr ? moved : b_.or_(all, moved);
    };
    const float top =
        format.bits == 0
            ? 0.0f
            : static_cast<float>((1u << (format.bits - (format.is_signed ? 1 : 0))) - 1);
    switch (op) {
    case GLSLstd450PackSnorm4x8:
    case GLSLstd450PackUnorm4x8:
    case GLSLstd450PackSnorm2x16:
    case GLSLstd450PackUnorm2x16: {
        Inst* all = nullptr;
        for (unsigned k = 0; k < format.count; ++k) {
            Inst* v = b_.alu(HwOp::fmax, HwType::f32,
                             {in.at(k), b_.f32(format.is_signed ? -1.0f : 0.0f)});
            v = b_.alu(HwOp::fmin, HwType::f32, {v, b_.f32(1)});
            v = b_.alu(HwOp::fmul, HwType::f32, {v, b_.f32(top)});
            v = b_.cvt(HwType::i32, HwType::f32, v, hw::Round::rte);
            v = format.is_signed ? b_.and_(v, b_.u32((1u << format.bits) - 1)) : v;
            all = shift_in(all, v, k * format.bits);
        }
        set(i.id, {all});
        return true;
    }
    case GLSLstd450UnpackSnorm4x8:
    case GLSLstd450UnpackUnorm4x8:
    case GLSLstd450UnpackSnorm2x16:
    case GLSLstd450UnpackUnorm2x16: {
        const HwType ty = format.is_signed ? HwType::i32 : HwType::u32;
        Leaves out;
        for (unsigned k = 0; k < format.count; ++k) {
            Inst* v =
                b_.alu(HwOp::bfe, ty, {in.at(0), b_.u32(k * format.bits), b_.u32(format.bits)});
            v = b_.alu(HwOp::fdiv, HwType::f32, {b_.cvt(HwType::f32, ty, v), b_.f32(top)});
            out.push_back(format.is_signed ? b_.alu(HwOp::fmax, HwType::f32, {v, b_.f32(-1)}) : v);
        }
        set(i.id, std::move(out));
        return true;
    }
    case GLSLstd450PackHalf2x16: {
        Inst* all = nullptr;
        for (unsigned k = 0; k < 2; ++k) {
            Inst* h = b_.cvt(HwType::f16, HwType::f32, in.at(k));
            all = shift_in(all, b_.cvt(HwType::u32, HwType::u16, h), 16 * k);
        }
        set(i.id, {all});
        return true;
    }
    case GLSLstd450UnpackHalf2x16: {
        Leaves out;
        for (unsigned k = 0; k < 2; ++k) {
            Inst* word = k == 0 ? in.at(0) : b_.alu(HwOp::shr, HwType::u32, {in.at(0), b_.u32(16)});
            out.push_back(b_.cvt(HwType::f32, HwType::f16, b_.cvt(HwType::u16, HwType::u32, word)));
        }
        set(i.id, std::move(out));
        return true;
    }
    case GLSLstd450PackDouble2x32:
        set(i.id, {b_.pack64(in.at(0), in.at(1))});
        return true;
    default:
        set(i.id, {b_.unpack64(in.at(0), 0), b_.unpack64(in.at(0), 1)});
        return true;
    }
}

} // namespace kite::cc::spirv
