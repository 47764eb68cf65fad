// SPDX-License-Identifier: MIT
// VkSamplerYcbcrConversion: what the compiler has to know of it.
//
// Ownership: the application; samplers and layouts keep copies. Threading: immutable. Failure: out
// of host memory; a format that is not multi-planar is refused.
#pragma once

#include "kite_cc/compiler.hpp"
#include "runtime/device/device.hpp"

namespace kite::rt {

/// The conversion.
struct SamplerYcbcrConversion : Object<SamplerYcbcrConversion, VkSamplerYcbcrConversion> {
    cc::YcbcrConversion how; ///< for the compiler
};

} // namespace kite::rt
