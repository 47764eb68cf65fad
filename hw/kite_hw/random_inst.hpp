// SPDX-License-Identifier: MIT
// Random legal instructions, for tests and fuzzers: every accepted form of an op can come up.
//
// A seed gives the same instructions on every machine. Sub fields, files, registers and immediates
// are drawn from what the tables allow until check_encoding() accepts. Not thread-safe per
// generator; nothing fails except that a form may not be found (nullopt), which tests treat as an
// error.
//
// Example: RandomInst random(seed); auto inst = random.inst(Op::fadd, Type::f32);
#pragma once

#include <cstdint>
#include <optional>

#include "kite_hw/isa.hpp"

namespace kite::hw {

/// Generator of legal instructions.
class RandomInst {
public:
    /// Registers are drawn below vregs and sregs (at most the ISA's limits).
    explicit RandomInst(uint64_t seed, unsigned vregs = kMaxVregs, unsigned sregs = kMaxSregs)
        : state_(seed), vregs_(vregs), sregs_(sregs) {}

    /// A legal instruction of this op and type.
    std::optional<Inst> inst(Op op, Type ty);
    /// The next 64 random bits.
    uint64_t bits();
    /// A number in [0, bound); bound is not 0.
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(bits() % bound); }

private:
    Operand random_operand(const SlotInfo& slot);
    uint16_t random_sub(const OpInfo& info);
    uint32_t random_imm(const OpInfo& info, const Inst& inst);

    uint64_t state_;
    unsigned vregs_, sregs_;
};

} // namespace kite::hw
