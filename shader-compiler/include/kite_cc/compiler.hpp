// SPDX-License-Identifier: MIT
// The shader compiler's one public header: SPIR-V in, a verified Kite program out.
//
// compile() is pure and thread-safe: no global state, no I/O, no exceptions. The input is hostile:
// malformed SPIR-V gives ErrorCode::corrupt, what the compiler does not implement gives
// ErrorCode::unsupported with the feature's name. The result is one blob: hw::ProgramHeader
// followed by the instruction words, ready to be copied into GPU memory.
//
// Example:
//   auto bin = kite::cc::compile(words, {.stage = hw::Stage::compute, .entry_point = "main",
//   .bindings = layout}); if (!bin) return bin.error();
#pragma once

#include "base/result.hpp"
#include "kite_hw/isa.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kite::cc {

/// What a binding holds; decides which descriptor the generated code reads.
enum class DescriptorKind : uint8_t {
    uniform_buffer,         ///< BufferDescriptor
    storage_buffer,         ///< BufferDescriptor
    uniform_texel_buffer,   ///< ImageDescriptor with dim = buffer
    storage_texel_buffer,   ///< ImageDescriptor with dim = buffer
    sampler,                ///< SamplerDescriptor
    sampled_image,          ///< ImageDescriptor
    combined_image_sampler, ///< ImageDescriptor at offset 0, SamplerDescriptor at offset 128
                            ///< (kCombinedSamplerOffset)
    storage_image,          ///< ImageDescriptor
    input_attachment,       ///< ImageDescriptor, read with txf at the fragment's position
    inline_uniform,         ///< the bytes themselves
    any,                    ///< what the shader's variable says (mutable descriptors)
};

/// Offset of the sampler inside a combined image sampler descriptor, bytes.
inline constexpr uint32_t kCombinedSamplerOffset = 128;

/// See Options::color_target.
inline constexpr uint8_t kNoTarget = 0xff;

/// How the samples of a multi-planar image become colours (Vulkan, "Sampler Y'CbCr conversion").
struct YcbcrConversion {
    /// VkSamplerYcbcrModelConversion; 0 (RGB identity) leaves the samples as they are.
    uint8_t model = 0;
    bool narrow = false;    ///< ITU narrow range, else full
    bool cosited_x = false; ///< chroma samples lie on even luma samples, else between two
    bool cosited_y = false; ///< the same vertically
    bool half_x = false;    ///< chroma planes have half the width
    bool half_y = false;    ///< chroma planes have half the height
    uint8_t planes = 0;     ///< 2 (G, BR) or 3 (G, B, R); 0: no conversion
    uint8_t bits = 8;       ///< of a channel
    uint8_t swizzle[4] = {0, 1, 2, 3}; ///< per component: 0-3 a channel, 4 zero, 5 one
    bool operator==(const YcbcrConversion&) const = default;
};

/// Where the descriptors of planes 1 and 2 lie in a combined image sampler with a conversion, and
/// the bytes of all of it.
inline constexpr uint32_t kYcbcrPlaneOffset[2] = {192, 320};
inline constexpr uint32_t kYcbcrDescriptorBytes = 448;

/// Where one binding lives inside its descriptor set's memory.
struct Binding {
    uint32_t set = 0;      ///< descriptor set number
    uint32_t binding = 0;  ///< binding number
    DescriptorKind kind{}; ///< content
    uint32_t offset = 0;   ///< bytes from the set's base address to array element 0
    uint32_t stride = 0;   ///< bytes between array elements
    uint32_t count =
        1; ///< array elements (0 = runtime sized); accesses are clamped below it when robust
    bool dynamic = false; ///< dynamic-offset buffer: element i is BufferDescriptor [dynamic_index +
                          ///< i] at sys.dynamic_va
    uint32_t dynamic_index = 0;           ///< see `dynamic`
    std::vector<YcbcrConversion> ycbcr{}; ///< of each element's immutable sampler; or empty
};

/// A specialization constant: raw little-endian bytes for constant_id (booleans are 4 bytes).
struct SpecConstant {
    uint32_t id = 0;   ///< SpecId decoration
    uint64_t bits = 0; ///< value, zero-extended
};

/// Inputs besides the module.
struct Options {
    hw::Stage stage{};                  ///< stage of the entry point
    std::string entry_point = "main";   ///< OpEntryPoint name
    std::span<const Binding> bindings;  ///< the pipeline layout
    std::span<const SpecConstant> spec; ///< specialization
    bool robust_buffers = true;         ///< bounds-check buffer accesses (descriptor sizes)
    uint32_t multiview = 0; ///< non-zero: ViewIndex comes from sys.view_index (it does in any case)
    uint32_t spirv_env =
        0x00010200; ///< Vulkan version the module targets: 0x00010100, 0x00010200, 0x00010300
    bool input_attachment_is_ms = false; ///< reserved: the image type decides
    uint32_t required_wave_size =
        0; ///< 0: sys.wave_size is read at run time; else gl_SubgroupSize folds to it
    /// Fragment: the colour attachment that an output location goes to; kNoTarget drops it.
    std::array<uint8_t, 8> color_target{0, 1, 2, 3, 4, 5, 6, 7};
    uint32_t tess_mode =
        0; ///< tess_eval: what the tess_control module declares, ProgramFacts::tess_mode
    bool dump = false; ///< fill Program::ir_dump and Program::asm_dump
};

/// Facts about the compiled program that the runtime needs.
struct ProgramFacts {
    hw::Stage stage{};                 ///< stage
    uint32_t workgroup[3] = {1, 1, 1}; ///< compute local size after specialization
    bool per_sample = false;           ///< fragment: must run per sample
    bool early_fragment_tests = false; ///< fragment: declared
    uint32_t tess_mode = 0;            ///< tessellation: hw::TessMode bits the module declares
    uint32_t push_bytes = 0;           ///< bytes of push constants statically used
    uint32_t input_locations = 0;      ///< vertex: mask of attribute locations read
    uint32_t instructions = 0;         ///< ISA instruction words
    uint32_t vregs = 0;                ///< vector registers
    uint32_t sregs = 0;                ///< scalar registers
    uint32_t scratch_bytes = 0;        ///< private memory per lane
    uint32_t spills = 0;               ///< values spilled to scratch
    bool uses_view_index = false;      ///< reads gl_ViewIndex
    uint32_t captured_count = 0;       ///< transform feedback: entries of `captured`
    std::array<uint32_t, 4> capture_strides{}; ///< transform feedback: bytes per vertex and buffer
    std::array<uint32_t, 160> captured{};      ///< transform feedback: hw::CapturedWord, packed
};

/// A compiled shader.
struct Program {
    std::vector<std::byte> binary; ///< hw::ProgramHeader + instruction words
    ProgramFacts facts;            ///< facts
    uint64_t hash = 0;             ///< content hash (also in the header)
    std::string ir_dump;           ///< IR text after the last pass, if asked
    std::string asm_dump;          ///< disassembly, if asked
};

/// Compiles one entry point.
/// @return the program, or corrupt (invalid SPIR-V), unsupported (feature named in the message),
/// invalid_argument (no such entry point).
[[nodiscard]] base::Result<Program> compile(std::span<const uint32_t> spirv,
                                            const Options& options);

/// Version string that changes whenever output may change; part of every cache key.
[[nodiscard]] const char* compiler_version();

} // namespace kite::cc
