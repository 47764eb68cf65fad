// SPDX-License-Identifier: MIT
// Random programs that the verifier accepts, for comparing executors.
//
// A program is built from structured statements over a few registers, with hostile values in
// memory, registers and literals. Results of float operations are canonicalised (NaNs become one
// NaN), so that the payloads that implementations may choose freely never reach an integer.
// Deterministic in the seed; single-threaded; never fails.
#pragma once

#include "kite_hw/descriptors.hpp"
#include "kite_hw/isa.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace kite::test {

/// What to generate.
struct GeneratorConfig {
    hw::Stage stage = hw::Stage::compute; ///< stage
    unsigned size = 40;                   ///< about how many statements
    bool waves_share = false;             ///< barriers and shared memory are used
    bool lean = false; ///< registers are filled and shown by whole waves: compiles twice as fast
};

/// Bytes of the buffer programs see at push_va; its size is also the limit of bounded accesses.
inline constexpr uint32_t kDataBytes = 4096;
/// Vertex attributes and fragment inputs a program may read.
inline constexpr uint32_t kTestInputs = 4;

/// Builds programs.
class Generator {
public:
    /// Everything follows from the seed.
    explicit Generator(uint64_t seed) : random_(seed) {}
    /// A binary: header and words.
    std::vector<uint32_t> program(const GeneratorConfig& config);

private:
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
    bool chance(uint32_t percent) { return below(100) < percent; }
    void emit(const hw::Inst& inst) { code_.push_back(inst); }
    hw::Operand vreg(unsigned words);
    hw::Operand sreg(unsigned words);
    hw::Operand source(unsigned words, bool vector, hw::Inst& inst, bool literal_allowed);
    uint32_t literal();
    void masked(hw::Inst& inst);
    void canonicalise(hw::Operand dst, hw::Type ty);

    void prologue();
    void epilogue();
    void lean_stores();
    void statements(unsigned count);
    void statement();
    void alu();
    void convert();
    void lane();
    void reduce();
    void load();
    void store();
    void atomic();
    void scratch();
    void io();
    void condition();
    void loop();
    void blocks();
    void branch_out();
    void uniform_region();
    hw::Operand boolean(bool scalar);

    std::mt19937_64 random_;
    GeneratorConfig config_;
    std::vector<hw::Inst> code_;
    std::vector<hw::Op> open_;
    unsigned loops_ = 0;
    bool divergent_ = false;
};

} // namespace kite::test
