// SPDX-License-Identifier: MIT
// From gathered dwords to components: every uncompressed format whose channels lie inside one
// dword.
#include "device/exec/jit/texgen/builder.hpp"

namespace kite::dev::exec::jit::texgen {

using hw::ChannelType;

// True if source component n reaches the result.
bool Builder::wanted(unsigned n) const {
    const auto op = static_cast<hw::Op>(key_.op);
    const auto sub = hw::TexSub::unpack(key_.sub);
    if (op != hw::Op::txf && sub.ref) {
        return n == 0;
    }
    for (unsigned c = 0; c < 4; ++c) {
        if (((key_.swizzle >> (3 * c)) & 7u) == n) {
            return true;
        }
    }
    return false;
}

uint32_t Builder::words_wanted() const {
    uint32_t words = format_.shared_exponent ? 1u : 0u;
    for (unsigned n = 0; n < 4; ++n) {
        if (format_.ch[n].type != ChannelType::none && format_.ch[n].bits != 0 && wanted(n)) {
            words |= 1u << (format_.ch[n].shift / 32);
        }
    }
    return words;
}

Builder::Words Builder::fetch(const Level& l, Value* x, Value* y, Value* extra) {
    Words words{};
    const uint32_t mask = words_wanted();
    for (unsigned n = 0; n < 4; ++n) {
        if (((mask >> n) & 1u) != 0) {
            words[n] = gather(l, x, y, extra, n);
        }
    }
    return words;
}

// The correctly rounded quotient of small integers, without dividing.
llvm::Value* Builder::exact_divide(Value* x, float by) {
    Value* inverse = fc(1.0f / by);
    Value* q = b_.CreateFMul(x, inverse);
    Value* rest = fma(b_.CreateFNeg(q), fc(by), x);
    return fma(rest, inverse, q);
}

// A polynomial of the code through (255, 1), at most 2.2e-5 off: gathers from a table cost more.
llvm::Value* Builder::decode_srgb(Value* code) {
    constexpr float kPoly[6] = {1.0285206510066702e-3f, 1.1679097885269515e-4f,
                                8.323545906960653e-6f,  3.649370753894754e-8f,
                                -5.53414195376133e-11f, 5.2710575942047943e-14f};
    Value* x = b_.CreateSIToFP(code, fvec());
    Value* curve = fc(kPoly[5]);
    for (int n = 4; n >= 0; --n) {
        curve = fma(curve, x, fc(kPoly[n]));
    }
    Value* line = b_.CreateFMul(x, fc(1.0f / (255.0f * 12.92f)));
    return b_.CreateSelect(b_.CreateFCmpOLT(x, fc(10.5f)), line, curve);
}

llvm::Value* Builder::decode_float(Value* raw, const hw::Channel& ch) {
    if (ch.bits == 32) {
        return as_float(raw);
    }
    // 11- and 10-bit floats have the exponent of a half.
    Value* half = ch.bits == 16 ? raw : b_.CreateShl(raw, ic(15u - ch.bits));
    auto* i16 = llvm::FixedVectorType::get(b_.getInt16Ty(), width_);
    auto* f16 = llvm::FixedVectorType::get(b_.getHalfTy(), width_);
    return b_.CreateFPExt(b_.CreateBitCast(b_.CreateTrunc(half, i16), f16), fvec());
}

// Component n as a bit pattern: what the codec gives, bit for bit, except for sRGB.
llvm::Value* Builder::decode(const Words& words, unsigned n) {
    const hw::Channel& ch = format_.ch[n];
    if (format_.shared_exponent) {
        if (n == 3) {
            return absent(3);
        }
        Value* mantissa = b_.CreateAnd(b_.CreateLShr(words[0], ic(ch.shift)), ic(0x1ff));
        Value* exponent = b_.CreateAdd(b_.CreateLShr(words[0], ic(27)), ic(127 - 24));
        Value* scale = as_float(b_.CreateShl(exponent, ic(23)));
        return as_int(b_.CreateFMul(b_.CreateSIToFP(mantissa, fvec()), scale));
    }
    if (ch.type == ChannelType::none || ch.bits == 0 || (format_.depth && n > 0)) {
        return absent(n);
    }
    const unsigned low = ch.shift % 32;
    const bool is_signed = ch.type == ChannelType::snorm || ch.type == ChannelType::sint ||
                           ch.type == ChannelType::sscaled;
    Value* raw = words[ch.shift / 32];
    if (ch.bits != 32) {
        if (is_signed) {
            raw = b_.CreateAShr(b_.CreateShl(raw, ic(32u - low - ch.bits)), ic(32u - ch.bits));
        } else {
            raw = b_.CreateLShr(raw, ic(low));
            raw = low + ch.bits == 32 ? raw : b_.CreateAnd(raw, ic((1u << ch.bits) - 1));
        }
    }
    switch (ch.type) {
    case ChannelType::unorm:
        return as_int(
            exact_divide(b_.CreateSIToFP(raw, fvec()), static_cast<float>((1u << ch.bits) - 1)));
    case ChannelType::snorm: {
        Value* x = exact_divide(b_.CreateSIToFP(raw, fvec()),
                                static_cast<float>((1u << (ch.bits - 1)) - 1));
        return as_int(fmax(x, fc(-1.0f)));
    }
    case ChannelType::uscaled:
        return as_int(b_.CreateUIToFP(raw, fvec()));
    case ChannelType::sscaled:
        return as_int(b_.CreateSIToFP(raw, fvec()));
    case ChannelType::sfloat:
    case ChannelType::ufloat:
        return as_int(decode_float(raw, ch));
    case ChannelType::srgb:
        return as_int(decode_srgb(raw));
    case ChannelType::uint:
    case ChannelType::sint:
    case ChannelType::none:
        break;
    }
    return raw;
}

llvm::Value* Builder::absent(unsigned n) const {
    return ic(n < 3 ? 0u : format_.is_integer() ? 1u : 0x3f800000u);
}

// Component n after border replacement.
llvm::Value* Builder::component(const Words& words, Value* inside, unsigned n) {
    Value* x = decode(words, n);
    const hw::Channel& ch = format_.ch[n];
    const bool present = ch.type != ChannelType::none && ch.bits != 0 && !(format_.depth && n > 0);
    return inside == nullptr || !present ? x
                                         : b_.CreateSelect(inside, x, splat(sampler_word(4 + n)));
}

Builder::Color Builder::swizzled(const Color& color) {
    Color out{};
    for (unsigned c = 0; c < 4; ++c) {
        const unsigned from = (key_.swizzle >> (3 * c)) & 7u;
        out[c] = from < 4 ? color[from] : from == 5 ? absent(3) : ic(0);
    }
    return out;
}

// Depth comparison of a texel (bit pattern): 1.0 or 0.0.
llvm::Value* Builder::compared(Value* texel) {
    using P = llvm::CmpInst::Predicate;
    constexpr P kPredicates[8] = {P::FCMP_FALSE, P::FCMP_OLT, P::FCMP_OEQ, P::FCMP_OLE,
                                  P::FCMP_OGT,   P::FCMP_UNE, P::FCMP_OGE, P::FCMP_TRUE};
    Value* pass = b_.CreateFCmp(kPredicates[key_.compare & 7u], ref_, as_float(texel));
    return b_.CreateSelect(pass, fc(1.0f), fc(0.0f));
}

} // namespace kite::dev::exec::jit::texgen
