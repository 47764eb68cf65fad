// SPDX-License-Identifier: MIT
// DRM format modifiers: the two layouts of images that other drivers and processes may see.
//
// Linear is rows. Kite's tiled modifier names the layout of docs/image-layout.md for single-sampled
// 2D images of one level and one layer: 4x4-texel blocks, row by row. Its vendor byte is not
// registered with drm_fourcc.h; only Kite drivers understand it. Ownership: values. Threading:
// pure. Failure: nullopt or a VkResult.
#pragma once

#include "runtime/resource/image.hpp"

#include <optional>
#include <span>

namespace kite::rt {

/// DRM_FORMAT_MOD_LINEAR.
inline constexpr uint64_t kModifierLinear = 0;
/// Kite's blocks: vendor 0x6b, layout 1.
inline constexpr uint64_t kModifierTiled = (uint64_t{0x6b} << 56) | 1;

/// Modifiers of a format, best first; empty where it has none.
[[nodiscard]] std::span<const uint64_t> modifiers_of(const hw::FormatInfo& format);
/// The tiling that a modifier means for feature queries.
[[nodiscard]] std::optional<VkImageTiling> tiling_of(const hw::FormatInfo& format,
                                                     uint64_t modifier);
/// Fills the lists of a VkFormatProperties2 chain.
void fill_modifier_list(const hw::FormatInfo& format, void* chain);
/// Chooses the modifier and lays the image out: VkImageDrmFormatModifier*CreateInfoEXT.
[[nodiscard]] VkResult apply_modifier(Image& image, const VkImageCreateInfo& info);

} // namespace kite::rt
