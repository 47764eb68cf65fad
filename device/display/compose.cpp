// SPDX-License-Identifier: MIT
#include "device/display/compose.hpp"

#include "base/bits.hpp"

#include <algorithm>
#include <cstring>
#include <zlib.h>

namespace kite::dev::display {

namespace {

using hw::PlaneState;
constexpr auto kWriteback = static_cast<std::size_t>(hw::PlaneIndex::writeback);
constexpr uint64_t kShortestFrameNs = 1'000'000'000 / 500;
constexpr uint64_t kLongestFrameNs = 1'000'000'000;
constexpr uint32_t kOpaque = 65535;

constexpr uint16_t scale(uint32_t value, uint32_t share) {
    return static_cast<uint16_t>((uint64_t{value} * share + kOpaque / 2) / kOpaque);
}

constexpr uint16_t add(uint32_t one, uint32_t other) {
    return static_cast<uint16_t>(std::min(one + other, kOpaque));
}

void blend(const PlaneState& plane, std::span<const Pixel> above, std::span<Pixel> below) {
    for (std::size_t i = 0; i < above.size(); ++i) {
        const Pixel& top = above[i];
        Pixel& out = below[i];
        const uint32_t own = plane.blend == hw::PixelBlend::none ? kOpaque : top.a;
        const uint32_t opacity = scale(own, plane.alpha);
        const uint32_t share = plane.blend == hw::PixelBlend::premultiplied ? plane.alpha : opacity;
        const uint32_t rest = kOpaque - opacity;
        out = {add(scale(top.r, share), scale(out.r, rest)),
               add(scale(top.g, share), scale(out.g, rest)),
               add(scale(top.b, share), scale(out.b, rest)), 65535};
    }
}

// Lays the row of a plane, if it has one there, over what is below.
void draw(const PlaneState& plane, const std::byte* memory, int64_t y, std::span<Pixel> line,
          std::vector<Pixel>& scratch) {
    const int64_t row = y - plane.y;
    const int64_t left = std::max<int64_t>(plane.x, 0);
    const int64_t right =
        std::min<int64_t>(int64_t{plane.x} + plane.width, static_cast<int64_t>(line.size()));
    if (!plane.enable || row < 0 || row >= plane.height || left >= right) {
        return;
    }
    const auto count = static_cast<std::size_t>(right - left);
    const auto target = line.subspan(static_cast<std::size_t>(left), count);
    const auto first = static_cast<uint32_t>(left - plane.x);
    if (plane.blend == hw::PixelBlend::none && plane.alpha == kOpaque) {
        read_row(plane, memory, static_cast<uint32_t>(row), first, target);
        return;
    }
    scratch.resize(count);
    read_row(plane, memory, static_cast<uint32_t>(row), first, scratch);
    blend(plane, scratch, target);
}

uint16_t look_up(const GammaTable& table, unsigned channel, uint32_t value) {
    const uint32_t entry = value / 257, into = value % 257;
    const int32_t low = table[entry][channel];
    if (into == 0) {
        return static_cast<uint16_t>(low);
    }
    const int32_t high = table[entry + 1][channel]; // value < 65535, so there is one
    return static_cast<uint16_t>(low + (high - low) * static_cast<int32_t>(into) / 257);
}

} // namespace

uint64_t frame_ns(const hw::HeadState& state) {
    if (!state.enable || state.clock_khz == 0) {
        return 0;
    }
    return uint64_t{state.total_width} * state.total_height * 1'000'000 / state.clock_khz;
}

std::optional<Scene> scene_from(const hw::HeadState& state, std::span<const std::byte> memory) {
    Scene scene{.state = state, .gamma = std::nullopt};
    if (!state.enable) {
        scene.state = {};
        return scene;
    }
    const uint64_t time = frame_ns(state);
    if (state.active_width == 0 || state.active_height == 0 ||
        state.active_width > std::min(kLongestEdge, state.total_width) ||
        state.active_height > std::min(kLongestEdge, state.total_height) ||
        time < kShortestFrameNs || time > kLongestFrameNs) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < state.planes.size(); ++i) {
        const PlaneState& plane = state.planes[i];
        const bool nv12 = plane.format == hw::ScanoutFormat::nv12;
        if (plane.enable &&
            (!plane_fits(plane, memory.size()) || plane.blend > hw::PixelBlend::coverage ||
             (nv12 && i != static_cast<std::size_t>(hw::PlaneIndex::overlay)))) {
            return std::nullopt;
        }
    }
    const PlaneState& target = state.planes[kWriteback];
    if (target.enable &&
        (target.width != state.active_width || target.height != state.active_height)) {
        return std::nullopt;
    }
    if (state.gamma) {
        if (!base::range_fits<uint64_t>(state.gamma_address, sizeof(GammaTable), memory.size())) {
            return std::nullopt;
        }
        std::memcpy(scene.gamma.emplace().data(), memory.data() + state.gamma_address,
                    sizeof(GammaTable));
    }
    return scene;
}

void compose(const Scene& scene, std::span<const std::byte> memory,
             base::FunctionRef<void(uint32_t, std::span<const Pixel>)> row) {
    const hw::HeadState& state = scene.state;
    if (!state.enable) {
        return;
    }
    std::vector<Pixel> line(state.active_width), scratch;
    for (uint32_t y = 0; y < state.active_height; ++y) {
        std::ranges::fill(line, Pixel{});
        for (std::size_t i = 0; i < kWriteback; ++i) {
            draw(state.planes[i], memory.data(), y, line, scratch);
        }
        if (scene.gamma) {
            for (Pixel& p : line) {
                p = {look_up(*scene.gamma, 0, p.r), look_up(*scene.gamma, 1, p.g),
                     look_up(*scene.gamma, 2, p.b), 65535};
            }
        }
        row(y, line);
    }
}

Image capture(const Scene& scene, std::span<const std::byte> memory) {
    Image image;
    if (!scene.state.enable) {
        return image;
    }
    image.width = scene.state.active_width;
    image.height = scene.state.active_height;
    image.rgb.resize(std::size_t{image.width} * image.height * 3);
    const auto row = [&](uint32_t y, std::span<const Pixel> pixels) {
        uint8_t* out = image.rgb.data() + std::size_t{y} * image.width * 3;
        for (const Pixel& p : pixels) {
            *out++ = static_cast<uint8_t>(p.r >> 8);
            *out++ = static_cast<uint8_t>(p.g >> 8);
            *out++ = static_cast<uint8_t>(p.b >> 8);
        }
    };
    compose(scene, memory, row);
    return image;
}

uint32_t frame_crc(const Scene& scene, std::span<const std::byte> memory) {
    uLong crc = crc32(0, nullptr, 0);
    std::vector<uint16_t> packed;
    const auto row = [&](uint32_t, std::span<const Pixel> pixels) {
        packed.clear();
        for (const Pixel& p : pixels) {
            packed.insert(packed.end(), {p.r, p.g, p.b});
        }
        crc = crc32(crc, reinterpret_cast<const Bytef*>(packed.data()),
                    static_cast<uInt>(packed.size() * sizeof(uint16_t)));
    };
    compose(scene, memory, row);
    return static_cast<uint32_t>(crc);
}

} // namespace kite::dev::display
