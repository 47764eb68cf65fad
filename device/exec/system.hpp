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

/// Vulkan's standard patterns of 1, 2, 4 and 8 samples, one after the other: the pattern of n
/// samples starts at n - 1.
inline constexpr SamplePosition kSamples[15] = {
    {0.5f, 0.5f},       {0.75f, 0.75f},     {0.25f, 0.25f},     {0.375f, 0.125f},
    {0.875f, 0.375f},   {0.125f, 0.625f},   {0.625f, 0.875f},   {0.5625f, 0.3125f},
    {0.4375f, 0.6875f}, {0.8125f, 0.5625f}, {0.3125f, 0.1875f}, {0.1875f, 0.8125f},
    {0.0625f, 0.4375f}, {0.6875f, 0.9375f}, {0.9375f, 0.0625f}};

/// Position of a sample; the index wraps.
inline SamplePosition sample_position(uint32_t log2_samples, uint32_t index) {
    const uint32_t last = (1u << (log2_samples & 3)) - 1;
    return kSamples[last + (index & last)];
}

} // namespace kite::dev::exec
