// SPDX-License-Identifier: MIT
// Allocated machine IR to the program container: hw::ProgramHeader and the instruction words.
//
// Pure. Every word is checked with hw::check_encoding; a word that fails is our bug and comes back
// as an error with the instruction's text, so that an application sees a refused pipeline instead
// of a crash.
#pragma once

#include "base/result.hpp"
#include "shader-compiler/mir/mir.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kite::cc {

/// A finished program.
struct Encoded {
    std::vector<std::byte> binary; ///< header and words
    std::vector<uint32_t> words;   ///< the words alone
    uint64_t hash = 0;             ///< content hash, also in the header
};

/// Encodes the function with its registers.
[[nodiscard]] base::Result<Encoded> encode(const mir::Function& f, const mir::Places& places,
                                           uint32_t vregs, uint32_t sregs);

} // namespace kite::cc
