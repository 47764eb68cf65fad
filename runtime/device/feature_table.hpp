// SPDX-License-Identifier: MIT
// The features the driver offers: one row per feature structure, naming the members that are on.
//
// feature_table.cpp is the file to edit when something new works. A feature is listed in the
// structure of its extension and, if core, in that of its version; both must agree. Ownership:
// static. Threading: immutable. Failure: none.
#pragma once

#include <vulkan/vulkan_core.h>

#include <cstddef>
#include <span>

namespace kite::rt {

/// A feature structure: where its booleans are and what we offer.
struct FeatureRow {
    VkStructureType type; ///< sType
    size_t last_offset;   ///< offset of the last VkBool32
    size_t size;          ///< of the structure
    void (*fill)(void*);  ///< sets the features offered in a zeroed structure
};

/// All rows.
[[nodiscard]] std::span<const FeatureRow> feature_rows();

} // namespace kite::rt
