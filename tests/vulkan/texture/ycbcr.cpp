// SPDX-License-Identifier: MIT
// Multi-planar images: copies and views of their planes, and sampler Y'CbCr conversion against a
// CPU model of the specification's formulas.
#include "tests/vulkan/harness/fixture.hpp"

#include "texture_shaders.hpp"

#include <algorithm>
#include <cmath>

using namespace kite::vktest;

namespace {

constexpr uint32_t kWidth = 8, kHeight = 8;

struct Format {
    VkFormat format;
    uint32_t planes, half_x, half_y;
};

constexpr Format kFormats[] = {{VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, 2, 1, 1},
                               {VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM, 3, 1, 1},
                               {VK_FORMAT_G8_B8R8_2PLANE_422_UNORM, 2, 1, 0},
                               {VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM, 3, 0, 0}};

using Color = std::array<double, 4>;

/// One channel of the source, texels in [0, 1].
struct Channel {
    int width = 0, height = 0;
    std::vector<double> texels;

    double at(int x, int y) const {
        x = std::clamp(x, 0, width - 1);
        y = std::clamp(y, 0, height - 1);
        return texels[static_cast<size_t>(y * width + x)];
    }
    /// Sampled at texel coordinates, centres at half.
    double sample(double u, double v, bool linear) const {
        if (!linear)
            return at(static_cast<int>(std::floor(u)), static_cast<int>(std::floor(v)));
        const int x = static_cast<int>(std::floor(u - 0.5)),
                  y = static_cast<int>(std::floor(v - 0.5));
        const double a = u - 0.5 - x, b = v - 0.5 - y;
        return (1 - b) * ((1 - a) * at(x, y) + a * at(x + 1, y)) +
               b * ((1 - a) * at(x, y + 1) + a * at(x + 1, y + 1));
    }
};

Color to_rgb(Color c, VkSamplerYcbcrModelConversion model, VkSamplerYcbcrRange range) {
    if (model == VK_SAMPLER_YCBCR_MODEL_CONVERSION_RGB_IDENTITY)
        return c;
    const bool narrow = range == VK_SAMPLER_YCBCR_RANGE_ITU_NARROW;
    const double y = narrow ? (c[1] * 255 - 16) / 219 : c[1];
    const double cb = narrow ? (c[2] * 255 - 128) / 224 : c[2] - 128.0 / 255;
    const double cr = narrow ? (c[0] * 255 - 128) / 224 : c[0] - 128.0 / 255;
    switch (model) {
    case VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_IDENTITY:
        return {cr, y, cb, c[3]};
    case VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709:
        return {y + 1.5748 * cr, y - 0.13397432 / 0.7152 * cb - 0.33480248 / 0.7152 * cr,
                y + 1.8556 * cb, c[3]};
    case VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_601:
        return {y + 1.402 * cr, y - 0.202008 / 0.587 * cb - 0.419198 / 0.587 * cr, y + 1.772 * cb,
                c[3]};
    default:
        return {y + 1.4746 * cr, y - 0.11156702 / 0.6780 * cb - 0.38737742 / 0.6780 * cr,
                y + 1.8814 * cb, c[3]};
    }
}

class Ycbcr : public VulkanTest, public testing::WithParamInterface<Format> {
protected:
    void SetUp() override {
        VkFormatProperties found;
        vkGetPhysicalDeviceFormatProperties(world.physical, GetParam().format, &found);
        features_ = found.optimalTilingFeatures;
        if (!(features_ & (VK_FORMAT_FEATURE_MIDPOINT_CHROMA_SAMPLES_BIT |
                           VK_FORMAT_FEATURE_COSITED_CHROMA_SAMPLES_BIT)))
            GTEST_SKIP() << "this driver does not have the format";
        const Format f = GetParam();
        const int w = static_cast<int>(kWidth >> f.half_x),
                  h = static_cast<int>(kHeight >> f.half_y);
        for (size_t k = 0; k < 3; ++k) {
            Channel& c = channels_[k];
            c.width = k == 1 ? kWidth : w;
            c.height = k == 1 ? kHeight : h;
            for (int i = 0; i < c.width * c.height; ++i)
                bytes_[k].push_back(
                    static_cast<uint8_t>((i * 37 + static_cast<int>(k) * 90) % 256));
            for (const uint8_t b : bytes_[k])
                c.texels.push_back(b / 255.0);
        }
        source_ = image({.format = f.format,
                         .width = kWidth,
                         .height = kHeight,
                         .flags = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
                         .no_view = true});
        for (uint32_t p = 0; p < f.planes; ++p)
            transfer(p, buffer_of(plane_bytes(p)), true);
    }

    /// What a plane holds: G, then B (and R beside it, or in a plane of its own).
    std::vector<uint8_t> plane_bytes(uint32_t plane) const {
        if (plane == 0)
            return bytes_[1];
        if (GetParam().planes == 3)
            return bytes_[plane == 1 ? 2 : 0];
        std::vector<uint8_t> pairs;
        for (size_t i = 0; i < bytes_[2].size(); ++i)
            pairs.insert(pairs.end(), {bytes_[2][i], bytes_[0][i]});
        return pairs;
    }
    static VkImageAspectFlagBits aspect(uint32_t plane) {
        return static_cast<VkImageAspectFlagBits>(VK_IMAGE_ASPECT_PLANE_0_BIT << plane);
    }
    VkExtent3D extent(uint32_t plane) const {
        const Format f = GetParam();
        return {plane ? kWidth >> f.half_x : kWidth, plane ? kHeight >> f.half_y : kHeight, 1};
    }
    void transfer(uint32_t plane, const Buffer& buffer, bool to_image) {
        const VkBufferImageCopy region{.imageSubresource = {aspect(plane), 0, 0, 1},
                                       .imageExtent = extent(plane)};
        run([&](VkCommandBuffer c) {
            if (to_image)
                vkCmdCopyBufferToImage(c, buffer.handle, source_.handle, VK_IMAGE_LAYOUT_GENERAL, 1,
                                       &region);
            else
                vkCmdCopyImageToBuffer(c, source_.handle, VK_IMAGE_LAYOUT_GENERAL, buffer.handle, 1,
                                       &region);
        });
    }
    VkImageView plane_view(uint32_t plane, VkFormat format, VkSamplerYcbcrConversion conversion) {
        const VkSamplerYcbcrConversionInfo how{
            .sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO, .conversion = conversion};
        const VkImageViewCreateInfo info{
            .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
            .pNext = conversion ? &how : nullptr,
            .image = source_.handle,
            .viewType = VK_IMAGE_VIEW_TYPE_2D,
            .format = format,
            .subresourceRange = {conversion ? VkImageAspectFlags{VK_IMAGE_ASPECT_COLOR_BIT}
                                            : VkImageAspectFlags{aspect(plane)},
                                 0, 1, 0, 1}};
        VkImageView made = VK_NULL_HANDLE;
        must(vkCreateImageView(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyImageView(device, made, nullptr); });
        return made;
    }
    /// The picture at points in texels of luma, by the device.
    std::vector<std::array<float, 4>> converted(const VkSamplerYcbcrConversionCreateInfo& how,
                                                const std::vector<std::array<float, 4>>& points) {
        VkSamplerYcbcrConversion conversion = VK_NULL_HANDLE;
        must(vkCreateSamplerYcbcrConversion(device, &how, nullptr, &conversion));
        defer([this, conversion] { vkDestroySamplerYcbcrConversion(device, conversion, nullptr); });
        const VkSamplerYcbcrConversionInfo chain{
            .sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO, .conversion = conversion};
        auto info = nearest();
        info.pNext = &chain;
        info.minFilter = info.magFilter = how.chromaFilter;
        Bind image = sampled(plane_view(0, how.format, conversion), VK_NULL_HANDLE);
        image.immutable = {sampler(info)};
        const Buffer in = buffer_of(points), out = buffer(points.size() * 16);
        compute(glsl::ycbcr_comp, {image, storage(in), storage(out)},
                {static_cast<uint32_t>(points.size()), 1, 1});
        const auto all = out.as<std::array<float, 4>>();
        return {all.begin(), all.end()};
    }

    VkFormatFeatureFlags features_ = 0;
    std::array<Channel, 3> channels_; ///< R (Cr), G (Y'), B (Cb)
    std::array<std::vector<uint8_t>, 3> bytes_;
    Image source_;
};

/*glsl ycbcr.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform sampler2D image;
layout(set = 0, binding = 1) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 2) buffer R { vec4 r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    r[i] = textureLod(image, a[i].xy / vec2(textureSize(image, 0)), 0.0);
}
*/

TEST_P(Ycbcr, PlanesAreCopied) {
    for (uint32_t p = 0; p < GetParam().planes; ++p) {
        const std::vector<uint8_t> wanted = plane_bytes(p);
        const Buffer back = buffer(wanted.size());
        transfer(p, back, false);
        const auto got = back.as<uint8_t>();
        EXPECT_TRUE(std::ranges::equal(wanted, got)) << "plane " << p;
    }
    // A plane and a colour image of its format are compatible.
    const uint32_t last = GetParam().planes - 1;
    const VkFormat format = GetParam().planes == 2 ? VK_FORMAT_R8G8_UNORM : VK_FORMAT_R8_UNORM;
    const Image plain =
        image({.format = format, .width = extent(last).width, .height = extent(last).height});
    const VkImageCopy region{.srcSubresource = {aspect(last), 0, 0, 1},
                             .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                             .extent = extent(last)};
    run([&](VkCommandBuffer c) {
        vkCmdCopyImage(c, source_.handle, VK_IMAGE_LAYOUT_GENERAL, plain.handle,
                       VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    EXPECT_EQ(read_bytes(plain), plane_bytes(last));
}

TEST_P(Ycbcr, PlanesAreViewed) {
    for (uint32_t p = 0; p < GetParam().planes; ++p) {
        const bool pair = p == 1 && GetParam().planes == 2;
        const VkImageView view =
            plane_view(p, pair ? VK_FORMAT_R8G8_UNORM : VK_FORMAT_R8_UNORM, VK_NULL_HANDLE);
        const std::vector<std::array<float, 4>> points{{0.5F, 0.5F}, {2.5F, 1.5F}, {3.5F, 3.5F}};
        const Buffer in = buffer_of(points), out = buffer(points.size() * 16);
        compute(glsl::ycbcr_comp, {sampled(view, sampler(nearest())), storage(in), storage(out)},
                {static_cast<uint32_t>(points.size()), 1, 1});
        for (size_t i = 0; i < points.size(); ++i) {
            const auto got = out.as<std::array<float, 4>>()[i];
            const auto value = [&](size_t channel) {
                return channels_[channel].sample(points[i][0], points[i][1], false);
            };
            EXPECT_NEAR(got[0], value(p == 0 ? 1 : p == 1 ? 2 : 0), 0.001);
            EXPECT_NEAR(got[1], pair ? value(0) : 0.0, 0.001);
        }
    }
}

TEST_P(Ycbcr, Conversions) {
    std::vector<std::array<float, 4>> points;
    for (int i = 0; i < 40; ++i) // never between two texels of luma or chroma
        points.push_back(
            {0.31F + 0.19F * static_cast<float>(i), 7.7F - 0.17F * static_cast<float>(i)});
    for (int model = VK_SAMPLER_YCBCR_MODEL_CONVERSION_RGB_IDENTITY;
         model <= VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_2020; ++model) {
        for (const VkSamplerYcbcrRange range :
             {VK_SAMPLER_YCBCR_RANGE_ITU_FULL, VK_SAMPLER_YCBCR_RANGE_ITU_NARROW}) {
            for (const VkChromaLocation offset :
                 {VK_CHROMA_LOCATION_MIDPOINT, VK_CHROMA_LOCATION_COSITED_EVEN}) {
                for (const VkFilter filter : {VK_FILTER_NEAREST, VK_FILTER_LINEAR}) {
                    const bool cosited = offset == VK_CHROMA_LOCATION_COSITED_EVEN;
                    const bool linear = filter == VK_FILTER_LINEAR;
                    if (!(features_ & (cosited ? VK_FORMAT_FEATURE_COSITED_CHROMA_SAMPLES_BIT
                                               : VK_FORMAT_FEATURE_MIDPOINT_CHROMA_SAMPLES_BIT)) ||
                        (linear &&
                         !(features_ &
                           VK_FORMAT_FEATURE_SAMPLED_IMAGE_YCBCR_CONVERSION_LINEAR_FILTER_BIT)))
                        continue;
                    SCOPED_TRACE(testing::Message()
                                 << "model " << model << " range " << range << " offset " << offset
                                 << " filter " << filter);
                    const auto how = static_cast<VkSamplerYcbcrModelConversion>(model);
                    const auto got =
                        converted({.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO,
                                   .format = GetParam().format,
                                   .ycbcrModel = how,
                                   .ycbcrRange = range,
                                   .xChromaOffset = offset,
                                   .yChromaOffset = offset,
                                   .chromaFilter = filter},
                                  points);
                    for (size_t i = 0; i < points.size(); ++i) {
                        const auto channel = [&](size_t k) {
                            double u = points[i][0], v = points[i][1];
                            if (k != 1 && GetParam().half_x)
                                u = u / 2 + (cosited ? 0.25 : 0);
                            if (k != 1 && GetParam().half_y)
                                v = v / 2 + (cosited ? 0.25 : 0);
                            return channels_[k].sample(u, v, linear);
                        };
                        const Color wanted =
                            to_rgb({channel(0), channel(1), channel(2), 1.0}, how, range);
                        for (size_t k = 0; k < 4; ++k)
                            ASSERT_NEAR(got[i][k], wanted[k], linear ? 0.02 : 0.003)
                                << "point " << i << " component " << k;
                    }
                }
            }
        }
    }
}

TEST_P(Ycbcr, ComponentsAreSwizzledBeforeTheConversion) {
    const bool cosited = !(features_ & VK_FORMAT_FEATURE_MIDPOINT_CHROMA_SAMPLES_BIT);
    const VkChromaLocation offset =
        cosited ? VK_CHROMA_LOCATION_COSITED_EVEN : VK_CHROMA_LOCATION_MIDPOINT;
    const auto got = converted({.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO,
                                .format = GetParam().format,
                                .ycbcrModel = VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709,
                                .ycbcrRange = VK_SAMPLER_YCBCR_RANGE_ITU_FULL,
                                .components = {.r = VK_COMPONENT_SWIZZLE_B,
                                               .b = VK_COMPONENT_SWIZZLE_R,
                                               .a = VK_COMPONENT_SWIZZLE_ZERO},
                                .xChromaOffset = offset,
                                .yChromaOffset = offset,
                                .chromaFilter = VK_FILTER_NEAREST},
                               {{2.5F, 2.5F}});
    const double shift = GetParam().half_x ? 2.5 / 2 + (cosited ? 0.25 : 0) : 2.5;
    const double down = GetParam().half_y ? 2.5 / 2 + (cosited ? 0.25 : 0) : 2.5;
    const Color wanted =
        to_rgb({channels_[2].sample(shift, down, false), channels_[1].sample(2.5, 2.5, false),
                channels_[0].sample(shift, down, false), 0.0},
               VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709, VK_SAMPLER_YCBCR_RANGE_ITU_FULL);
    for (size_t k = 0; k < 4; ++k)
        EXPECT_NEAR(got[0][k], wanted[k], 0.003) << k;
}

INSTANTIATE_TEST_SUITE_P(Formats, Ycbcr, testing::ValuesIn(kFormats));

} // namespace
