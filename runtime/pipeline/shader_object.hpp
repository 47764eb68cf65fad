// SPDX-License-Identifier: MIT
// VkShaderEXT: one compiled stage, bound without a pipeline.
//
// A shader's binary is a pipeline cache with one entry, so it carries the same identity, checksum
// and verification. Ownership: the application. Threading: immutable. Failure: compile errors as
// for pipelines; a foreign or damaged binary gives VK_INCOMPATIBLE_SHADER_BINARY_EXT.
#pragma once

#include "runtime/pipeline/pipeline.hpp"

namespace kite::rt {

/// VkShaderEXT.
struct Shader : Object<Shader, VkShaderEXT> {
    hw::Stage stage{};                             ///< stage
    std::shared_ptr<const CachedProgram> compiled; ///< for vkGetShaderBinaryDataEXT
    std::shared_ptr<Program> program;              ///< in GPU memory
};

} // namespace kite::rt
