// SPDX-License-Identifier: MIT
// Sampling against a CPU model: filters, address modes, levels, comparison, gather, fetch.
#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/harness/format.hpp"

#include "texture_shaders.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace kite::vktest;

namespace {

class Texture : public VulkanTest {
protected:
    /// Runs a shader with a sampled image at 0, vec4 inputs at 1 and vec4 outputs at 2.
    std::vector<std::array<float, 4>> sample(Spirv spirv, VkImageView view, VkSampler sampler,
                                             const std::vector<std::array<float, 4>>& in) {
        const Buffer data = buffer_of(in), out = buffer(in.size() * 16);
        compute(spirv, {sampled(view, sampler), storage(data), storage(out)},
                {static_cast<uint32_t>(in.size()), 1, 1});
        const auto all = out.as<std::array<float, 4>>();
        return {all.begin(), all.end()};
    }
    /// A 4x4 image of floats where texel (x, y) has red x + 10 y.
    Image numbered(VkFormat format = VK_FORMAT_R16G16B16A16_SFLOAT) {
        const Image made = image({.format = format, .width = 4, .height = 4});
        std::vector<uint8_t> bytes;
        for (int i = 0; i < 16; ++i) {
            const auto one = encode(format, {i % 4 + i / 4 * 10.0, 1, 2, 3});
            bytes.insert(bytes.end(), one.begin(), one.end());
        }
        write_bytes(made, bytes);
        return made;
    }
};

/*glsl lod2d.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform sampler2D image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() { uint i = gl_GlobalInvocationID.x; r[i] = textureLod(image, a[i].xy, a[i].z); }
*/

/// Texel index of an address mode; -1 is the border.
int wrap(VkSamplerAddressMode mode, int i, int size) {
    const auto mod = [](int a, int n) { return ((a % n) + n) % n; };
    switch (mode) {
    case VK_SAMPLER_ADDRESS_MODE_REPEAT:
        return mod(i, size);
    case VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT: {
        const int n = mod(i, 2 * size) - size;
        return size - 1 - (n >= 0 ? n : -(1 + n));
    }
    case VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE:
        return std::clamp(i, 0, size - 1);
    case VK_SAMPLER_ADDRESS_MODE_MIRROR_CLAMP_TO_EDGE:
        return std::clamp(i >= 0 ? i : -(1 + i), 0, size - 1);
    default:
        return i < 0 || i >= size ? -1 : i;
    }
}

TEST_F(Texture, AddressModesAndFilters) {
    const Image source = numbered();
    std::vector<std::array<float, 4>> points;
    for (int i = 0; i < 25; ++i) {
        for (int j = 0; j < 5; ++j) {
            // Never on an edge or a centre of a texel.
            points.push_back({-1.2265625F + 0.140625F * static_cast<float>(i),
                              -0.53125F + 0.46875F * static_cast<float>(j), 0, 0});
        }
    }
    for (int m = VK_SAMPLER_ADDRESS_MODE_REPEAT; m <= VK_SAMPLER_ADDRESS_MODE_MIRROR_CLAMP_TO_EDGE;
         ++m) {
        const auto mode = static_cast<VkSamplerAddressMode>(m);
        if (mode == VK_SAMPLER_ADDRESS_MODE_MIRROR_CLAMP_TO_EDGE &&
            !world.has("VK_KHR_sampler_mirror_clamp_to_edge")) {
            continue;
        }
        for (const VkFilter filter : {VK_FILTER_NEAREST, VK_FILTER_LINEAR}) {
            SCOPED_TRACE(testing::Message() << "mode " << m << " filter " << filter);
            auto info = nearest(mode);
            info.minFilter = info.magFilter = filter;
            info.borderColor = VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE;
            const auto got = sample(glsl::lod2d_comp, source.view, sampler(info), points);
            const auto texel = [&](int x, int y) {
                const int i = wrap(mode, x, 4), j = wrap(mode, y, 4);
                return i < 0 || j < 0 ? 1.0 : i + 10.0 * j;
            };
            for (size_t k = 0; k < points.size(); ++k) {
                const double u = points[k][0] * 4.0, v = points[k][1] * 4.0;
                double expected = 0;
                if (filter == VK_FILTER_NEAREST) {
                    expected =
                        texel(static_cast<int>(std::floor(u)), static_cast<int>(std::floor(v)));
                } else {
                    const int x = static_cast<int>(std::floor(u - 0.5));
                    const int y = static_cast<int>(std::floor(v - 0.5));
                    const double a = u - 0.5 - x, b = v - 0.5 - y;
                    expected = (1 - b) * ((1 - a) * texel(x, y) + a * texel(x + 1, y)) +
                               b * ((1 - a) * texel(x, y + 1) + a * texel(x + 1, y + 1));
                }
                ASSERT_NEAR(got[k][0], expected, filter == VK_FILTER_NEAREST ? 0.0 : 0.2)
                    << points[k][0] << "," << points[k][1];
            }
        }
    }
}

TEST_F(Texture, BorderColors) {
    const Image floats = numbered();
    auto info = nearest(VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_BORDER);
    const std::pair<VkBorderColor, std::array<float, 4>> cases[] = {
        {VK_BORDER_COLOR_FLOAT_TRANSPARENT_BLACK, {0, 0, 0, 0}},
        {VK_BORDER_COLOR_FLOAT_OPAQUE_BLACK, {0, 0, 0, 1}},
        {VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE, {1, 1, 1, 1}}};
    for (const auto& [color, expected] : cases) {
        info.borderColor = color;
        EXPECT_EQ(sample(glsl::lod2d_comp, floats.view, sampler(info), {{-0.5F, 0.5F, 0, 0}})[0],
                  expected);
    }
}

TEST_F(Texture, LevelsClampAndBias) {
    const Image source = image({.format = VK_FORMAT_R8G8B8A8_UNORM, .levels = 5});
    for (uint32_t level = 0; level < 5; ++level) {
        const auto extent = source.extent(level);
        write(source, std::vector<uint32_t>(extent.width * extent.height, level * 10), level);
    }
    auto info = nearest();
    const std::vector<std::array<float, 4>> lods{{0.5F, 0.5F, -3, 0},   {0.5F, 0.5F, 0, 0},
                                                 {0.5F, 0.5F, 0.4F, 0}, {0.5F, 0.5F, 0.6F, 0},
                                                 {0.5F, 0.5F, 3, 0},    {0.5F, 0.5F, 9, 0}};
    const auto levels = [&](const VkSamplerCreateInfo& how) {
        std::vector<float> found;
        for (const auto& value : sample(glsl::lod2d_comp, source.view, sampler(how), lods)) {
            found.push_back(std::round(value[0] * 255) / 10);
        }
        return found;
    };
    EXPECT_EQ(levels(info), (std::vector<float>{0, 0, 0, 1, 3, 4}));
    info.mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR;
    EXPECT_EQ(levels(info), (std::vector<float>{0, 0, 0.4F, 0.6F, 3, 4}));
    info.minLod = 1;
    info.maxLod = 2.5F;
    EXPECT_EQ(levels(info), (std::vector<float>{1, 1, 1, 1, 2.5F, 2.5F}));
    info.minLod = 0;
    info.maxLod = VK_LOD_CLAMP_NONE;
    info.mipLodBias = 1;
    EXPECT_EQ(levels(info), (std::vector<float>{0, 1, 1.4F, 1.6F, 4, 4}));
    // A view of levels 2..3 counts from its own base.
    auto range = source.all();
    range.baseMipLevel = 2;
    range.levelCount = 2;
    const auto part = view(source, VK_IMAGE_VIEW_TYPE_2D, range);
    const auto got = sample(glsl::lod2d_comp, part, sampler(nearest()), lods);
    EXPECT_NEAR(got[1][0] * 255, 20, 0.1);
    EXPECT_NEAR(got[5][0] * 255, 30, 0.1);
}

/*glsl fetch2d.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform sampler2D image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    ivec2 p = ivec2(a[i].xy);
    if (i == 0) r[i] = vec4(textureSize(image, 0), textureQueryLevels(image), 0);
    else if (i == 1) r[i] = texelFetchOffset(image, p, 0, ivec2(-1, 2));
    else if (i == 2) r[i] = textureLodOffset(image, a[i].xy, 0.0, ivec2(1, -1));
    else if (i == 3) r[i] = textureGather(image, a[i].xy, 0);
    else if (i == 4) r[i] = textureGatherOffset(image, a[i].xy, ivec2(1, 1), 0);
    else r[i] = texelFetch(image, p, int(a[i].z));
}
*/
TEST_F(Texture, FetchOffsetsGatherAndQueries) {
    const Image source = numbered();
    const auto got = sample(glsl::fetch2d_comp, source.view, sampler(nearest()),
                            {{0, 0, 0, 0},
                             {2, 1, 0, 0},
                             {0.4F, 0.4F, 0, 0},
                             {0.5F, 0.5F, 0, 0},
                             {0.25F, 0.25F, 0, 0},
                             {3, 2, 0, 0}});
    EXPECT_EQ(got[0], (std::array<float, 4>{4, 4, 1, 0}));
    EXPECT_EQ(got[1][0], 31.0F);
    EXPECT_EQ(got[2][0], 2.0F); // texel (1, 1) moved to (2, 0)
    // Gather: (i0,j1), (i1,j1), (i1,j0), (i0,j0).
    EXPECT_EQ(got[3], (std::array<float, 4>{21, 22, 12, 11}));
    EXPECT_EQ(got[4], (std::array<float, 4>{21, 22, 12, 11}));
    EXPECT_EQ(got[5], (std::array<float, 4>{23, 1, 2, 3}));
}

TEST_F(Texture, SwizzledViews) {
    const Image source = numbered();
    const auto swizzled = view(source, VK_IMAGE_VIEW_TYPE_2D, source.all(),
                               {VK_COMPONENT_SWIZZLE_A, VK_COMPONENT_SWIZZLE_ZERO,
                                VK_COMPONENT_SWIZZLE_R, VK_COMPONENT_SWIZZLE_ONE});
    EXPECT_EQ(sample(glsl::lod2d_comp, swizzled, sampler(nearest()), {{0.9F, 0.1F, 0, 0}})[0],
              (std::array<float, 4>{3, 0, 3, 1}));
}

TEST_F(Texture, EveryColorFormatIsReadAsTheCodecSays) {
    for (const auto& format : color_formats()) {
        if (!world.supports(format.format, VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT) ||
            format.kind == Kind::kUint || format.kind == Kind::kSint) {
            continue;
        }
        SCOPED_TRACE(format.format);
        const Image source = image({.format = format.format, .width = 8, .height = 4});
        std::vector<uint8_t> bytes(32U * format.bytes);
        for (size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<uint8_t>((i * 61 + i / 7) & 0x7B);
        }
        write_bytes(source, bytes);
        std::vector<std::array<float, 4>> points;
        for (uint32_t i = 0; i < 32; ++i) {
            points.push_back({(static_cast<float>(i % 8) + 0.5F) / 8,
                              (static_cast<float>(i / 8) + 0.5F) / 4, 0, 0});
        }
        const auto got = sample(glsl::lod2d_comp, source.view, sampler(nearest()), points);
        for (size_t i = 0; i < 32; ++i) {
            const auto expected = decode(format.format, &bytes[i * format.bytes]);
            for (uint32_t k = 0; k < 4; ++k) {
                const bool srgb = format.kind == Kind::kSrgb && k < 3;
                const bool tiny = format.channels[0].bits < 8; // lavapipe widens these to 8 bits
                ASSERT_NEAR(got[i][k], expected[k],
                            srgb   ? 1.0 / 512
                            : tiny ? 1.0 / 255
                                   : std::abs(expected[k]) * 1e-6 + 1e-6)
                    << "texel " << i << " component " << k;
            }
        }
    }
}

/*glsl ints2d.comp -DS=usampler2D -DV=uvec4 | sints2d -DS=isampler2D -DV=ivec4
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform S image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { V r[]; };
void main() { uint i = gl_GlobalInvocationID.x; r[i] = texelFetch(image, ivec2(a[i].xy), 0); }
*/
TEST_F(Texture, EveryIntegerFormat) {
    for (const auto& format : color_formats()) {
        if (!world.supports(format.format, VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT) ||
            (format.kind != Kind::kUint && format.kind != Kind::kSint)) {
            continue;
        }
        SCOPED_TRACE(format.format);
        const Image source = image({.format = format.format, .width = 8, .height = 1});
        std::vector<uint8_t> bytes(8U * format.bytes);
        std::vector<std::array<float, 4>> points;
        for (size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<uint8_t>(i * 61 + 130);
        }
        for (uint32_t i = 0; i < 8; ++i) {
            points.push_back({static_cast<float>(i), 0, 0, 0});
        }
        write_bytes(source, bytes);
        const bool is_signed = format.kind == Kind::kSint;
        const auto got = sample(is_signed ? Spirv(glsl::sints2d_comp) : Spirv(glsl::ints2d_comp),
                                source.view, sampler(nearest()), points);
        for (size_t i = 0; i < 8; ++i) {
            const auto expected = decode(format.format, &bytes[i * format.bytes]);
            for (uint32_t k = 0; k < 4; ++k) {
                const auto bits = std::bit_cast<uint32_t>(got[i][k]);
                ASSERT_EQ(is_signed ? static_cast<double>(static_cast<int32_t>(bits)) : bits,
                          expected[k])
                    << "texel " << i << " component " << k;
            }
        }
    }
}

/*glsl shadow.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform sampler2DShadow image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() { uint i = gl_GlobalInvocationID.x; r[i] = vec4(textureLod(image, a[i].xyz, 0.0)); }
*/
TEST_F(Texture, DepthComparison) {
    const Image source = image({.format = VK_FORMAT_D32_SFLOAT, .width = 4, .height = 4});
    std::vector<float> texels(16, 0.5F);
    texels[5] = 0.25F;
    write(source, texels);
    const bool results[8][3] = {{false, false, false}, {true, false, false}, {false, true, false},
                                {true, true, false},   {false, false, true}, {true, false, true},
                                {false, true, true},   {true, true, true}};
    for (int op = 0; op < 8; ++op) {
        auto info = nearest();
        info.compareEnable = VK_TRUE;
        info.compareOp = static_cast<VkCompareOp>(op);
        // The reference (left) is compared with the texel 0.5.
        const auto got =
            sample(glsl::shadow_comp, source.view, sampler(info),
                   {{0.9F, 0.9F, 0.25F, 0}, {0.9F, 0.9F, 0.5F, 0}, {0.9F, 0.9F, 0.75F, 0}});
        for (size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(got[i][0], results[op][i] ? 1.0F : 0.0F) << op << ":" << i;
        }
    }
}

/*glsl cube.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform samplerCube image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() { uint i = gl_GlobalInvocationID.x; r[i] = textureLod(image, a[i].xyz, 0.0); }
*/
TEST_F(Texture, CubeFacesAndOrientation) {
    const Image source = image({.format = VK_FORMAT_R8G8B8A8_UNORM,
                                .width = 4,
                                .height = 4,
                                .layers = 6,
                                .flags = VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT});
    for (uint32_t face = 0; face < 6; ++face) {
        std::vector<uint32_t> texels(16);
        for (uint32_t i = 0; i < 16; ++i) {
            texels[i] = face * 16 + i;
        }
        write(source, texels, 0, face);
    }
    const auto cube = view(source, VK_IMAGE_VIEW_TYPE_CUBE, source.all());
    std::vector<std::array<float, 4>> points;
    std::vector<uint32_t> expected;
    for (uint32_t face = 0; face < 6; ++face) {
        for (uint32_t i = 0; i < 16; ++i) {
            const float s = (static_cast<float>(i % 4) + 0.5F) / 2 - 1;
            const float t = (static_cast<float>(i / 4) + 0.5F) / 2 - 1;
            // The table of cube faces of the specification, solved for the direction.
            const std::array<float, 4> directions[6] = {{1, -t, -s, 0}, {-1, -t, s, 0},
                                                        {s, 1, t, 0},   {s, -1, -t, 0},
                                                        {s, -t, 1, 0},  {-s, -t, -1, 0}};
            points.push_back(directions[face]);
            expected.push_back(face * 16 + i);
        }
    }
    const auto got = sample(glsl::cube_comp, cube, sampler(nearest()), points);
    for (size_t i = 0; i < points.size(); ++i) {
        EXPECT_NEAR(got[i][0] * 255, expected[i], 0.1) << "face " << i / 16 << " texel " << i % 16;
    }
}

/*glsl arrays.comp -DS=sampler2DArray -DP=a[i].xyz
| volume -DS=sampler3D -DP=a[i].xyz
| line -DS=sampler1D -DP=a[i].x
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform S image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() { uint i = gl_GlobalInvocationID.x; r[i] = textureLod(image, P, 0.0); }
*/
TEST_F(Texture, ArraysVolumesAndLines) {
    const Image layers = image({.width = 2, .height = 2, .layers = 3});
    for (uint32_t i = 0; i < 3; ++i) {
        write(layers, std::vector<uint32_t>(4, 50 * i), 0, i);
    }
    auto got = sample(
        glsl::arrays_comp, layers.view, sampler(nearest()),
        {{0.5F, 0.5F, -4, 0}, {0.5F, 0.5F, 0.7F, 0}, {0.5F, 0.5F, 1.4F, 0}, {0.5F, 0.5F, 8, 0}});
    const float expected[] = {0, 50, 50, 100};
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(got[i][0] * 255, expected[i], 0.1) << i;
    }
    const Image volume = image({.width = 2, .height = 2, .depth = 2, .type = VK_IMAGE_TYPE_3D});
    write(volume, std::vector<uint32_t>{0, 10, 20, 30, 100, 110, 120, 130});
    auto linear = nearest();
    linear.minFilter = linear.magFilter = VK_FILTER_LINEAR;
    got = sample(glsl::volume_comp, volume.view, sampler(linear),
                 {{0.25F, 0.25F, 0.25F, 0}, {0.75F, 0.75F, 0.75F, 0}, {0.5F, 0.5F, 0.5F, 0}});
    EXPECT_NEAR(got[0][0] * 255, 0, 0.5);
    EXPECT_NEAR(got[1][0] * 255, 130, 0.5);
    EXPECT_NEAR(got[2][0] * 255, 65, 0.6);
    const Image line = image({.width = 4, .height = 1, .type = VK_IMAGE_TYPE_1D});
    write(line, std::vector<uint32_t>{0, 40, 80, 120});
    got = sample(glsl::line_comp, line.view, sampler(linear), {{0.125F, 0, 0, 0}, {0.5F, 0, 0, 0}});
    EXPECT_NEAR(got[0][0] * 255, 0, 0.5);
    EXPECT_NEAR(got[1][0] * 255, 60, 0.6);
}

TEST_F(Texture, BlockCompression) {
    if (!world.features.core.textureCompressionBC) {
        GTEST_SKIP() << "no textureCompressionBC";
    }
    // BC1: endpoints red and blue, indices 0..3 along each row; four-colour mode.
    const Image bc1 = image({.format = VK_FORMAT_BC1_RGBA_UNORM_BLOCK, .width = 4, .height = 4});
    write(bc1, std::vector<uint8_t>{0x00, 0xF8, 0x1F, 0x00, 0xE4, 0xE4, 0xE4, 0xE4});
    auto got = sample(
        glsl::lod2d_comp, bc1.view, sampler(nearest()),
        {{0.125F, 0.5F, 0, 0}, {0.375F, 0.5F, 0, 0}, {0.625F, 0.5F, 0, 0}, {0.875F, 0.5F, 0, 0}});
    const float red[] = {1, 0, 2 / 3.0F, 1 / 3.0F};
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(got[i][0], red[i], 0.01) << i;
        EXPECT_NEAR(got[i][2], 1 - red[i], 0.01) << i;
        EXPECT_EQ(got[i][3], 1.0F);
    }
    // BC4: endpoints 255 and 0 with eight values; the first texels have indices 0, 1, 2, 7.
    const Image bc4 = image({.format = VK_FORMAT_BC4_UNORM_BLOCK, .width = 4, .height = 4});
    write(bc4, std::vector<uint8_t>{255, 0, 0x88, 0x0E, 0, 0, 0, 0});
    got = sample(glsl::lod2d_comp, bc4.view, sampler(nearest()),
                 {{0.125F, 0.125F, 0, 0},
                  {0.375F, 0.125F, 0, 0},
                  {0.625F, 0.125F, 0, 0},
                  {0.875F, 0.125F, 0, 0}});
    const float values[] = {1, 0, 6 / 7.0F, 1 / 7.0F};
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(got[i][0], values[i], 0.01) << i;
    }
    // BC7 mode 6 with equal endpoints is one colour.
    const Image bc7 = image({.format = VK_FORMAT_BC7_UNORM_BLOCK, .width = 4, .height = 4});
    std::vector<uint8_t> block(16);
    const auto put = [&](uint32_t at, uint32_t bits, uint32_t value) {
        for (uint32_t i = 0; i < bits; ++i) {
            block[(at + i) / 8] |= static_cast<uint8_t>((value >> i & 1) << (at + i) % 8);
        }
    };
    put(6, 1, 1);
    const uint32_t channels[4] = {100, 64, 10, 127};
    for (uint32_t k = 0; k < 4; ++k) {
        put(7 + k * 14, 7, channels[k]);
        put(14 + k * 14, 7, channels[k]);
    }
    put(63, 2, 3); // both p bits
    write(bc7, block);
    got = sample(glsl::lod2d_comp, bc7.view, sampler(nearest()), {{0.6F, 0.6F, 0, 0}});
    for (uint32_t k = 0; k < 4; ++k) {
        EXPECT_NEAR(got[0][k] * 255, channels[k] * 2 + 1, 0.01) << k;
    }
}

/*glsl pictures.comp
#extension GL_EXT_nonuniform_qualifier : enable
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) uniform texture2D images[4];
layout(set = 0, binding = 1) uniform sampler how;
layout(set = 0, binding = 2) buffer R { float r[]; };
void main() {
    uint i = gl_LocalInvocationIndex;
    r[i] = textureLod(sampler2D(images[nonuniformEXT(i % 4)], how), vec2(0.5), 0.0).x;
}
*/
TEST_F(Texture, SeparateSamplersAndNonUniformImages) {
    if (!world.features.indexing.shaderSampledImageArrayNonUniformIndexing) {
        GTEST_SKIP() << "no shaderSampledImageArrayNonUniformIndexing";
    }
    Bind images{VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, {}, {}, {}};
    for (uint32_t i = 0; i < 4; ++i) {
        const Image one = image({.width = 1, .height = 1});
        write(one, std::vector<uint32_t>{51 * i});
        images.images.push_back({VK_NULL_HANDLE, one.view, VK_IMAGE_LAYOUT_GENERAL});
    }
    const Buffer out = buffer(64);
    compute(glsl::pictures_comp,
            {images,
             {VK_DESCRIPTOR_TYPE_SAMPLER,
              {},
              {{sampler(nearest()), VK_NULL_HANDLE, VK_IMAGE_LAYOUT_UNDEFINED}},
              {}},
             storage(out)},
            {1, 1, 1});
    for (uint32_t i = 0; i < 16; ++i) {
        EXPECT_NEAR(out.as<float>()[i], 0.2F * static_cast<float>(i % 4), 1e-6) << i;
    }
}

} // namespace
