// SPDX-License-Identifier: MIT
// What the driver supports: core features, one row per feature structure of an extension, and the
// limits.
//
// feature_table.cpp is the table to edit when something new works. Queries and the check at device
// creation read the same rows, so a feature that was not offered can't be enabled. Unknown
// structures in a chain are left alone, as the specification asks. Ownership: static. Threading:
// pure. Failure: none.
#pragma once

#include "runtime/device/instance.hpp"

namespace kite::rt {

/// Core 1.0 features.
[[nodiscard]] VkPhysicalDeviceFeatures core_features();
/// Fills every known feature structure of a chain.
void fill_features(void* chain);
/// VK_SUCCESS, or VK_ERROR_FEATURE_NOT_PRESENT when the create info asks for more than is offered.
[[nodiscard]] VkResult check_features(const VkDeviceCreateInfo& info);
/// Limits, from hw limits.
[[nodiscard]] VkPhysicalDeviceLimits device_limits();
/// Fills a property structure of an extension or a core version that fill_properties() leaves to
/// it.
void fill_extension_properties(const PhysicalDevice& p, VkBaseOutStructure* s);
/// Fills the structures chained to the properties of the queue family.
void fill_queue_family(void* chain);
/// Fills every known property structure of a chain.
void fill_properties(const PhysicalDevice& p, void* chain);

} // namespace kite::rt
