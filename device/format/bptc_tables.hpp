// SPDX-License-Identifier: MIT
// Constant tables of the BPTC formats (BC6H, BC7) from the Khronos Data Format Specification,
// chapter "BPTC Compressed Texture Image Formats": which texel belongs to which subset, where the
// anchor texels are, the interpolation weights, and the order of BC6H's endpoint bits. The
// specification's tables in a compact form; constexpr data, nothing to fail.
#pragma once

#include <array>
#include <cstdint>

namespace kite::dev::format {

// clang-format off
/// Two subsets: bit i is texel i's subset.
inline constexpr std::array<uint16_t, 64> kPartition2 = {
    0xcccc, 0x8888, 0xeeee, 0xecc8, 0xc880, 0xfeec, 0xfec8, 0xec80,
    0xc800, 0xffec, 0xfe80, 0xe800, 0xffe8, 0xff00, 0xfff0, 0xf000,
    0xf710, 0x008e, 0x7100, 0x08ce, 0x008c, 0x7310, 0x3100, 0x8cce,
    0x088c, 0x3110, 0x6666, 0x366c, 0x17e8, 0x0ff0, 0x718e, 0x399c,
    0xaaaa, 0xf0f0, 0x5a5a, 0x33cc, 0x3c3c, 0x55aa, 0x9696, 0xa55a,
    0x73ce, 0x13c8, 0x324c, 0x3bdc, 0x6996, 0xc33c, 0x9966, 0x0660,
    0x0272, 0x04e4, 0x4e40, 0x2720, 0xc936, 0x936c, 0x39c6, 0x639c,
    0x9336, 0x9cc6, 0x817e, 0xe718, 0xccf0, 0x0fcc, 0x7744, 0xee22,
};
/// Three subsets: bits 2i and 2i + 1 are texel i's subset.
inline constexpr std::array<uint32_t, 64> kPartition3 = {
    0xaa685050, 0x6a5a5040, 0x5a5a4200, 0x5450a0a8, 0xa5a50000, 0xa0a05050,
    0x5555a0a0, 0x5a5a5050, 0xaa550000, 0xaa555500, 0xaaaa5500, 0x90909090,
    0x94949494, 0xa4a4a4a4, 0xa9a59450, 0x2a0a4250, 0xa5945040, 0x0a425054,
    0xa5a5a500, 0x55a0a0a0, 0xa8a85454, 0x6a6a4040, 0xa4a45000, 0x1a1a0500,
    0x0050a4a4, 0xaaa59090, 0x14696914, 0x69691400, 0xa08585a0, 0xaa821414,
    0x50a4a450, 0x6a5a0200, 0xa9a58000, 0x5090a0a8, 0xa8a09050, 0x24242424,
    0x00aa5500, 0x24924924, 0x24499224, 0x50a50a50, 0x500aa550, 0xaaaa4444,
    0x66660000, 0xa5a0a5a0, 0x50a050a0, 0x69286928, 0x44aaaa44, 0x66666600,
    0xaa444444, 0x54a854a8, 0x95809580, 0x96969600, 0xa85454a8, 0x80959580,
    0xaa141414, 0x96960000, 0xaaaa1414, 0xa05050a0, 0xa0a5a5a0, 0x96000000,
    0x40804080, 0xa9a8a9a8, 0xaaaaaa44, 0x2a4a5254,
};
/// Anchor texel of the second of two subsets.
inline constexpr std::array<uint8_t, 64> kAnchor2 = {
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 2, 8, 2, 2, 8, 8, 15, 2, 8, 2, 2, 8, 8, 2, 2,
    15, 15, 6, 8, 2, 8, 15, 15, 2, 8, 2, 2, 2, 15, 15, 6,
    6, 2, 6, 8, 15, 15, 2, 2, 15, 15, 15, 15, 15, 2, 2, 15,
};
/// Anchor texel of the second of three subsets.
inline constexpr std::array<uint8_t, 64> kAnchor3Second = {
    3, 3, 15, 15, 8, 3, 15, 15, 8, 8, 6, 6, 6, 5, 3, 3,
    3, 3, 8, 15, 3, 3, 6, 10, 5, 8, 8, 6, 8, 5, 15, 15,
    8, 15, 3, 5, 6, 10, 8, 15, 15, 3, 15, 5, 15, 15, 15, 15,
    3, 15, 5, 5, 5, 8, 5, 10, 5, 10, 8, 13, 15, 12, 3, 3,
};
/// Anchor texel of the third of three subsets.
inline constexpr std::array<uint8_t, 64> kAnchor3Third = {
    15, 8, 8, 3, 15, 15, 3, 8, 15, 15, 15, 15, 15, 15, 15, 8,
    15, 8, 15, 3, 15, 8, 15, 8, 3, 15, 6, 10, 15, 15, 10, 8,
    15, 3, 15, 10, 10, 8, 9, 10, 6, 15, 8, 15, 3, 6, 6, 8,
    15, 3, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 3, 15, 15, 8,
};
/// Interpolation weights of 2 bit indices, in 1/64.
inline constexpr std::array<uint8_t, 4> kWeights2 = {0, 21, 43, 64};
/// Weights of 3 bit indices.
inline constexpr std::array<uint8_t, 8> kWeights3 = {0, 9, 18, 27, 37, 46, 55, 64};
/// Weights of 4 bit indices.
inline constexpr std::array<uint8_t, 16> kWeights4 = {0, 4, 9, 13, 17, 21, 26, 30, 34, 38, 43, 47, 51, 55, 60, 64};

/// A run of consecutive endpoint bits in a BC6H block: `count` bits of component `comp` of endpoint `end` from bit `low` up.
struct Bc6Run {
    uint8_t end;       ///< endpoint: 0, 1 of the first subset, 2, 3 of the second
    uint8_t comp;      ///< r, g, b
    uint8_t low;       ///< lowest bit
    uint8_t count;     ///< number of bits
    bool reversed;     ///< highest bit first
};
/// One BC6H mode.
struct Bc6Mode {
    uint8_t code;                   ///< value of the mode bits (2 or 5 of them)
    bool two_subsets;               ///< partitioned: 3-bit indices; else 4-bit ones
    bool transformed;               ///< endpoints 1..3 are differences to endpoint 0
    uint8_t bits;                   ///< bits of endpoint 0
    std::array<uint8_t, 3> delta;   ///< bits of the others: r, g, b
    std::array<Bc6Run, 24> runs;    ///< bit order; count 0 ends the list
};
/// The 14 modes; the other codes are reserved and decode to zero.
inline constexpr std::array<Bc6Mode, 14> kBc6Modes = {{
    {0x00, true, true, 10, {5, 5, 5}, {{ // 10.555, 10.555, 10.555
        {2, 1, 4, 1, false}, {2, 2, 4, 1, false}, {3, 2, 4, 1, false}, {0, 0, 0, 10, false}, {0, 1, 0, 10, false},
        {0, 2, 0, 10, false}, {1, 0, 0, 5, false}, {3, 1, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 5, false},
        {3, 2, 0, 1, false}, {3, 1, 0, 4, false}, {1, 2, 0, 5, false}, {3, 2, 1, 1, false}, {2, 2, 0, 4, false},
        {2, 0, 0, 5, false}, {3, 2, 2, 1, false}, {3, 0, 0, 5, false}, {3, 2, 3, 1, false},
    }}},
    {0x01, true, true, 7, {6, 6, 6}, {{ // 7666, 7666, 7666
        {2, 1, 5, 1, false}, {3, 1, 4, 1, false}, {3, 1, 5, 1, false}, {0, 0, 0, 7, false}, {3, 2, 0, 1, false},
        {3, 2, 1, 1, false}, {2, 2, 4, 1, false}, {0, 1, 0, 7, false}, {2, 2, 5, 1, false}, {3, 2, 2, 1, false},
        {2, 1, 4, 1, false}, {0, 2, 0, 7, false}, {3, 2, 3, 1, false}, {3, 2, 5, 1, false}, {3, 2, 4, 1, false},
        {1, 0, 0, 6, false}, {2, 1, 0, 4, false}, {1, 1, 0, 6, false}, {3, 1, 0, 4, false}, {1, 2, 0, 6, false},
        {2, 2, 0, 4, false}, {2, 0, 0, 6, false}, {3, 0, 0, 6, false},
    }}},
    {0x02, true, true, 11, {5, 4, 4}, {{ // 11.555, 11.444, 11.444
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 5, false}, {0, 0, 10, 1, false},
        {2, 1, 0, 4, false}, {1, 1, 0, 4, false}, {0, 1, 10, 1, false}, {3, 2, 0, 1, false}, {3, 1, 0, 4, false},
        {1, 2, 0, 4, false}, {0, 2, 10, 1, false}, {3, 2, 1, 1, false}, {2, 2, 0, 4, false}, {2, 0, 0, 5, false},
        {3, 2, 2, 1, false}, {3, 0, 0, 5, false}, {3, 2, 3, 1, false},
    }}},
    {0x06, true, true, 11, {4, 5, 4}, {{ // 11.444, 11.555, 11.444
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 4, false}, {0, 0, 10, 1, false},
        {3, 1, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 5, false}, {0, 1, 10, 1, false}, {3, 1, 0, 4, false},
        {1, 2, 0, 4, false}, {0, 2, 10, 1, false}, {3, 2, 1, 1, false}, {2, 2, 0, 4, false}, {2, 0, 0, 4, false},
        {3, 2, 0, 1, false}, {3, 2, 2, 1, false}, {3, 0, 0, 4, false}, {2, 1, 4, 1, false}, {3, 2, 3, 1, false},
    }}},
    {0x0a, true, true, 11, {4, 4, 5}, {{ // 11.444, 11.444, 11.555
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 4, false}, {0, 0, 10, 1, false},
        {2, 2, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 4, false}, {0, 1, 10, 1, false}, {3, 2, 0, 1, false},
        {3, 1, 0, 4, false}, {1, 2, 0, 5, false}, {0, 2, 10, 1, false}, {2, 2, 0, 4, false}, {2, 0, 0, 4, false},
        {3, 2, 1, 1, false}, {3, 2, 2, 1, false}, {3, 0, 0, 4, false}, {3, 2, 4, 1, false}, {3, 2, 3, 1, false},
    }}},
    {0x0e, true, true, 9, {5, 5, 5}, {{ // 9555, 9555, 9555
        {0, 0, 0, 9, false}, {2, 2, 4, 1, false}, {0, 1, 0, 9, false}, {2, 1, 4, 1, false}, {0, 2, 0, 9, false},
        {3, 2, 4, 1, false}, {1, 0, 0, 5, false}, {3, 1, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 5, false},
        {3, 2, 0, 1, false}, {3, 1, 0, 4, false}, {1, 2, 0, 5, false}, {3, 2, 1, 1, false}, {2, 2, 0, 4, false},
        {2, 0, 0, 5, false}, {3, 2, 2, 1, false}, {3, 0, 0, 5, false}, {3, 2, 3, 1, false},
    }}},
    {0x12, true, true, 8, {6, 5, 5}, {{ // 8666, 8555, 8555
        {0, 0, 0, 8, false}, {3, 1, 4, 1, false}, {2, 2, 4, 1, false}, {0, 1, 0, 8, false}, {3, 2, 2, 1, false},
        {2, 1, 4, 1, false}, {0, 2, 0, 8, false}, {3, 2, 3, 1, false}, {3, 2, 4, 1, false}, {1, 0, 0, 6, false},
        {2, 1, 0, 4, false}, {1, 1, 0, 5, false}, {3, 2, 0, 1, false}, {3, 1, 0, 4, false}, {1, 2, 0, 5, false},
        {3, 2, 1, 1, false}, {2, 2, 0, 4, false}, {2, 0, 0, 6, false}, {3, 0, 0, 6, false},
    }}},
    {0x16, true, true, 8, {5, 6, 5}, {{ // 8555, 8666, 8555
        {0, 0, 0, 8, false}, {3, 2, 0, 1, false}, {2, 2, 4, 1, false}, {0, 1, 0, 8, false}, {2, 1, 5, 1, false},
        {2, 1, 4, 1, false}, {0, 2, 0, 8, false}, {3, 1, 5, 1, false}, {3, 2, 4, 1, false}, {1, 0, 0, 5, false},
        {3, 1, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 6, false}, {3, 1, 0, 4, false}, {1, 2, 0, 5, false},
        {3, 2, 1, 1, false}, {2, 2, 0, 4, false}, {2, 0, 0, 5, false}, {3, 2, 2, 1, false}, {3, 0, 0, 5, false},
        {3, 2, 3, 1, false},
    }}},
    {0x1a, true, true, 8, {5, 5, 6}, {{ // 8555, 8555, 8666
        {0, 0, 0, 8, false}, {3, 2, 1, 1, false}, {2, 2, 4, 1, false}, {0, 1, 0, 8, false}, {2, 2, 5, 1, false},
        {2, 1, 4, 1, false}, {0, 2, 0, 8, false}, {3, 2, 5, 1, false}, {3, 2, 4, 1, false}, {1, 0, 0, 5, false},
        {3, 1, 4, 1, false}, {2, 1, 0, 4, false}, {1, 1, 0, 5, false}, {3, 2, 0, 1, false}, {3, 1, 0, 4, false},
        {1, 2, 0, 6, false}, {2, 2, 0, 4, false}, {2, 0, 0, 5, false}, {3, 2, 2, 1, false}, {3, 0, 0, 5, false},
        {3, 2, 3, 1, false},
    }}},
    {0x1e, true, false, 6, {6, 6, 6}, {{ // 6666, 6666, 6666
        {0, 0, 0, 6, false}, {3, 1, 4, 1, false}, {3, 2, 0, 1, false}, {3, 2, 1, 1, false}, {2, 2, 4, 1, false},
        {0, 1, 0, 6, false}, {2, 1, 5, 1, false}, {2, 2, 5, 1, false}, {3, 2, 2, 1, false}, {2, 1, 4, 1, false},
        {0, 2, 0, 6, false}, {3, 1, 5, 1, false}, {3, 2, 3, 1, false}, {3, 2, 5, 1, false}, {3, 2, 4, 1, false},
        {1, 0, 0, 6, false}, {2, 1, 0, 4, false}, {1, 1, 0, 6, false}, {3, 1, 0, 4, false}, {1, 2, 0, 6, false},
        {2, 2, 0, 4, false}, {2, 0, 0, 6, false}, {3, 0, 0, 6, false},
    }}},
    {0x03, false, false, 10, {10, 10, 10}, {{ // 10.10, 10.10, 10.10
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 10, false}, {1, 1, 0, 10, false},
        {1, 2, 0, 10, false},
    }}},
    {0x07, false, true, 11, {9, 9, 9}, {{ // 11.9, 11.9, 11.9
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 9, false}, {0, 0, 10, 1, false},
        {1, 1, 0, 9, false}, {0, 1, 10, 1, false}, {1, 2, 0, 9, false}, {0, 2, 10, 1, false},
    }}},
    {0x0b, false, true, 12, {8, 8, 8}, {{ // 12.8, 12.8, 12.8
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 8, false}, {0, 0, 10, 2, true},
        {1, 1, 0, 8, false}, {0, 1, 10, 2, true}, {1, 2, 0, 8, false}, {0, 2, 10, 2, true},
    }}},
    {0x0f, false, true, 16, {4, 4, 4}, {{ // 16.4, 16.4, 16.4
        {0, 0, 0, 10, false}, {0, 1, 0, 10, false}, {0, 2, 0, 10, false}, {1, 0, 0, 4, false}, {0, 0, 10, 6, true},
        {1, 1, 0, 4, false}, {0, 1, 10, 6, true}, {1, 2, 0, 4, false}, {0, 2, 10, 6, true},
    }}},
}};
// clang-format on

} // namespace kite::dev::format
