// SPDX-License-Identifier: MIT
#include "device/format/bc.hpp"

#include "device/format/bptc_tables.hpp"
#include "device/format/codec.hpp"
#include "device/format/numbers.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace kite::dev::format {

namespace {

/// Reads a 128-bit block from its lowest bit up.
class BitReader {
public:
    explicit BitReader(const std::byte* p) { std::memcpy(words_, p, 16); }
    /// The next `count` (at most 16) bits; zeros after the end.
    uint32_t take(unsigned count) {
        uint32_t value = 0;
        for (unsigned i = 0; i < count; ++i, ++at_) {
            if (at_ < 128) {
                value |= static_cast<uint32_t>(words_[at_ / 64] >> (at_ % 64) & 1) << i;
            }
        }
        return value;
    }

private:
    uint64_t words_[2];
    unsigned at_ = 0;
};

int mix(int a, int b, int weight) {
    return (a * (64 - weight) + b * weight + 32) >> 6;
}

int weight_of(uint32_t index, unsigned bits) {
    return bits == 2 ? kWeights2[index] : bits == 3 ? kWeights3[index] : kWeights4[index];
}

int unquantize_half(int value, int bits, bool is_signed) {
    if (!is_signed) {
        if (bits >= 15 || value == 0) {
            return value;
        }
        return value == (1 << bits) - 1 ? 0xffff : ((value << 15) + 0x4000) >> (bits - 1);
    }
    if (bits >= 16) {
        return value;
    }
    const int magnitude = std::abs(value);
    int result = 0;
    if (magnitude >= (1 << (bits - 1)) - 1) {
        result = 0x7fff;
    } else if (magnitude != 0) {
        result = ((magnitude << 15) + 0x4000) >> (bits - 1);
    }
    return value < 0 ? -result : result;
}

uint16_t finish_half(int value, bool is_signed) {
    if (!is_signed) {
        return static_cast<uint16_t>((value * 31) >> 6);
    }
    const int scaled = value < 0 ? -((-value * 31) >> 5) : (value * 31) >> 5;
    return static_cast<uint16_t>(scaled < 0 ? 0x8000 | -scaled : scaled);
}

/// How a BC7 mode divides its bits.
struct Bc7Mode {
    uint8_t subsets, partition_bits, rotation_bits, selection_bits, color_bits, alpha_bits;
    uint8_t endpoint_p, shared_p; ///< p-bits per end point, per subset
    uint8_t index_bits, index2_bits;
};
constexpr Bc7Mode kBc7Modes[8] = {
    {3, 4, 0, 0, 4, 0, 1, 0, 3, 0}, {2, 6, 0, 0, 6, 0, 0, 1, 3, 0}, {3, 6, 0, 0, 5, 0, 0, 0, 2, 0},
    {2, 6, 0, 0, 7, 0, 1, 0, 2, 0}, {1, 0, 2, 1, 5, 6, 0, 0, 2, 3}, {1, 0, 2, 0, 7, 8, 0, 0, 2, 2},
    {1, 0, 0, 0, 7, 7, 1, 0, 4, 0}, {2, 6, 0, 0, 5, 5, 1, 0, 2, 0},
};

unsigned subset_of(unsigned subsets, unsigned partition, unsigned texel) {
    return subsets == 2   ? kPartition2[partition] >> texel & 1u
           : subsets == 3 ? kPartition3[partition] >> (2 * texel) & 3u
                          : 0u;
}

bool is_anchor(unsigned subsets, unsigned partition, unsigned texel) {
    return texel == 0 || (subsets == 2 && texel == kAnchor2[partition]) ||
           (subsets == 3 &&
            (texel == kAnchor3Second[partition] || texel == kAnchor3Third[partition]));
}

/// Widens `bits` bits to 8 by repeating the high ones.
int widen8(uint32_t value, unsigned bits) {
    value <<= 8 - bits;
    return static_cast<int>(value | value >> bits);
}

} // namespace

void decode_bc6h(const std::byte* block, bool is_signed, float (*rgba)[4]) {
    BitReader in(block);
    uint32_t code = in.take(2);
    if (code > 1) {
        code |= in.take(3) << 2;
    }
    const auto* mode = std::find_if(kBc6Modes.begin(), kBc6Modes.end(),
                                    [&](const Bc6Mode& m) { return m.code == code; });
    if (mode == kBc6Modes.end()) {
        for (unsigned t = 0; t < 16; ++t) {
            rgba[t][0] = rgba[t][1] = rgba[t][2] = 0.0f;
        }
        return;
    }
    uint32_t raw[4][3] = {};
    for (const Bc6Run& run : mode->runs) {
        for (unsigned i = 0; i < run.count; ++i) {
            const unsigned bit = run.reversed ? run.low + run.count - 1u - i : run.low + i;
            raw[run.end][run.comp] |= in.take(1) << bit;
        }
    }
    const unsigned partition = mode->two_subsets ? in.take(5) : 0;
    const unsigned ends = mode->two_subsets ? 4 : 2;
    int end[4][3] = {};
    for (unsigned c = 0; c < 3; ++c) {
        const unsigned bits = mode->bits;
        end[0][c] = is_signed ? sign_extend(raw[0][c], bits) : static_cast<int>(raw[0][c]);
        for (unsigned e = 1; e < ends; ++e) {
            const unsigned width = mode->delta[c];
            int value = is_signed || mode->transformed ? sign_extend(raw[e][c], width)
                                                       : static_cast<int>(raw[e][c]);
            if (mode->transformed) {
                const auto sum = static_cast<uint32_t>(end[0][c] + value) & ((1u << bits) - 1);
                value = is_signed ? sign_extend(sum, bits) : static_cast<int>(sum);
            }
            end[e][c] = value;
        }
    }
    for (unsigned e = 0; e < ends; ++e) {
        for (unsigned c = 0; c < 3; ++c) {
            end[e][c] = unquantize_half(end[e][c], mode->bits, is_signed);
        }
    }
    const unsigned subsets = mode->two_subsets ? 2 : 1;
    const unsigned index_bits = mode->two_subsets ? 3 : 4;
    for (unsigned t = 0; t < 16; ++t) {
        const unsigned s = subset_of(subsets, partition, t) * 2;
        const uint32_t index = in.take(index_bits - (is_anchor(subsets, partition, t) ? 1 : 0));
        const int weight = weight_of(index, index_bits);
        for (unsigned c = 0; c < 3; ++c) {
            rgba[t][c] =
                half_to_float(finish_half(mix(end[s][c], end[s + 1][c], weight), is_signed));
        }
    }
}

void decode_bc7(const std::byte* block, float (*rgba)[4]) {
    BitReader in(block);
    unsigned number = 0;
    while (number < 8 && in.take(1) == 0) {
        ++number;
    }
    if (number == 8) {
        std::memset(rgba, 0, 16 * sizeof(rgba[0]));
        return;
    }
    const Bc7Mode& mode = kBc7Modes[number];
    const unsigned partition = in.take(mode.partition_bits);
    const unsigned rotation = in.take(mode.rotation_bits);
    const bool swap_indices = in.take(mode.selection_bits) != 0;
    const unsigned ends = mode.subsets * 2u;
    uint32_t raw[6][4] = {};
    for (unsigned c = 0; c < 4; ++c) {
        for (unsigned e = 0; e < ends; ++e) {
            raw[e][c] = in.take(c < 3 ? mode.color_bits : mode.alpha_bits);
        }
    }
    uint32_t p[6] = {};
    for (unsigned e = 0; e < ends; ++e) {
        p[e] = mode.endpoint_p != 0               ? in.take(1)
               : mode.shared_p != 0 && e % 2 == 0 ? in.take(1)
               : e > 0                            ? p[e - 1]
                                                  : 0;
    }
    const unsigned extra = mode.endpoint_p + mode.shared_p;
    int end[6][4];
    for (unsigned e = 0; e < ends; ++e) {
        for (unsigned c = 0; c < 4; ++c) {
            const unsigned bits = c < 3 ? mode.color_bits : mode.alpha_bits;
            end[e][c] = bits == 0
                            ? 255
                            : widen8(extra != 0 ? raw[e][c] << 1 | p[e] : raw[e][c], bits + extra);
        }
    }
    uint32_t index[2][16] = {};
    for (unsigned t = 0; t < 16; ++t) {
        index[0][t] = in.take(mode.index_bits - (is_anchor(mode.subsets, partition, t) ? 1u : 0u));
    }
    for (unsigned t = 0; t < 16 && mode.index2_bits != 0; ++t) {
        index[1][t] = in.take(mode.index2_bits - (t == 0 ? 1u : 0u));
    }
    for (unsigned t = 0; t < 16; ++t) {
        const unsigned s = subset_of(mode.subsets, partition, t) * 2;
        int color_weight = weight_of(index[0][t], mode.index_bits);
        int alpha_weight =
            mode.index2_bits != 0 ? weight_of(index[1][t], mode.index2_bits) : color_weight;
        if (swap_indices) {
            std::swap(color_weight, alpha_weight);
        }
        int texel[4];
        for (unsigned c = 0; c < 4; ++c) {
            texel[c] = mix(end[s][c], end[s + 1][c], c < 3 ? color_weight : alpha_weight);
        }
        if (rotation != 0) {
            std::swap(texel[3], texel[rotation - 1]);
        }
        for (unsigned c = 0; c < 4; ++c) {
            rgba[t][c] = static_cast<float>(texel[c]) / 255.0f;
        }
    }
}

} // namespace kite::dev::format
