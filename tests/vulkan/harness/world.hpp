// SPDX-License-Identifier: MIT
//
// World: one Vulkan instance, device and queue as the API tests see them.
//
// The first device of the first driver that the loader shows is taken (VK_DRIVER_FILES selects),
// with every supported feature and every extension of a fixed list enabled, below the Khronos
// validation layer with synchronisation validation. All that the layer says is collected; the
// fixture turns it into failures. Most tests share World::shared(); a test that loses its device
// or looks at creation makes its own. Not thread-safe apart from take_messages(). Failure: must()
// throws, which GoogleTest reports as the test's failure.
//
//     World& world = World::shared();
//     must(vkDeviceWaitIdle(world.device));
#pragma once

#include <vulkan/vulkan.h>

#include <mutex>
#include <set>
#include <source_location>
#include <string>
#include <vector>

namespace kite::vktest {

/// Throws std::runtime_error that names the caller's line unless the result is a success code.
void must(VkResult result, std::source_location where = std::source_location::current());

/// Feature structures that may be chained to VkPhysicalDeviceFeatures2; absent ones stay zero.
struct Features {
    VkPhysicalDeviceFeatures core{};
    VkPhysicalDevice16BitStorageFeatures storage16{};
    VkPhysicalDeviceMultiviewFeatures multiview{};
    VkPhysicalDeviceVariablePointersFeatures pointers{};
    VkPhysicalDeviceShaderDrawParametersFeatures draw_parameters{};
    VkPhysicalDeviceSamplerYcbcrConversionFeatures ycbcr{};
    VkPhysicalDevice8BitStorageFeatures storage8{};
    VkPhysicalDeviceShaderFloat16Int8Features float16_int8{};
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{};
    VkPhysicalDeviceImagelessFramebufferFeatures imageless{};
    VkPhysicalDeviceDynamicRenderingFeatures dynamic_rendering{};
    VkPhysicalDeviceSynchronization2Features sync2{};
    VkPhysicalDeviceDescriptorIndexingFeatures indexing{};
    VkPhysicalDeviceRobustness2FeaturesEXT robustness2{};
    VkPhysicalDeviceScalarBlockLayoutFeatures scalar{};
    VkPhysicalDeviceHostQueryResetFeatures host_query_reset{};
    VkPhysicalDeviceIndexTypeUint8FeaturesEXT index8{};
    VkPhysicalDeviceVertexAttributeDivisorFeaturesEXT divisor{};
    VkPhysicalDeviceExtendedDynamicStateFeaturesEXT dynamic_state{};
    VkPhysicalDeviceBufferDeviceAddressFeatures address{};
    VkPhysicalDeviceExtendedDynamicState3FeaturesEXT dynamic_state3{};
    VkPhysicalDeviceVertexInputDynamicStateFeaturesEXT vertex_input{};
    VkPhysicalDeviceColorWriteEnableFeaturesEXT color_write{};
    VkPhysicalDeviceDepthBiasControlFeaturesEXT depth_bias{};
    VkPhysicalDeviceHostImageCopyFeaturesEXT host_copy{};
    VkPhysicalDeviceMutableDescriptorTypeFeaturesEXT mutable_descriptors{};
    VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomic_float{};
    VkPhysicalDeviceShaderObjectFeaturesEXT shader_object{};
    VkPhysicalDeviceShaderAtomicInt64Features atomic_int64{};
    VkPhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR workgroup_layout{};
    VkPhysicalDevicePresentIdFeaturesKHR present_id{};
    VkPhysicalDevicePresentWaitFeaturesKHR present_wait{};
    VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT swapchain_maintenance1{};
    VkPhysicalDeviceGraphicsPipelineLibraryFeaturesEXT pipeline_library{};
    VkPhysicalDeviceTransformFeedbackFeaturesEXT feedback{};
    VkPhysicalDeviceProvokingVertexFeaturesEXT provoking{};
    VkPhysicalDevicePrimitivesGeneratedQueryFeaturesEXT generated{};
};

/// See the head of this file.
class World {
public:
    /// Creates an instance and a device of its own.
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// The world that tests share; made on first use.
    static World& shared();
    /// Destroys it before the process ends, while the layers still have their own statics.
    static void close_shared();

    /// Whether this device extension was advertised and is enabled.
    bool has(const char* extension) const { return enabled.contains(extension); }
    /// An entry point of an extension; throws when the driver does not know the name.
    template <typename Function>
    Function load(const char* name) const {
        return reinterpret_cast<Function>(load_raw(name));
    }
    /// What the validation layer has said since the last call.
    std::vector<std::string> take_messages();
    /// Index of a memory type out of `allowed_bits` that has `wanted`; throws if there is none.
    uint32_t memory_type(uint32_t allowed_bits, VkMemoryPropertyFlags wanted) const;
    /// Whether optimal images of this format can do all of `wanted`.
    bool supports(VkFormat format, VkFormatFeatureFlags wanted) const;
    /// The device creation that the constructor used, for tests that want a second device.
    VkDevice create_device() const;

    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t family = 0;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkPhysicalDeviceProperties properties{};
    VkPhysicalDeviceLimits& limits = properties.limits;
    VkPhysicalDeviceMemoryProperties memory{};
    VkQueueFamilyProperties queue_properties{};
    Features features;
    std::set<std::string> enabled;
    /// Instance extensions that are enabled.
    std::set<std::string> instance_enabled;
    /// Whether the validation layer is in the chain.
    bool validated = false;
    /// Whether the device is Kite; decides only about promises that are Kite's own.
    bool is_kite = false;

private:
    PFN_vkVoidFunction load_raw(const char* name) const;
    void create_instance();
    void choose_device();
    void query_features();
    static VkBool32 on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                               VkDebugUtilsMessageTypeFlagsEXT types,
                               const VkDebugUtilsMessengerCallbackDataEXT* data, void* self);

    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    VkPhysicalDeviceFeatures2 chain_{};
    std::mutex mutex_;
    std::vector<std::string> messages_;
};

} // namespace kite::vktest
