// SPDX-License-Identifier: MIT
// Vertex attribute fetch for one vertex: the reference the JIT's generated fetches are compared
// with.
//
// Pure functions on host pointers that the front end has checked: a fetch reads only inside
// [base, base + size). Never fails: an unknown or unfit format, an unbound source and an element
// out of bounds read as zero bits; components the format lacks are (0, 0, 0, 1).
#pragma once

#include "device/exec/executor.hpp"

namespace kite::dev::exec {

/// Index of the element a lane fetches from a binding.
inline uint32_t attribute_element(const AttributeSource& source, uint32_t base_instance,
                                  uint32_t vertex_index, uint32_t instance_index) {
    return source.divisor == 0 ? vertex_index
                               : base_instance + (instance_index - base_instance) / source.divisor;
}

/// Fetches an element and converts all four components; 64-bit components take two words each.
void fetch_attribute(const AttributeSource& source, uint32_t element, hw::Type ty,
                     std::span<uint32_t, 8> out);

} // namespace kite::dev::exec
