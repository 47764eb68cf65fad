// SPDX-License-Identifier: MIT
// What SPIRV-Tools does for us before translation: validation, then simplification to one
// specialized, inlined function in SSA form. Pure and thread-safe; throws Failure (see
// failure.hpp): corrupt for modules that do not validate, invalid_argument if the entry point is
// missing. The result holds exactly one entry point.
#pragma once

#include "kite_cc/compiler.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace kite::cc::spirv {

/// Modules longer than this are refused, words.
inline constexpr size_t kMaxWords = 16u << 20;

/// Validates and simplifies. `per_sample` tells whether a fragment shader names the sample's id or
/// position: that makes it run per sample even if nothing comes of the value.
[[nodiscard]] std::vector<uint32_t> prepare(std::span<const uint32_t> words, const Options& options,
                                            bool& per_sample);

} // namespace kite::cc::spirv
