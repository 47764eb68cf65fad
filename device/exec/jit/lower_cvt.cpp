// SPDX-License-Identifier: MIT
// Conversions (cvt): native where the host rounds as asked, else by the interpreter's helper.
#include "device/exec/jit/emitter.hpp"

namespace kite::dev::exec::jit {

using hw::Type;

llvm::Value* Emitter::convert(const hw::Inst& inst, Shape shape, Value* x) {
    const auto sub = hw::CvtSub::unpack(inst.sub);
    const Type from = sub.sty;
    const Type to = inst.ty;
    const bool nearest = sub.rnd == hw::Round::rte;
    // Register form of an integer result: narrow signed results are sign-extended.
    const auto to_register = [&](Value* narrow) {
        if (hw::type_bytes(to) >= 4) {
            return narrow;
        }
        return hw::is_signed(to) ? b_.CreateSExt(narrow, ity(32, shape))
                                 : b_.CreateZExt(narrow, ity(32, shape));
    };
    const unsigned to_bits = hw::type_bytes(to) * 8;

    if (!hw::is_float(from)) {
        if (!hw::is_float(to)) {
            Value* wide = hw::is_signed(from) ? b_.CreateSExtOrTrunc(x, ity(to_bits, shape))
                                              : b_.CreateZExtOrTrunc(x, ity(to_bits, shape));
            return to_register(wide);
        }
        // Up to 16 bits every float and double is exact, so is 32 bits in a double.
        const bool exact = (hw::type_bytes(from) <= 2 && to != Type::f16) ||
                           (hw::type_bytes(from) <= 4 && to == Type::f64);
        if (!nearest && !exact) {
            return alu_helper(inst, shape, x, nullptr, nullptr, to_bits);
        }
        Value* f = hw::is_signed(from) ? b_.CreateSIToFP(x, fty(to, shape))
                                       : b_.CreateUIToFP(x, fty(to, shape));
        // To half through float: either the float is exact or the half overflows.
        return from_float(to, f, shape);
    }

    if (!hw::is_float(to)) {
        Value* f = to_float(from, x, shape);
        switch (sub.rnd) {
        case hw::Round::rte:
            f = b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, f);
            break;
        case hw::Round::rtp:
            f = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, f);
            break;
        case hw::Round::rtn:
            f = b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, f);
            break;
        case hw::Round::rtz:
            break;
        }
        const auto id =
            hw::is_signed(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
        llvm::Type* result = ity(to_bits, shape);
        return to_register(b_.CreateIntrinsic(id, {result, f->getType()}, {f}));
    }

    if (from == to) {
        return x;
    }
    const bool widens = hw::type_bytes(to) > hw::type_bytes(from);
    if ((!widens && !nearest) || (from == Type::f64 && to == Type::f16)) {
        return alu_helper(inst, shape, x, nullptr, nullptr, to_bits);
    }
    Value* f = to_float(from, x, shape); // f16 arrives as float
    if (to == Type::f16) {
        return from_float(to, f, shape);
    }
    f = to == Type::f64     ? b_.CreateFPExt(f, fty(to, shape))
        : from == Type::f64 ? b_.CreateFPTrunc(f, fty(to, shape))
                            : f;
    return from_float(to, f, shape);
}

} // namespace kite::dev::exec::jit
