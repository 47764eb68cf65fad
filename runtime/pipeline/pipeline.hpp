// SPDX-License-Identifier: MIT
// VkShaderModule, VkPipeline and the programs they share.
//
// A Program is a compiled shader in GPU memory. Programs are shared by content: equal binaries on
// one device are one Program, prefetched (verified and compiled by the device on its workers) when
// it is created. Ownership: pipelines hold programs by shared_ptr; the device keeps weak
// references. Threading: the table is locked, the rest immutable. Failure: compile errors become
// VK_ERROR_UNKNOWN or FEATURE_NOT_PRESENT with a log line naming the cause.
#pragma once

#include "runtime/descriptor/layout.hpp"
#include "runtime/pipeline/cache.hpp"
#include "runtime/pipeline/graphics_state.hpp"
#include "runtime/pipeline/library.hpp"

namespace kite::rt {

/// SPIR-V, copied.
struct ShaderModule : Object<ShaderModule, VkShaderModule> {
    std::vector<uint32_t> words; ///< code
};

/// Stages of the device, hw::Stage.
inline constexpr size_t kStages = static_cast<size_t>(hw::Stage::geometry) + 1;

/// A compiled shader in GPU memory.
struct Program {
    Device* device = nullptr;    ///< owner of the memory
    GpuPiece memory;             ///< header and instructions, then the prefetch packet
    uint32_t size_bytes = 0;     ///< header and instructions
    uint64_t hash = 0;           ///< content hash
    cc::ProgramFacts facts;      ///< facts
    uint64_t prefetch_point = 0; ///< on the device's side timeline
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();
};

/// VkPipeline.
struct Pipeline : Object<Pipeline, VkPipeline> {
    VkPipelineBindPoint bind_point{};                       ///< graphics or compute
    std::array<std::shared_ptr<Program>, kStages> programs; ///< by hw::Stage, null = none
    GraphicsState state;                                    ///< static state
    DynMask dynamic;                                        ///< dynamic pieces
    Parts parts = 0; ///< graphics: parts that it has; kAllParts unless it is a library
    std::array<uint8_t, 8> colors{0, 1, 2, 3,
                                  4, 5, 6, 7}; ///< graphics: as cc::Options::color_target
    std::vector<std::shared_ptr<const StageSource>> sources; ///< of a library's shaders
};

/// Compiles one shader, or takes it from the cache (`hit`).
VkResult compile_shader(Device& d, const VkPipelineShaderStageCreateInfo& info,
                        const PipelineLayout* layout, std::shared_ptr<const CachedProgram>& out);
/// Puts a compiled shader into GPU memory, or finds it there.
VkResult upload_program(Device& d, const CachedProgram& c, std::shared_ptr<Program>& out);
/// The device's stage; false for stages it does not have.
[[nodiscard]] bool stage_of(VkShaderStageFlagBits stage, hw::Stage& out);

} // namespace kite::rt
