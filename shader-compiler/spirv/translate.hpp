// SPDX-License-Identifier: MIT
// SPIR-V to IR: the compiler's front end.
//
// translate() validates the module, simplifies it with SPIRV-Tools (inlining, specialization, SSA
// form) and turns the named entry point into one scalarised IR function. It is pure and
// thread-safe, owns nothing after it returns, and never crashes on hostile input: corrupt for
// invalid modules, unsupported (with the feature's name) for what the compiler does not implement,
// invalid_argument if the entry point is missing.
//
// Example:
//   ProgramFacts facts;
//   auto f = kite::cc::translate(words, options, facts);
//   if (!f) return std::unexpected(f.error());
#pragma once

#include "base/result.hpp"
#include "kite_cc/compiler.hpp"
#include "shader-compiler/ir/ir.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace kite::cc {

/// Translates one entry point; fills the facts known from the source (stage, workgroup, per_sample,
/// early_fragment_tests, push_bytes, input_locations, uses_view_index). The function returned
/// passes ir::validate.
[[nodiscard]] base::Result<std::unique_ptr<ir::Function>>
translate(std::span<const uint32_t> spirv, const Options& options, ProgramFacts& facts);

} // namespace kite::cc
