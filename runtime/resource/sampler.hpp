// SPDX-License-Identifier: MIT
// VkSampler: a packed SamplerDescriptor.
//
// Ownership: the application. Threading: immutable. Failure: out of host memory.
#pragma once

#include "kite_cc/compiler.hpp"
#include "kite_hw/descriptors.hpp"
#include "runtime/device/device.hpp"

namespace kite::rt {

/// The sampler.
struct Sampler : Object<Sampler, VkSampler> {
    uint32_t words[hw::SamplerDescriptor::kDwords] = {}; ///< packed
    cc::YcbcrConversion ycbcr;                           ///< no planes: without a conversion
};

} // namespace kite::rt
