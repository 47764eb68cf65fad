// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/prepared.hpp"

#include "kite_hw/formats.hpp"

#include <algorithm>

namespace kite::dev::exec::jit::texgen {

// The rules of docs/image-layout.md; the generated code has its own version of them for other
// levels.
void prepare(Prepared& p, std::byte* window, uint64_t va_mask) {
    const auto d = hw::ImageDescriptor::unpack(p.image);
    const hw::FormatInfo* format = hw::format_info(d.format);
    const uint64_t bytes = format != nullptr ? format->bytes_per_block : 1;
    p.width = std::max(1u, (d.width_minus_1 + 1) >> d.base_level);
    p.height = std::max(1u, (d.height_minus_1 + 1) >> d.base_level);
    p.fwidth = static_cast<float>(p.width);
    p.fheight = static_cast<float>(p.height);
    p.inv_width = 1.0f / p.fwidth;
    p.inv_height = 1.0f / p.fheight;
    uint64_t slice = 0;
    if (d.layout == hw::ImageLayout::tiled) {
        p.row = ((p.width + 3) / 4) << (4 + d.log2_samples);
        slice = uint64_t{p.row * ((p.height + 3) / 4)} * bytes;
    } else {
        p.row = d.base_level == 0 ? d.row_pitch
                                  : static_cast<uint32_t>((p.width * bytes + 63) & ~uint64_t{63});
        const bool own = d.base_level == 0 && d.slice_pitch != 0;
        slice = own ? uint64_t{d.slice_pitch} * 64 : uint64_t{p.height} * p.row;
    }
    const uint64_t stride = d.image_3d ? slice : uint64_t{d.layer_stride_64} * 64;
    const uint64_t address =
        d.address + d.base_layer * stride + uint64_t{d.level_offset_64[d.base_level & 15]} * 64;
    p.pointer = window + (address & va_mask);
}

} // namespace kite::dev::exec::jit::texgen
