// SPDX-License-Identifier: MIT
// Fragment shader interlock: overlapping fragments take turns, in order.
#include "tests/vulkan/harness/graphics.hpp"

#include "extensions_shaders.hpp"

using namespace kite::vktest;

namespace {

class Order : public GraphicsTest {};

/*glsl ordered.frag -DMODE=pixel_interlock_ordered
| ordered_sample -DMODE=sample_interlock_ordered
#extension GL_ARB_fragment_shader_interlock : require
layout(MODE) in;
layout(set = 0, binding = 0, r32ui) uniform coherent uimage2D image;
layout(location = 0) in vec4 v_color;
void main() {
    beginInvocationInterlockARB();
    uint old = imageLoad(image, ivec2(gl_FragCoord.xy)).x;
    imageStore(image, ivec2(gl_FragCoord.xy), uvec4(old * 5u + uint(v_color.x)));
    endInvocationInterlockARB();
}
*/
TEST_F(Order, InterlockedFragmentsTakeTurns) {
    VkPhysicalDeviceFragmentShaderInterlockFeaturesEXT interlock{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FRAGMENT_SHADER_INTERLOCK_FEATURES_EXT};
    VkPhysicalDeviceFeatures2 offered{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                      .pNext = &interlock};
    if (world.has("VK_EXT_fragment_shader_interlock")) {
        vkGetPhysicalDeviceFeatures2(world.physical, &offered);
    }
    if (!interlock.fragmentShaderPixelInterlock || !world.features.core.fragmentStoresAndAtomics) {
        GTEST_SKIP() << "no fragmentShaderPixelInterlock";
    }
    const Target t = target({.width = 70, .height = 70});
    const Image image_ = image({.format = VK_FORMAT_R32_UINT,
                                .width = 70,
                                .height = 70,
                                .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    const Descriptors bound = descriptors({storage_image(image_.view)});
    std::vector<Vertex> vertices;
    uint32_t expected = 0;
    for (uint32_t i = 0; i < 64; ++i) {
        const auto more = rectangle(t, 0, 0, 70, 70, 0, {static_cast<float>(i % 5), 0, 0, 0});
        vertices.insert(vertices.end(), more.begin(), more.end());
        expected = expected * 5 + i % 5;
    }
    for (const bool sample : {false, true}) {
        if (sample && !interlock.fragmentShaderSampleInterlock) {
            continue;
        }
        run([&](VkCommandBuffer c) {
            const VkClearColorValue zero{};
            const auto all = image_.all();
            vkCmdClearColorImage(c, image_.handle, VK_IMAGE_LAYOUT_GENERAL, &zero, 1, &all);
        });
        DrawState state{.vert = glsl::pass_vert,
                        .frag =
                            sample ? Spirv(glsl::ordered_sample_frag) : Spirv(glsl::ordered_frag)};
        draw(t, state, vertices, &bound);
        for (const uint32_t v : read<uint32_t>(image_)) {
            ASSERT_EQ(v, expected);
        }
    }
}

} // namespace
