// SPDX-License-Identifier: MIT
// Filtered sampling and gathering of one lane (Vulkan spec "Image Sample Operations"), reference
// precision: 32-bit float. Pure; reads GPU memory through the view only.
#pragma once

#include "device/exec/tex/address.hpp"
#include "device/exec/tex/view.hpp"

namespace kite::dev::exec::tex {

/// Coordinates and modifiers of one lane, taken from the coordinate tuple.
struct SampleInput {
    float coord[3] = {};          ///< s, t, r (cube: direction)
    float layer = 0;              ///< array layer before rounding
    bool arrayed = false;         ///< layer is meaningful
    bool has_ref = false;         ///< depth comparison
    float ref = 0;                ///< reference
    float ddx[3] = {};            ///< derivatives of coord (cube: of the direction)
    float ddy[3] = {};            ///< same, y
    bool has_derivatives = false; ///< lambda from ddx/ddy; else from explicit_lod
    float explicit_lod = 0;       ///< used without derivatives
    float bias = 0;               ///< shader bias
    float min_lod = 0;            ///< shader clamp
    int32_t offset[3] = {};       ///< texel offsets
};

/// Level of detail of a lane.
struct Lod {
    float lambda;       ///< before clamping to the view's levels, after bias and sampler clamp
    float raw;          ///< before the sampler's clamp (textureQueryLod's second component)
    int samples = 1;    ///< anisotropic taps
    float step[3] = {}; ///< coordinate distance covered by the taps
};
/// Computes it; also used by the lod query.
[[nodiscard]] Lod compute_lod(const ImageView& view, const hw::SamplerDescriptor& sampler,
                              const SampleInput& in);
/// Samples; the result is swizzled (comparison: (r, 0, 0, 1)).
[[nodiscard]] Texel sample(const ImageView& view, const hw::SamplerDescriptor& sampler,
                           const SampleInput& in);
/// Gathers component `component` of the bilinear footprint in the ISA's order.
[[nodiscard]] Texel gather(const ImageView& view, const hw::SamplerDescriptor& sampler,
                           const SampleInput& in, unsigned component);

} // namespace kite::dev::exec::tex
