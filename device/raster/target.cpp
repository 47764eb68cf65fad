// SPDX-License-Identifier: MIT
#include "device/raster/target.hpp"

#include "device/format/codec.hpp"
#include "device/format/layout.hpp"
#include "device/raster/hot.hpp"
#include "kite_hw/formats.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace kite::dev::raster {

namespace {

using base::ErrorCode;
using base::fail;

base::Result<Target> make_target(const Window& window, const hw::ImageDescriptor& image,
                                 const char* what) {
    format::SurfaceView view;
    const char* why = "invalid";
    if (!format::make_surface(image, window.base, window.va_mask, view, &why)) {
        return fail(ErrorCode::invalid_argument, "{} attachment: {}", what, why);
    }
    if (view.info->compressed || view.bpb > 16 || 64 % view.bpb != 0) {
        return fail(ErrorCode::invalid_argument, "{} attachment: format {} cannot be rendered to",
                    what, view.info->name);
    }
    if (view.samples > kMaxSamples) {
        return fail(ErrorCode::unsupported, "{} attachment with {} samples", what, view.samples);
    }
    if (view.samples != 1 && !view.tiled) {
        return fail(ErrorCode::unsupported, "multisampled {} attachment in linear layout", what);
    }
    Target t{};
    t.base = view.base;
    t.layer_stride = view.layer_stride;
    t.row_stride = view.row_stride;
    t.width = view.width;
    t.height = view.height;
    t.layers = view.layers;
    t.format = view.format;
    t.bytes = view.bpb;
    t.samples = view.samples;
    t.tiled = view.tiled;
    return t;
}

void channel_masks(const hw::FormatInfo& info, Target& t) {
    for (unsigned c = 0; c < 4; ++c) {
        for (unsigned bit = 0; bit < info.ch[c].bits; ++bit) {
            const unsigned at = info.ch[c].shift + bit;
            if (at / 8 < 16) {
                t.texel_mask[c][at / 8] =
                    static_cast<uint8_t>(t.texel_mask[c][at / 8] | 1u << at % 8);
            }
        }
    }
}

ColorClass class_of(const hw::FormatInfo& info) {
    switch (static_cast<hw::Format>(info.id)) {
    case hw::Format::r8g8b8a8_unorm:
    case hw::Format::a8b8g8r8_unorm_pack32:
        return ColorClass::rgba8_unorm;
    case hw::Format::b8g8r8a8_unorm:
        return ColorClass::bgra8_unorm;
    case hw::Format::r8g8b8a8_srgb:
    case hw::Format::a8b8g8r8_srgb_pack32:
        return ColorClass::rgba8_srgb;
    case hw::Format::b8g8r8a8_srgb:
        return ColorClass::bgra8_srgb;
    case hw::Format::r32g32b32a32_sfloat:
        return ColorClass::rgba32_float;
    case hw::Format::r32_sfloat:
        return ColorClass::r32_float;
    default:
        return info.is_integer() ? ColorClass::integer : ColorClass::other_float;
    }
}

std::byte* texel_at(const Target& t, uint32_t layer, uint32_t x, uint32_t y, uint32_t sample) {
    std::byte* base = t.base + layer * t.layer_stride;
    if (!t.tiled) {
        return base + y * t.row_stride + uint64_t{x} * t.bytes;
    }
    return base + (y >> 2) * t.row_stride +
           uint64_t{x >> 2} * (kBlockPixels * t.samples * t.bytes) +
           (uint64_t{kBlockPixels} * sample + format::block_index(x, y)) * t.bytes;
}

/// A texel repeated to 64 bytes. The sizes of all attachment formats divide 64.
struct Pattern {
    alignas(64) std::byte bytes[64];

    Pattern(const std::byte* texel, uint32_t size) {
        for (uint32_t i = 0; i + size <= 64; i += size) {
            std::memcpy(bytes + i, texel, size);
        }
    }
};

} // namespace

base::Result<Target> make_color_target(const Window& window, const hw::ImageDescriptor& image) {
    auto t = make_target(window, image, "colour");
    if (!t) {
        return t;
    }
    const hw::FormatInfo& info = *hw::format_info(t->format);
    if (!info.has(hw::FormatCap::color)) {
        return fail(ErrorCode::invalid_argument, "format {} as colour attachment", info.name);
    }
    t->color = class_of(info);
    t->srgb = info.srgb;
    t->is_signed = info.first().type == hw::ChannelType::snorm || info.is_sint();
    t->fixed_point = info.first().type == hw::ChannelType::unorm ||
                     info.first().type == hw::ChannelType::snorm || info.srgb;
    channel_masks(info, *t);
    return t;
}

base::Result<Target> make_depth_target(const Window& window, const hw::ImageDescriptor& image) {
    auto t = make_target(window, image, "depth");
    if (!t) {
        return t;
    }
    const hw::FormatInfo& info = *hw::format_info(t->format);
    const hw::Channel& depth = info.ch[0];
    if (info.depth && depth.bits == 16 && t->bytes == 2) {
        t->depth = DepthClass::d16;
    } else if (info.depth && depth.bits == 24 && t->bytes == 4) {
        t->depth = DepthClass::d24;
    } else if (info.depth && depth.bits == 32 && t->bytes == 4) {
        t->depth = DepthClass::d32;
    } else {
        return fail(ErrorCode::invalid_argument, "format {} as depth attachment", info.name);
    }
    return t;
}

base::Result<Target> make_stencil_target(const Window& window, const hw::ImageDescriptor& image) {
    auto t = make_target(window, image, "stencil");
    if (!t) {
        return t;
    }
    const hw::FormatInfo& info = *hw::format_info(t->format);
    if (!info.stencil || t->bytes != 1) {
        return fail(ErrorCode::invalid_argument, "format {} as stencil plane", info.name);
    }
    return t;
}

void encode_clear(const Target& target, const uint32_t (&value)[4], std::byte (&texel)[16]) {
    std::memset(texel, 0, sizeof texel);
    float rgba[4];
    std::memcpy(rgba, value, sizeof rgba);
    if (target.depth != DepthClass::none) {
        const bool floating = target.depth != DepthClass::d16 && target.depth != DepthClass::d24;
        const float depth = floating ? rgba[0] : rgba[0] >= 0.0f ? std::min(rgba[0], 1.0f) : 0.0f;
        uint32_t word = 0;
        if (target.depth == DepthClass::d16) {
            word = static_cast<uint32_t>(std::lrint(static_cast<double>(depth) * 65535.0));
        } else if (target.depth == DepthClass::d24) {
            word = static_cast<uint32_t>(std::lrint(static_cast<double>(depth) * 16777215.0));
        } else {
            std::memcpy(&word, &depth, sizeof word);
        }
        std::memcpy(texel, &word, target.bytes);
    } else if (target.color == ColorClass::none) {
        texel[0] = static_cast<std::byte>(value[0] & 0xffu);
    } else if (target.color == ColorClass::integer) {
        format::encode_int(target.format, value, texel);
    } else {
        format::encode_float(target.format, rgba, texel);
    }
}

void fill_rect(const Target& t, uint32_t layer, const PixelRect& rect,
               const std::byte (&texel)[16]) {
    const HotCode& hot = hot_code();
    const Pattern pattern(texel, t.bytes);
    if (!t.tiled) {
        for (int y = rect.y0; y < rect.y1; ++y) {
            hot.fill(
                texel_at(t, layer, static_cast<uint32_t>(rect.x0), static_cast<uint32_t>(y), 0),
                static_cast<size_t>(rect.x1 - rect.x0) * t.bytes, pattern.bytes);
        }
        return;
    }
    // A block at the surface's edge is wholly the surface's: texels beyond it are padding.
    const int width = static_cast<int>(t.width);
    const int height = static_cast<int>(t.height);
    const size_t block_bytes = size_t{kBlockPixels} * t.samples * t.bytes;
    for (int by = rect.y0 & ~3; by < rect.y1; by += kBlock) {
        const bool whole_y = by >= rect.y0 && (by + kBlock <= rect.y1 || rect.y1 == height);
        int bx = rect.x0 & ~3;
        while (bx < rect.x1) {
            const bool whole_x = bx >= rect.x0 && (bx + kBlock <= rect.x1 || rect.x1 == width);
            if (whole_x && whole_y) {
                const int end = rect.x1 == width ? (rect.x1 + 3) & ~3 : rect.x1 & ~3;
                hot.fill(
                    texel_at(t, layer, static_cast<uint32_t>(bx), static_cast<uint32_t>(by), 0),
                    block_bytes * static_cast<size_t>((end - bx) / kBlock), pattern.bytes);
                bx = end;
                continue;
            }
            for (int y = std::max(by, rect.y0); y < std::min(by + kBlock, rect.y1); ++y) {
                for (int x = std::max(bx, rect.x0); x < std::min(bx + kBlock, rect.x1); ++x) {
                    for (uint32_t s = 0; s < t.samples; ++s) {
                        std::memcpy(texel_at(t, layer, static_cast<uint32_t>(x),
                                             static_cast<uint32_t>(y), s),
                                    texel, t.bytes);
                    }
                }
            }
            bx += kBlock;
        }
    }
}

namespace {

float depth_value(const Target& t, const std::byte* texel) {
    uint32_t word = 0;
    std::memcpy(&word, texel, t.bytes);
    if (t.depth == DepthClass::d32) {
        float f;
        std::memcpy(&f, &word, sizeof f);
        return f;
    }
    return static_cast<float>(t.depth == DepthClass::d24 ? word & 0xffffffu
                                                         : word); // order is all that matters
}

/// The sample that min or max chooses.
uint32_t extreme_sample(const Target& source, uint32_t layer, uint32_t x, uint32_t y,
                        bool largest) {
    uint32_t best = 0;
    float best_value = 0;
    for (uint32_t s = 0; s < source.samples; ++s) {
        const std::byte* texel = texel_at(source, layer, x, y, s);
        const float value = source.depth != DepthClass::none ? depth_value(source, texel)
                                                             : static_cast<float>(texel[0]);
        if (s == 0 || (largest ? value > best_value : value < best_value)) {
            best = s;
            best_value = value;
        }
    }
    return best;
}

void average_texel(const Target& source, uint32_t layer, uint32_t x, uint32_t y, std::byte* out) {
    if (source.color == ColorClass::rgba8_unorm || source.color == ColorClass::bgra8_unorm) {
        unsigned sum[4] = {2, 2, 2, 2};
        for (uint32_t s = 0; s < source.samples; ++s) {
            const std::byte* texel = texel_at(source, layer, x, y, s);
            for (unsigned c = 0; c < 4; ++c) {
                sum[c] += static_cast<unsigned>(texel[c]);
            }
        }
        for (unsigned c = 0; c < 4; ++c) {
            out[c] = static_cast<std::byte>(sum[c] / source.samples);
        }
        return;
    }
    float sum[4] = {};
    for (uint32_t s = 0; s < source.samples; ++s) {
        float rgba[4];
        format::decode_float(source.format, texel_at(source, layer, x, y, s), rgba);
        for (unsigned c = 0; c < 4; ++c) {
            sum[c] += rgba[c];
        }
    }
    for (float& c : sum) {
        c /= static_cast<float>(source.samples);
    }
    format::encode_float(source.format, sum, out);
}

} // namespace

void resolve_rect(const Target& source, const Target& destination, uint32_t layer,
                  const PixelRect& rect, hw::ResolveMode mode) {
    const bool color = source.color != ColorClass::none;
    for (int iy = rect.y0; iy < rect.y1; ++iy) {
        for (int ix = rect.x0; ix < rect.x1; ++ix) {
            const auto x = static_cast<uint32_t>(ix);
            const auto y = static_cast<uint32_t>(iy);
            std::byte* out = texel_at(destination, layer, x, y, 0);
            if (mode == hw::ResolveMode::average &&
                ((color && source.color != ColorClass::integer) ||
                 source.depth != DepthClass::none)) {
                average_texel(source, layer, x, y, out);
                continue;
            }
            uint32_t sample = 0;
            if (!color && (mode == hw::ResolveMode::min || mode == hw::ResolveMode::max)) {
                sample = extreme_sample(source, layer, x, y, mode == hw::ResolveMode::max);
            }
            std::memcpy(out, texel_at(source, layer, x, y, sample), source.bytes);
        }
    }
}

} // namespace kite::dev::raster
