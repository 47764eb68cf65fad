// SPDX-License-Identifier: MIT
// What a generated texture routine is specialised by: the instruction's and both descriptors'
// static state, as plain data.
//
// make_key() decides which combinations have routines; for all others callers use tex::execute(),
// the reference. Two requests whose difference no routine can see have equal keys (unused wrap
// modes, filters of integer formats). Sizes, addresses, lod limits and border colours stay run-time
// values. Values; thread-safe; nothing fails.
#pragma once

#include "kite_hw/descriptors.hpp"
#include "kite_hw/formats.hpp"
#include "kite_hw/isa.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kite::dev::exec::jit::texgen {

/// The key. Plain data without padding, compared and hashed as bytes.
struct TexKey {
    uint16_t op = 0;          ///< hw::Op: tex, txg or txf
    uint16_t sub = 0;         ///< the instruction's sub field
    uint16_t format = 0;      ///< hardware format id
    uint16_t swizzle = 0;     ///< the image descriptor's w3
    uint8_t width = 16;       ///< lanes
    uint8_t implicit = 0;     ///< quads deliver derivatives (fragment waves)
    uint8_t dim = 0;          ///< hw::ViewDim
    uint8_t tiled = 0;        ///< hw::ImageLayout
    uint8_t log2_samples = 0; ///< of the image
    uint8_t image_3d = 0;     ///< a 2D view of a 3D image
    uint8_t mips = 0;         ///< the view has more than one level
    uint8_t mag = 0;          ///< hw::Filter
    uint8_t min = 0;          ///< hw::Filter
    uint8_t mip = 0;          ///< hw::Filter
    uint8_t wrap_u = 0;       ///< hw::Wrap
    uint8_t wrap_v = 0;       ///< hw::Wrap
    uint8_t compare = 0;      ///< hw::CompareOp, with a reference
    uint8_t unnormalized = 0; ///< coordinates in texels
    uint8_t aniso_log2 = 0;   ///< maximum taps, where it matters
    uint8_t reserved = 0;     ///< 0
    bool operator==(const TexKey&) const = default;
};
static_assert(sizeof(TexKey) == 24);

/// Hash for tables.
struct TexKeyHash {
    size_t operator()(const TexKey& key) const;
};

/// The key of an instruction with these descriptor words, or nothing if the reference must do it.
[[nodiscard]] std::optional<TexKey> make_key(const hw::Inst& inst, bool implicit, unsigned width,
                                             const uint32_t* image, const uint32_t* sampler);

/// The view dimension an instruction's dim must meet for a routine to exist.
[[nodiscard]] hw::ViewDim view_dim(hw::Dim dim);
/// True if a texel of this format can be taken apart by a routine.
[[nodiscard]] bool decodable(const hw::FormatInfo& format);

} // namespace kite::dev::exec::jit::texgen
