// SPDX-License-Identifier: MIT
#include "device/display/edid.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <numeric>
#include <string_view>

namespace kite::dev::display {

namespace {

constexpr std::array<uint8_t, 8> kHeader = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
constexpr uint32_t kLongestEdge = 4095, kLowestHertz = 10, kHighestHertz = 240;

// A mode as a detailed timing says it.
struct Timing {
    uint32_t clock_10khz, width, height, vertical_blank, vertical_sync;
};

// CVT 1.2 reduced blanking: fixed horizontal blanking, at least 460 us of vertical blanking.
constexpr uint32_t kBlankWidth = 160, kFrontWidth = 48, kSyncWidth = 32, kFrontHeight = 3;

Timing reduced_blanking(const WantedMode& mode) {
    const auto [width, height, rate] = mode;
    const uint64_t line_ps = (1'000'000'000'000 / rate - 460'000'000) / height;
    const auto blank = static_cast<uint32_t>(460'000'000 / line_ps + 1);
    const uint32_t sync = width * 3 == height * 4     ? 4
                          : width * 9 == height * 16  ? 5
                          : width * 10 == height * 16 ? 6
                          : width * 4 == height * 5   ? 7
                                                      : 10;
    const uint32_t vertical = std::max(blank, kFrontHeight + sync + 6);
    const uint64_t hertz = uint64_t{width + kBlankWidth} * (height + vertical) * rate;
    return {static_cast<uint32_t>(hertz / 250'000 * 25), width, height, vertical, sync};
}

void put_timing(uint8_t* at, const Timing& t) {
    const auto byte = [](uint32_t value) { return static_cast<uint8_t>(value); };
    constexpr uint32_t kWidthMm = 520;
    const uint32_t height_mm = std::clamp(kWidthMm * t.height / t.width, 1u, 4095u);
    const std::array<uint8_t, 18> bytes = {
        byte(t.clock_10khz),
        byte(t.clock_10khz >> 8),
        byte(t.width),
        byte(kBlankWidth),
        byte(t.width >> 8 << 4 | kBlankWidth >> 8),
        byte(t.height),
        byte(t.vertical_blank),
        byte(t.height >> 8 << 4 | t.vertical_blank >> 8),
        byte(kFrontWidth),
        byte(kSyncWidth),
        byte(kFrontHeight << 4 | t.vertical_sync),
        0,
        byte(kWidthMm),
        byte(height_mm),
        byte(kWidthMm >> 8 << 4 | height_mm >> 8),
        0,
        0,
        0x1a, // digital, horizontal sync positive, vertical negative
    };
    std::ranges::copy(bytes, at);
}

void put_text(uint8_t* at, uint8_t tag, std::string_view text) {
    std::fill_n(at, 18, uint8_t{' '});
    std::fill_n(at, 5, uint8_t{0});
    at[3] = tag;
    text = text.substr(0, 13);
    std::ranges::copy(text, at + 5);
    if (text.size() < 13) {
        at[5 + text.size()] = '\n';
    }
}

// Modes that standard timings can say, 60 Hz each.
struct Standard {
    uint32_t width, height;
    uint8_t aspect; // bits 7 and 6: 16:10, 4:3, 5:4, 16:9
};
constexpr std::array<Standard, 8> kStandards = {{{1920, 1080, 3},
                                                 {1680, 1050, 0},
                                                 {1600, 900, 3},
                                                 {1440, 900, 0},
                                                 {1280, 1024, 2},
                                                 {1280, 800, 0},
                                                 {1280, 720, 3},
                                                 {1152, 864, 1}}};

void put_modes(Edid& e, uint32_t width, uint32_t height) {
    const auto fits = [&](uint32_t w, uint32_t h) { return w <= width && h <= height; };
    e[35] = static_cast<uint8_t>((fits(640, 480) ? 0x20 : 0) | (fits(800, 600) ? 0x01 : 0));
    e[36] = static_cast<uint8_t>(fits(1024, 768) ? 0x08 : 0);
    std::size_t at = 38;
    for (const Standard& mode : kStandards) {
        if (fits(mode.width, mode.height)) {
            e[at++] = static_cast<uint8_t>(mode.width / 8 - 31);
            e[at++] = static_cast<uint8_t>(mode.aspect << 6);
        }
    }
    std::fill(e.begin() + static_cast<std::ptrdiff_t>(at), e.begin() + 54, uint8_t{1});
}

} // namespace

std::optional<WantedMode> parse_mode(std::string_view text) {
    WantedMode mode;
    const auto take = [&](uint32_t& value) {
        const auto [end, wrong] = std::from_chars(text.begin(), text.end(), value);
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
        return wrong == std::errc{};
    };
    const auto skip = [&](char separator) {
        const bool there = text.starts_with(separator);
        text.remove_prefix(there ? 1 : 0);
        return there;
    };
    if (!take(mode.width) || !skip('x') || !take(mode.height) || (skip('@') && !take(mode.hertz)) ||
        !text.empty()) {
        return {};
    }
    const bool says = mode.width >= 320 && mode.height >= 200 && mode.width <= kLongestEdge &&
                      mode.height <= kLongestEdge && mode.hertz >= kLowestHertz &&
                      mode.hertz <= kHighestHertz && reduced_blanking(mode).clock_10khz <= 0xffff;
    return says ? std::optional(mode) : std::nullopt;
}

Edid edid_for(const WantedMode& mode, uint32_t number) {
    const auto [width, height, hertz] = mode;
    Edid e(kEdidBlock, 0);
    std::ranges::copy(kHeader, e.begin());
    e[8] = ('K' - '@') << 2 | ('I' - '@') >> 3; // KIT
    e[9] = static_cast<uint8_t>((('I' - '@') & 7) << 5 | ('T' - '@'));
    e[10] = 1; // product
    e[12] = static_cast<uint8_t>(number);
    e[17] = 2026 - 1990;
    e[18] = 1;
    e[19] = 4;
    e[20] = 0xa0; // digital, 8 bits a channel
    e[21] = 52;   // centimetres
    e[22] = static_cast<uint8_t>(52 * height / width);
    e[23] = 120;  // gamma 2.2
    e[24] = 0x06; // sRGB; the first timing is the native one
    constexpr std::array<uint8_t, 10> kSrgb = {0xee, 0x91, 0xa3, 0x54, 0x4c,
                                               0x99, 0x26, 0x0f, 0x50, 0x54};
    std::ranges::copy(kSrgb, e.begin() + 25);
    put_modes(e, width, height);
    put_timing(&e[54], reduced_blanking(mode));
    put_text(&e[72], 0xfc, "Kite Display");
    put_text(&e[90], 0xff, "KITE" + std::to_string(number));
    put_text(&e[108], 0x10, ""); // nothing
    std::fill(e.begin() + 113, e.begin() + 126, uint8_t{0});
    const auto sum = std::accumulate(e.begin(), e.end(), 0u);
    e[127] = static_cast<uint8_t>(0x100 - (sum & 0xff));
    return e;
}

std::string edid_problem(const Edid& edid) {
    if (edid.empty() || edid.size() % kEdidBlock != 0 || edid.size() > kEdidBlocks * kEdidBlock) {
        return "an EDID has one to four blocks of 128 bytes";
    }
    if (!std::equal(kHeader.begin(), kHeader.end(), edid.begin())) {
        return "an EDID begins with 00 ff ff ff ff ff ff 00";
    }
    for (std::size_t at = 0; at < edid.size(); at += kEdidBlock) {
        const auto* block = edid.data() + at;
        if (std::accumulate(block, block + kEdidBlock, 0u) % 256 != 0) {
            return "the checksum of block " + std::to_string(at / kEdidBlock) + " is wrong";
        }
    }
    return {};
}

} // namespace kite::dev::display
