// SPDX-License-Identifier: MIT
#include "device/trace/picture.hpp"

#include "device/format/codec.hpp"
#include "device/format/layout.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace kite::dev::trace {

using base::ErrorCode;
using base::fail;

namespace {

uint8_t to_unorm8(float v) {
    return v > 0 ? static_cast<uint8_t>(std::lround(std::min(v, 1.0f) * 255.0f)) : uint8_t{0};
}

// One texel as 8-bit RGBA; depth and stencil have component 0 only.
void convert(const format::SurfaceView& s, const std::byte* texel, Show show, uint8_t* out) {
    const bool grey = show != Show::color;
    if (format::is_integer(s.format)) {
        uint32_t v[4];
        format::decode_int(s.format, texel, v);
        for (unsigned i = 0; i < 4; ++i) {
            out[i] = static_cast<uint8_t>(grey ? v[0] & 0xff
                                               : std::min<uint32_t>(v[i], 255)); // negative: 255
        }
    } else {
        float v[4];
        format::decode_float(s.format, texel, v);
        const bool srgb = std::string_view(s.info->name).find("srgb") != std::string_view::npos;
        for (unsigned i = 0; i < 4; ++i) {
            out[i] = srgb && i < 3 ? format::linear_to_srgb(v[i]) : to_unorm8(v[grey ? 0 : i]);
        }
    }
    if (grey) {
        out[3] = 255;
    }
}

} // namespace

base::Result<Picture> picture_of(const SpaceMemory& memory, const Targets& targets, Show show,
                                 uint32_t index) {
    const hw::ImageDescriptor* image = nullptr;
    if (show == Show::color && index < targets.colors.size() && targets.colors[index].format != 0) {
        image = &targets.colors[index];
    } else if (show == Show::depth && targets.depth) {
        image = &*targets.depth;
    } else if (show == Show::stencil && targets.stencil) {
        image = &*targets.stencil;
    }
    if (image == nullptr) {
        return fail(ErrorCode::not_found, "the packets executed last wrote no such image");
    }
    format::SurfaceView s;
    const char* why = nullptr;
    // The view only reads; the cast is for the device's own use of the type.
    if (!format::make_surface(*image, const_cast<std::byte*>(memory.base), memory.mask, s, &why)) {
        return fail(ErrorCode::corrupt, "the image can't be shown: {}", why);
    }
    if (s.blocks_w != s.width || s.blocks_h != s.height) {
        return fail(ErrorCode::unsupported, "pictures of compressed images ({})", s.info->name);
    }
    Picture picture{.width = s.width, .height = s.height, .rgba = {}};
    picture.rgba.resize(size_t{4} * s.width * s.height);
    uint8_t* out = picture.rgba.data();
    for (uint32_t y = 0; y < s.height; ++y) {
        for (uint32_t x = 0; x < s.width; ++x, out += 4) {
            convert(s, s.at(x, y, 0), show, out);
        }
    }
    return picture;
}

} // namespace kite::dev::trace
