// SPDX-License-Identifier: MIT
// GLSL.std.450: dispatch, common functions and transcendentals. Geometry, matrices and packing are
// in ops_glsl_vector.cpp.
#include "shader-compiler/spirv/math.hpp"
#include "shader-compiler/spirv/translator.hpp"

#include <spirv/unified1/GLSL.std.450.h>

#include <limits>

namespace kite::cc::spirv {

void Translator::glsl(const Instr& i) {
    const uint32_t op = i.word(1);
    const auto args = i.w.subspan(2);
    if (glsl_integer(i, op, args) || glsl_math(i, op, args) || glsl_geometry(i, op, args) ||
        glsl_matrix(i, op, args) || glsl_pack(i, op, args) || glsl_split(i, op, args) ||
        glsl_interpolate(i, op, args)) {
        return;
    }
    unsupported("GLSL.std.450 instruction " + std::to_string(op));
}

namespace {

uint32_t arg(std::span<const uint32_t> args, size_t k) {
    if (k >= args.size()) {
        corrupt("SPIR-V: missing operand");
    }
    return args[k];
}

} // namespace

bool Translator::glsl_integer(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    const auto each = [&](auto&& one) {
        std::vector<Leaves> in;
        for (const uint32_t id : args) {
            in.push_back(leaves(id));
            if (in.back().size() != in[0].size()) {
                corrupt("SPIR-V: operands of different size");
            }
        }
        Leaves out;
        for (size_t k = 0; k < in.at(0).size(); ++k) {
            out.push_back(one([&](size_t n) { return in.at(n)[k]; }));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto extremum = [&](HwOp hw_op, bool is_signed) {
        const HwType ty = int_type(i.type, is_signed);
        const bool byte = scalar_of(i.type).width == 8;
        return each([&](auto&& in) {
            Inst* a = byte ? widen_int(in(0), i.type, is_signed) : in(0);
            Inst* c = byte ? widen_int(in(1), i.type, is_signed) : in(1);
            return b_.alu(hw_op, ty, {a, c});
        });
    };
    switch (op) {
    case GLSLstd450SAbs: {
        const HwType ty = int_type(i.type, true);
        const HwType bits = int_type(i.type, false);
        const bool byte = scalar_of(i.type).width == 8;
        return each([&](auto&& in) {
            Inst* a = byte ? widen_int(in(0), i.type, true) : in(0);
            return b_.alu(HwOp::imax, ty, {a, b_.alu(HwOp::isub, bits, {b_.iconst(ty, 0), a})});
        });
    }
    case GLSLstd450SSign: {
        const HwType ty = int_type(i.type, true);
        const bool byte = scalar_of(i.type).width == 8;
        return each([&](auto&& in) {
            Inst* a = byte ? widen_int(in(0), i.type, true) : in(0);
            return b_.alu(HwOp::imax, ty,
                          {b_.alu(HwOp::imin, ty, {a, b_.iconst(ty, 1)}), b_.iconst(ty, ~0ull)});
        });
    }
    case GLSLstd450UMin:
        return extremum(HwOp::imin, false);
    case GLSLstd450SMin:
        return extremum(HwOp::imin, true);
    case GLSLstd450UMax:
        return extremum(HwOp::imax, false);
    case GLSLstd450SMax:
        return extremum(HwOp::imax, true);
    case GLSLstd450UClamp:
    case GLSLstd450SClamp: {
        const bool is_signed = op == GLSLstd450SClamp;
        const HwType ty = int_type(i.type, is_signed);
        const bool byte = scalar_of(i.type).width == 8;
        return each([&](auto&& in) {
            const auto v = [&](size_t n) {
                return byte ? widen_int(in(n), i.type, is_signed) : in(n);
            };
            return b_.alu(HwOp::imin, ty, {b_.alu(HwOp::imax, ty, {v(0), v(1)}), v(2)});
        });
    }
    case GLSLstd450FindILsb:
    case GLSLstd450FindSMsb:
    case GLSLstd450FindUMsb: {
        const uint32_t from = type_of(arg(args, 0));
        const bool is_signed = op == GLSLstd450FindSMsb;
        const bool wide = scalar_of(from).width == 64;
        if (wide && is_signed) {
            unsupported("findMSB of signed 64-bit integers");
        }
        return each([&](auto&& in) {
            Inst* a = widen_int(in(0), from, is_signed);
            const HwType ty = wide ? HwType::u64 : is_signed ? HwType::i32 : HwType::u32;
            Inst* n = op == GLSLstd450FindILsb
                          ? b_.alu(HwOp::ffl, wide ? HwType::u64 : HwType::u32, {a})
                          : b_.alu(HwOp::ffm, ty, {a});
            return b_.cvt(int_type(i.type, true), HwType::i32, n);
        });
    }
    default:
        return false;
    }
}

/// Minimum or maximum; where the module cares for the sign of zeros, -0 is below +0.
Inst* Translator::float_extreme(HwOp op, HwType ty, Inst* a, Inst* b) {
    Inst* r = b_.alu(op, ty, {a, b});
    if (!m_.signed_zeros) {
        return r;
    }
    // Equal operands differ in the sign of a zero at most.
    Inst* same = b_.fcmp(hw::FCmp::oeq, ty, a, b);
    if (ty == HwType::f16) {
        Inst* x = b_.cvt(HwType::u32, HwType::u16, a);
        Inst* y = b_.cvt(HwType::u32, HwType::u16, b);
        Inst* both = b_.logic(op == HwOp::fmin ? HwOp::or_ : HwOp::and_, x, y);
        return b_.sel(same, b_.cvt(HwType::u16, HwType::u32, both), r);
    }
    return b_.sel(same, b_.logic(op == HwOp::fmin ? HwOp::or_ : HwOp::and_, a, b), r);
}

bool Translator::glsl_math(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    const Type& result = scalar_of(i.type);
    if (result.kind != Kind::floating || args.empty()) {
        return false;
    }
    const HwType ty = float_type(i.type);
    const auto each = [&](auto&& one) {
        std::vector<Leaves> in;
        for (const uint32_t id : args) {
            in.push_back(leaves(id));
            if (in.back().size() != in[0].size()) {
                corrupt("SPIR-V: operands of different size");
            }
        }
        Leaves out;
        for (size_t k = 0; k < in[0].size(); ++k) {
            out.push_back(one([&](size_t n) {
                if (n >= in.size()) {
                    corrupt("SPIR-V: missing operand");
                }
                return in[n][k];
            }));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto simple = [&](HwOp hw_op) {
        return each([&](auto&& in) { return b_.alu(hw_op, ty, {in(0)}); });
    };
    // Transcendentals: computed in f32, converted for f16.
    const auto wide = [&](auto&& one) {
        if (ty == HwType::f64) {
            unsupported("64-bit GLSL.std.450 instruction " + std::to_string(op));
        }
        return each([&](auto&& in) {
            Inst* r = one([&](size_t n) { return b_.cvt(HwType::f32, ty, in(n)); });
            return b_.cvt(ty, HwType::f32, r);
        });
    };
    const auto f = [&](double v) { return b_.fconst(ty, v); };
    const auto fmul32 = [&](Inst* a, double v) {
        return b_.alu(HwOp::fmul, HwType::f32, {a, b_.f32(static_cast<float>(v))});
    };
    constexpr double kLog2e = 1.4426950408889634;
    constexpr double kLn2 = 0.6931471805599453;
    const auto exp = [&](Inst* x) { return math::exp2(b_, fmul32(x, kLog2e)); };
    const auto log = [&](Inst* x) { return fmul32(math::log2(b_, x), kLn2); };
    const auto op32 = [&](HwOp o, Inst* a, Inst* c) { return b_.alu(o, HwType::f32, {a, c}); };
    switch (op) {
    case GLSLstd450Round:
    case GLSLstd450RoundEven:
        return simple(HwOp::frne);
    case GLSLstd450Trunc:
        return simple(HwOp::ftrunc);
    case GLSLstd450FAbs:
        return simple(HwOp::fabs);
    case GLSLstd450Floor:
        return simple(HwOp::ffloor);
    case GLSLstd450Ceil:
        return simple(HwOp::fceil);
    case GLSLstd450Sqrt:
        return simple(HwOp::fsqrt);
    case GLSLstd450FSign:
        return each([&](auto&& in) {
            Inst* up = b_.sel(b_.fcmp(hw::FCmp::ogt, ty, in(0), f(0)), f(1), in(0));
            return b_.sel(b_.fcmp(hw::FCmp::olt, ty, in(0), f(0)), f(-1), up);
        });
    case GLSLstd450Fract:
        return each([&](auto&& in) {
            return b_.alu(HwOp::fsub, ty, {in(0), b_.alu(HwOp::ffloor, ty, {in(0)})});
        });
    case GLSLstd450Radians:
        return each(
            [&](auto&& in) { return b_.alu(HwOp::fmul, ty, {in(0), f(0.017453292519943295)}); });
    case GLSLstd450Degrees:
        return each(
            [&](auto&& in) { return b_.alu(HwOp::fmul, ty, {in(0), f(57.29577951308232)}); });
    case GLSLstd450InverseSqrt:
        return each([&](auto&& in) {
            return b_.alu(HwOp::fdiv, ty, {f(1), b_.alu(HwOp::fsqrt, ty, {in(0)})});
        });
    case GLSLstd450FMin:
    case GLSLstd450NMin:
        return each([&](auto&& in) { return float_extreme(HwOp::fmin, ty, in(0), in(1)); });
    case GLSLstd450FMax:
    case GLSLstd450NMax:
        return each([&](auto&& in) { return float_extreme(HwOp::fmax, ty, in(0), in(1)); });
    case GLSLstd450FClamp:
    case GLSLstd450NClamp:
        return each([&](auto&& in) {
            return float_extreme(HwOp::fmin, ty, float_extreme(HwOp::fmax, ty, in(0), in(1)),
                                 in(2));
        });
    case GLSLstd450FMix:
        return each([&](auto&& in) { // x (1 - a) + y a
            Inst* keep = b_.alu(HwOp::fmul, ty, {in(0), b_.alu(HwOp::fsub, ty, {f(1), in(2)})});
            return b_.alu(HwOp::ffma, ty, {in(1), in(2), keep});
        });
    case GLSLstd450Step:
        return each([&](auto&& in) {
            return b_.sel(b_.fcmp(hw::FCmp::olt, ty, in(1), in(0)), f(0), f(1));
        });
    case GLSLstd450SmoothStep:
        return each([&](auto&& in) {
            Inst* t = b_.alu(
                HwOp::fdiv, ty,
                {b_.alu(HwOp::fsub, ty, {in(2), in(0)}), b_.alu(HwOp::fsub, ty, {in(1), in(0)})});
            t = b_.alu(HwOp::fmin, ty, {b_.alu(HwOp::fmax, ty, {t, f(0)}), f(1)});
            Inst* curve = b_.alu(HwOp::ffma, ty, {t, f(-2), f(3)});
            return b_.alu(HwOp::fmul, ty, {b_.alu(HwOp::fmul, ty, {t, t}), curve});
        });
    case GLSLstd450Fma:
        return each([&](auto&& in) { return b_.alu(HwOp::ffma, ty, {in(0), in(1), in(2)}); });
    case GLSLstd450Sin:
        return wide([&](auto&& in) { return math::sin_cos(b_, in(0)).sin; });
    case GLSLstd450Cos:
        return wide([&](auto&& in) { return math::sin_cos(b_, in(0)).cos; });
    case GLSLstd450Tan:
        return wide([&](auto&& in) {
            const math::SinCos r = math::sin_cos(b_, in(0));
            return op32(HwOp::fdiv, r.sin, r.cos);
        });
    case GLSLstd450Asin:
        return wide([&](auto&& in) { return math::asin(b_, in(0)); });
    case GLSLstd450Acos:
        return wide([&](auto&& in) { return math::acos(b_, in(0)); });
    case GLSLstd450Atan:
        return wide([&](auto&& in) { return math::atan(b_, in(0)); });
    case GLSLstd450Atan2:
        return wide([&](auto&& in) { return math::atan2(b_, in(0), in(1)); });
    case GLSLstd450Sinh:
    case GLSLstd450Cosh:
        return wide([&](auto&& in) {
            // Half of each exponential, so that the sum overflows only where the result does.
            Inst* x = in(0);
            Inst* up = math::exp2(b_, b_.alu(HwOp::ffma, HwType::f32,
                                             {x, b_.f32(static_cast<float>(kLog2e)), b_.f32(-1)}));
            Inst* down =
                math::exp2(b_, b_.alu(HwOp::ffma, HwType::f32,
                                      {x, b_.f32(static_cast<float>(-kLog2e)), b_.f32(-1)}));
            return op32(op == GLSLstd450Sinh ? HwOp::fsub : HwOp::fadd, up, down);
        });
    case GLSLstd450Tanh:
        return wide([&](auto&& in) { return math::tanh(b_, in(0)); });
    case GLSLstd450Asinh:
        return wide([&](auto&& in) {
            Inst* a = b_.alu(HwOp::fabs, HwType::f32, {in(0)});
            Inst* root = b_.alu(HwOp::fsqrt, HwType::f32,
                                {b_.alu(HwOp::ffma, HwType::f32, {a, a, b_.f32(1)})});
            Inst* r = log(op32(HwOp::fadd, a, root));
            return b_.or_(b_.and_(r, b_.u32(0x7fffffff)), b_.and_(in(0), b_.u32(0x80000000u)));
        });
    case GLSLstd450Acosh:
        return wide([&](auto&& in) {
            Inst* x = in(0);
            Inst* root = b_.alu(HwOp::fsqrt, HwType::f32,
                                {b_.alu(HwOp::ffma, HwType::f32, {x, x, b_.f32(-1)})});
            return log(op32(HwOp::fadd, x, root));
        });
    case GLSLstd450Atanh:
        return wide([&](auto&& in) {
            Inst* x = in(0);
            Inst* q =
                op32(HwOp::fdiv, op32(HwOp::fadd, b_.f32(1), x), op32(HwOp::fsub, b_.f32(1), x));
            return fmul32(math::log2(b_, q), kLn2 / 2);
        });
    case GLSLstd450Pow:
        return wide([&](auto&& in) { return math::pow(b_, in(0), in(1)); });
    case GLSLstd450Exp:
        return wide([&](auto&& in) { return exp(in(0)); });
    case GLSLstd450Log:
        return wide([&](auto&& in) { return log(in(0)); });
    case GLSLstd450Exp2:
        return wide([&](auto&& in) { return math::exp2(b_, in(0)); });
    case GLSLstd450Log2:
        return wide([&](auto&& in) { return math::log2(b_, in(0)); });
    default:
        return false;
    }
}

bool Translator::glsl_split(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    switch (op) {
    case GLSLstd450Modf:
    case GLSLstd450ModfStruct: {
        const HwType ty = float_type(type_of(arg(args, 0)));
        Leaves fraction;
        Leaves whole;
        for (Inst* x : Leaves(leaves(args[0]))) {
            Inst* t = b_.alu(HwOp::ftrunc, ty, {x});
            Inst* infinite = b_.fcmp(hw::FCmp::oeq, ty, b_.alu(HwOp::fabs, ty, {x}),
                                     b_.fconst(ty, std::numeric_limits<double>::infinity()));
            whole.push_back(t);
            fraction.push_back(b_.sel(infinite, b_.fconst(ty, 0), b_.alu(HwOp::fsub, ty, {x, t})));
        }
        if (op == GLSLstd450Modf) {
            store(pointer(arg(args, 1)), whole, false);
        } else {
            fraction.insert(fraction.end(), whole.begin(), whole.end());
        }
        set(i.id, std::move(fraction));
        return true;
    }
    case GLSLstd450Frexp:
    case GLSLstd450FrexpStruct: {
        const HwType ty = float_type(type_of(arg(args, 0)));
        Leaves significand;
        Leaves exponent;
        for (Inst* x : Leaves(leaves(args[0]))) {
            const bool wide = ty == HwType::f64;
            const HwType work = wide ? HwType::f64 : HwType::f32;
            Inst* v = wide ? x : b_.cvt(HwType::f32, ty, x);
            // Denormals are scaled up first.
            Inst* a = b_.alu(HwOp::fabs, work, {v});
            Inst* tiny =
                b_.fcmp(hw::FCmp::olt, work, a, b_.fconst(work, wide ? 0x1p-1022 : 0x1p-126));
            Inst* scaled = b_.sel(tiny, b_.alu(HwOp::fmul, work, {v, b_.fconst(work, 0x1p60)}), v);
            Inst* high = wide ? b_.unpack64(scaled, 1) : scaled;
            const uint32_t shift = wide ? 20 : 23;
            const uint32_t mask = wide ? 0x7ff : 0xff;
            Inst* e = b_.and_(b_.alu(HwOp::shr, HwType::u32, {high, b_.u32(shift)}), b_.u32(mask));
            e = b_.alu(HwOp::isub, HwType::u32,
                       {e, b_.sel(tiny, b_.u32(mask / 2 - 1 + 60), b_.u32(mask / 2 - 1))});
            Inst* m =
                b_.or_(b_.and_(high, b_.u32(~(mask << shift))), b_.u32((mask / 2 - 1) << shift));
            m = wide ? b_.pack64(b_.unpack64(scaled, 0), m) : m;
            // Zero, infinity and NaN stay as they are, with exponent 0.
            Inst* zero = b_.fcmp(hw::FCmp::oeq, work, v, b_.fconst(work, 0));
            Inst* finite = b_.fcmp(hw::FCmp::olt, work, a,
                                   b_.fconst(work, std::numeric_limits<double>::infinity()));
            Inst* normal = b_.and_(finite, b_.not_(zero));
            Inst* r = b_.sel(normal, m, v);
            significand.push_back(wide ? r : b_.cvt(ty, HwType::f32, r));
            exponent.push_back(b_.sel(normal, e, b_.u32(0)));
        }
        const uint32_t exponent_type =
            op == GLSLstd450Frexp ? pointer(arg(args, 1)).type : m_.element_type(i.type, 1);
        if (scalar_of(exponent_type).width != 32) {
            for (Inst*& e : exponent) {
                e = b_.cvt(int_type(exponent_type, true), HwType::i32, e);
            }
        }
        if (op == GLSLstd450Frexp) {
            store(pointer(args[1]), exponent, false);
        } else {
            significand.insert(significand.end(), exponent.begin(), exponent.end());
        }
        set(i.id, std::move(significand));
        return true;
    }
    case GLSLstd450Ldexp: {
        const HwType ty = float_type(i.type);
        const bool wide = ty == HwType::f64;
        const HwType work = wide ? HwType::f64 : HwType::f32;
        const Leaves x = leaves(arg(args, 0));
        const Leaves e = leaves(arg(args, 1));
        const int32_t bias = wide ? 1023 : 127;
        Leaves out;
        for (size_t k = 0; k < x.size() && k < e.size(); ++k) {
            Inst* n = to_u32(e[k], type_of(args[1]));
            n = b_.alu(
                HwOp::imin, HwType::i32,
                {b_.alu(HwOp::imax, HwType::i32, {n, b_.i32(2 - 2 * bias)}), b_.i32(2 * bias)});
            Inst* half = b_.alu(HwOp::shr, HwType::i32, {n, b_.u32(1)});
            Inst* rest = b_.alu(HwOp::isub, HwType::u32, {n, half});
            const auto power = [&](Inst* p) {
                Inst* bits = b_.alu(
                    HwOp::shl, HwType::u32,
                    {b_.alu(HwOp::iadd, HwType::u32, {p, b_.i32(bias)}), b_.u32(wide ? 20 : 23)});
                return wide ? b_.pack64(b_.u32(0), bits) : bits;
            };
            Inst* v = wide ? x[k] : b_.cvt(HwType::f32, ty, x[k]);
            v = b_.alu(HwOp::fmul, work, {b_.alu(HwOp::fmul, work, {v, power(half)}), power(rest)});
            out.push_back(wide ? v : b_.cvt(ty, HwType::f32, v));
        }
        set(i.id, std::move(out));
        return true;
    }
    default:
        return false;
    }
}

bool Translator::glsl_interpolate(const Instr& i, uint32_t op, std::span<const uint32_t> args) {
    hw::InterpLoc loc{};
    Inst* a = nullptr;
    Inst* c = nullptr;
    switch (op) {
    case GLSLstd450InterpolateAtCentroid:
        loc = hw::InterpLoc::centroid;
        break;
    case GLSLstd450InterpolateAtSample:
        loc = hw::InterpLoc::sample_index;
        a = as_u32(arg(args, 1));
        break;
    case GLSLstd450InterpolateAtOffset: {
        loc = hw::InterpLoc::offset;
        const Leaves offset = leaves(arg(args, 1));
        if (offset.size() != 2) {
            corrupt("SPIR-V: interpolateAtOffset needs two components");
        }
        const HwType ty = float_type(type_of(args[1]));
        a = b_.cvt(HwType::f32, ty, offset[0]);
        c = b_.cvt(HwType::f32, ty, offset[1]);
        break;
    }
    default:
        return false;
    }
    const Pointer p = pointer(arg(args, 0));
    if (p.variable == nullptr || p.variable->storage != spv::StorageClass::Input) {
        corrupt("SPIR-V: interpolateAt needs an input");
    }
    const uint32_t count = m_.type(i.type).leaves;
    const auto at = [&](uint32_t first) {
        Leaves out;
        for (uint32_t k = 0; k < count; ++k) {
            if (first + k >= p.variable->io.size()) {
                corrupt("SPIR-V: input index out of range");
            }
            const IoLeaf& leaf = p.variable->io[first + k];
            out.push_back(leaf.interp == hw::Interp::flat ? load_input(*p.variable, first + k, 1)[0]
                                                          : load_varying(leaf, loc, a, c));
        }
        return out;
    };
    Leaves out = at(p.leaf);
    if (p.dynamic_leaf != nullptr) {
        for (uint32_t d = 1; p.leaf + d + count <= p.variable->io.size(); ++d) {
            Inst* here = b_.icmp(hw::ICmp::eq, HwType::u32, p.dynamic_leaf, b_.u32(d));
            const Leaves other = at(p.leaf + d);
            for (uint32_t k = 0; k < count; ++k) {
                out[k] = b_.sel(here, other[k], out[k]);
            }
        }
    }
    set(i.id, std::move(out));
    return true;
}

} // namespace kite::cc::spirv
