// SPDX-License-Identifier: MIT
// Chooses the pixel code's build for this CPU, and holds what it calls but must not be compiled
// several times.
#include "device/raster/hot.hpp"

#include "device/format/codec.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

namespace kite::dev::raster {

extern const HotCode hot_base;
extern const HotCode hot_avx2;
extern const HotCode hot_avx512;

const HotCode* hot_code(const char* name) {
    const std::string_view wanted = name;
    if (wanted == "avx512" && __builtin_cpu_supports("x86-64-v4") != 0) {
        return &hot_avx512;
    }
    if (wanted == "avx2" && __builtin_cpu_supports("x86-64-v3") != 0) {
        return &hot_avx2;
    }
    return wanted == "base" ? &hot_base : nullptr;
}

const HotCode& hot_code() {
    static const HotCode& chosen = [] -> const HotCode& {
        for (const char* name : {"avx512", "avx2"}) {
            if (const HotCode* code = hot_code(name); code != nullptr) {
                return *code;
            }
        }
        return hot_base;
    }();
    return chosen;
}

const SrgbTables& srgb_tables() {
    static const SrgbTables tables = [] {
        SrgbTables t{};
        for (unsigned i = 0; i < 256; ++i) {
            t.decode[i] = std::bit_cast<uint32_t>(format::srgb_to_linear(static_cast<uint8_t>(i)));
        }
        const auto curve = [](double x) {
            return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1.0 / 2.4) - 0.055;
        };
        // Entry i covers an eighth of an octave from 2^-13: value = (bias * 512 + scale * t) /
        // 65536 with t = 0..255 along it.
        for (unsigned i = 0; i < 104; ++i) {
            const uint32_t first = ((127u - 13u) << 23) + (i << 20);
            const double x0 = static_cast<double>(std::bit_cast<float>(first));
            const double x1 = static_cast<double>(std::bit_cast<float>(first + (1u << 20)));
            const double y0 = curve(x0) * 255.0 + 0.5;
            const double y1 = curve(x1) * 255.0 + 0.5;
            const double middle = curve((x0 + x1) / 2) * 255.0 + 0.5;
            const double lift = (middle - (y0 + y1) / 2) / 2; // halves the chord's largest error
            const double scale = (y1 - y0) / 256.0 * 65536.0;
            const auto bias = static_cast<uint32_t>(std::lround((y0 + lift) * 65536.0 / 512.0));
            t.encode[i] = bias << 16 | static_cast<uint32_t>(std::lround(scale));
        }
        return t;
    }();
    return tables;
}

void settle_counts(TileContext& context) {
    if (const PixelState* s = context.current; s != nullptr) {
        if (s->samples_passed != nullptr && context.samples != 0) {
            s->samples_passed->fetch_add(context.samples, std::memory_order_relaxed);
        }
        if (s->invocations != nullptr && context.invocations != 0) {
            s->invocations->fetch_add(context.invocations, std::memory_order_relaxed);
        }
    }
    context.samples = 0;
    context.invocations = 0;
}

void decode_block(const Target& target, const std::byte* block, float (*rgba)[16]) {
    if (target.color == ColorClass::rgba32_float) {
        const auto* texels = reinterpret_cast<const float*>(block);
        for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
            for (unsigned c = 0; c < 4; ++c) {
                rgba[c][lane] = texels[lane * 4 + c];
            }
        }
        return;
    }
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        float texel[4];
        format::decode_float(target.format, block + lane * target.bytes, texel);
        for (unsigned c = 0; c < 4; ++c) {
            rgba[c][lane] = texel[c];
        }
    }
}

void encode_block(const Target& target, const float (*rgba)[16], std::byte* out) {
    if (target.color == ColorClass::r32_float) {
        std::memcpy(out, rgba[0], 64);
        return;
    }
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        const float texel[4] = {rgba[0][lane], rgba[1][lane], rgba[2][lane], rgba[3][lane]};
        if (target.color == ColorClass::rgba32_float) {
            std::memcpy(out + lane * 16, texel, 16);
        } else {
            format::encode_float(target.format, texel, out + lane * target.bytes);
        }
    }
}

void encode_int_block(const Target& target, const uint32_t (*rgba)[16], std::byte* out) {
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        const uint32_t texel[4] = {rgba[0][lane], rgba[1][lane], rgba[2][lane], rgba[3][lane]};
        format::encode_int(target.format, texel, out + lane * target.bytes);
    }
}

} // namespace kite::dev::raster
