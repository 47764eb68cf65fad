// SPDX-License-Identifier: MIT
#include "runtime/resource/image_layout.hpp"

namespace kite::rt {
namespace {
constexpr uint64_t align64(uint64_t v) {
    return (v + 63) / 64 * 64;
}
constexpr uint32_t div_up(uint32_t v, uint32_t d) {
    return (v + d - 1) / d;
}
} // namespace

PlaneLayout lay_out(const PlaneDesc& d) {
    PlaneLayout p;
    p.desc = d;
    uint64_t at = 0;
    uint64_t bpb = d.format->bytes_per_block;
    for (uint32_t l = 0; l < d.levels && l < kMaxLevels; ++l) {
        uint32_t w = div_up(minify(d.width, l), d.format->block_w);
        uint32_t h = div_up(minify(d.height, l), d.format->block_h);
        if (d.linear) {
            uint64_t pitch = l == 0 && d.row_pitch != 0 ? d.row_pitch : align64(w * bpb);
            p.pitch[l] = static_cast<uint32_t>(pitch);
            p.slice_bytes[l] = pitch * h;
        } else {
            p.slice_bytes[l] = uint64_t{div_up(w, 4)} * div_up(h, 4) * 16 * d.samples * bpb;
        }
        p.level_offset[l] = at;
        at = align64(at + p.slice_bytes[l] * minify(d.depth, l));
    }
    p.layer_stride = at;
    p.size_bytes = at * d.layers;
    return p;
}

uint64_t texel_offset(const PlaneLayout& p, uint32_t level, uint32_t layer, uint32_t x, uint32_t y,
                      uint32_t z, uint32_t sample) {
    const PlaneDesc& d = p.desc;
    uint64_t bpb = d.format->bytes_per_block;
    uint64_t base = p.layer_stride * layer + p.level_offset[level] + p.slice_bytes[level] * z;
    x /= d.format->block_w;
    y /= d.format->block_h;
    if (d.linear)
        return base + uint64_t{p.pitch[level]} * y + x * bpb;
    uint32_t per_row = div_up(div_up(minify(d.width, level), d.format->block_w), 4);
    uint64_t block = uint64_t{y >> 2} * per_row + (x >> 2);
    uint32_t index = (x & 1) | (y & 1) << 1 | (x & 2) << 1 | (y & 2) << 2;
    return base + block * 16 * d.samples * bpb + uint64_t{sample} * 16 * bpb + index * bpb;
}

} // namespace kite::rt
