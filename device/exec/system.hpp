// SPDX-License-Identifier: MIT
// Small facts of the device that shaders can ask for: its clock and the sample pattern.
//
// Pure except for the clock; thread-safe; never fail.
#pragma once

#include <chrono>
#include <cstdint>

namespace kite::dev::exec {

/// Nanoseconds since an arbitrary start (sys clock).
inline uint64_t device_clock() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// A sample's place inside its pixel.
struct SamplePosition {
    float x = 0.5f; ///< from the left edge
    float y = 0.5f; ///< from the top edge
};

/// Vulkan's standard pattern of four samples.
inline constexpr SamplePosition kSamples4[4] = {
    {0.375f, 0.125f}, {0.875f, 0.375f}, {0.125f, 0.625f}, {0.625f, 0.875f}};

/// Position of a sample; the index wraps, one sample is in the centre.
inline SamplePosition sample_position(uint32_t log2_samples, uint32_t index) {
    return log2_samples == 2 ? kSamples4[index & 3] : SamplePosition{};
}

} // namespace kite::dev::exec
