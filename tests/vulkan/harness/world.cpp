// SPDX-License-Identifier: MIT
#include "tests/vulkan/harness/world.hpp"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace kite::vktest {
namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

/// Device extensions that tests know how to use; whatever of these a driver has is enabled.
constexpr const char* kWanted[] = {
    "VK_KHR_swapchain",
    "VK_KHR_create_renderpass2",
    "VK_KHR_depth_stencil_resolve",
    "VK_KHR_dynamic_rendering",
    "VK_KHR_image_format_list",
    "VK_KHR_imageless_framebuffer",
    "VK_KHR_timeline_semaphore",
    "VK_KHR_synchronization2",
    "VK_KHR_push_descriptor",
    "VK_KHR_draw_indirect_count",
    "VK_KHR_8bit_storage",
    "VK_KHR_shader_float16_int8",
    "VK_KHR_sampler_mirror_clamp_to_edge",
    "VK_KHR_buffer_device_address",
    "VK_KHR_driver_properties",
    "VK_KHR_shader_float_controls",
    "VK_EXT_descriptor_indexing",
    "VK_EXT_robustness2",
    "VK_EXT_scalar_block_layout",
    "VK_EXT_host_query_reset",
    "VK_EXT_index_type_uint8",
    "VK_EXT_vertex_attribute_divisor",
    "VK_EXT_extended_dynamic_state",
    "VK_EXT_extended_dynamic_state3",
    "VK_EXT_vertex_input_dynamic_state",
    "VK_EXT_color_write_enable",
    "VK_EXT_depth_bias_control",
    "VK_EXT_host_image_copy",
    "VK_EXT_mutable_descriptor_type",
    "VK_EXT_shader_atomic_float",
    "VK_EXT_shader_object",
    "VK_EXT_shader_stencil_export",
    "VK_KHR_pipeline_library",
    "VK_EXT_graphics_pipeline_library",
    "VK_EXT_transform_feedback",
    "VK_EXT_provoking_vertex",
    "VK_EXT_primitives_generated_query",
    "VK_KHR_copy_commands2",
    "VK_KHR_format_feature_flags2",
    "VK_KHR_map_memory2",
    "VK_KHR_shader_atomic_int64",
    "VK_KHR_spirv_1_4",
    "VK_KHR_workgroup_memory_explicit_layout",
    "VK_KHR_external_memory_fd",
    "VK_EXT_external_memory_dma_buf",
    "VK_KHR_external_semaphore_fd",
    "VK_KHR_external_fence_fd",
    "VK_EXT_image_drm_format_modifier",
    "VK_EXT_queue_family_foreign",
    "VK_EXT_physical_device_drm",
    "VK_EXT_pci_bus_info",
    "VK_KHR_calibrated_timestamps",
    "VK_KHR_present_id",
    "VK_KHR_present_wait",
    "VK_EXT_swapchain_maintenance1",
    "VK_EXT_blend_operation_advanced",
    "VK_EXT_fragment_shader_interlock",
};

/// The same for the instance.
constexpr const char* kWantedOfInstance[] = {
    "VK_KHR_surface",
    "VK_EXT_headless_surface",
    "VK_KHR_xcb_surface",
    "VK_KHR_wayland_surface",
    "VK_KHR_display",
    "VK_EXT_direct_mode_display",
    "VK_EXT_acquire_drm_display",
    "VK_KHR_get_display_properties2",
    "VK_KHR_get_surface_capabilities2",
    "VK_EXT_surface_maintenance1",
    "VK_EXT_debug_utils",
};

/// Appends one feature structure to the chain.
template <typename T>
void append(void**& tail, T& item, VkStructureType type) {
    item.sType = type;
    item.pNext = nullptr;
    *tail = &item;
    tail = &item.pNext;
}

} // namespace

void must(VkResult result, std::source_location where) {
    if (result < VK_SUCCESS) {
        throw std::runtime_error(std::string(where.file_name()) + ":" +
                                 std::to_string(where.line()) + ": VkResult " +
                                 std::to_string(result));
    }
}

namespace {
std::unique_ptr<World>& shared_world() {
    static std::unique_ptr<World> world;
    return world;
}
} // namespace

World& World::shared() {
    if (!shared_world()) {
        shared_world() = std::make_unique<World>();
    }
    return *shared_world();
}

void World::close_shared() {
    shared_world().reset();
}

World::World() {
    create_instance();
    choose_device();
    query_features();
    device = create_device();
    vkGetDeviceQueue(device, family, 0, &queue);
    const VkCommandPoolCreateInfo pool_info{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                            .flags =
                                                VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                            .queueFamilyIndex = family};
    must(vkCreateCommandPool(device, &pool_info, nullptr, &pool));
}

World::~World() {
    if (device) {
        vkDeviceWaitIdle(device);
        vkDestroyCommandPool(device, pool, nullptr);
        vkDestroyDevice(device, nullptr);
    }
    if (messenger_) {
        reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(vkGetInstanceProcAddr(
            instance, "vkDestroyDebugUtilsMessengerEXT"))(instance, messenger_, nullptr);
    }
    vkDestroyInstance(instance, nullptr);
}

void World::create_instance() {
    uint32_t count = 0;
    must(vkEnumerateInstanceLayerProperties(&count, nullptr));
    std::vector<VkLayerProperties> layers(count);
    must(vkEnumerateInstanceLayerProperties(&count, layers.data()));
    for (const auto& layer : layers) {
        validated |= std::strcmp(layer.layerName, kValidation) == 0;
    }
    must(vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr));
    std::vector<VkExtensionProperties> found(count);
    must(vkEnumerateInstanceExtensionProperties(nullptr, &count, found.data()));
    std::vector<const char*> names;
    for (const char* wanted : kWantedOfInstance) {
        for (const auto& extension : found) {
            if (std::strcmp(extension.extensionName, wanted) == 0) {
                names.push_back(wanted);
                instance_enabled.insert(wanted);
            }
        }
    }
    const VkApplicationInfo app{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                .pApplicationName = "kite_vulkan_tests",
                                .apiVersion = VK_API_VERSION_1_1};
    const VkDebugUtilsMessengerCreateInfoEXT messenger{
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = this};
    const VkValidationFeatureEnableEXT sync =
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    const VkValidationFeaturesEXT checks{.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                         .enabledValidationFeatureCount = 1,
                                         .pEnabledValidationFeatures = &sync};
    const VkInstanceCreateInfo info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                    .pNext = validated ? &checks : nullptr,
                                    .pApplicationInfo = &app,
                                    .enabledLayerCount = validated ? 1U : 0U,
                                    .ppEnabledLayerNames = &kValidation,
                                    .enabledExtensionCount = static_cast<uint32_t>(names.size()),
                                    .ppEnabledExtensionNames = names.data()};
    must(vkCreateInstance(&info, nullptr, &instance));
    if (validated) {
        must(reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
            vkGetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT"))(
            instance, &messenger, nullptr, &messenger_));
    }
}

void World::choose_device() {
    uint32_t count = 0;
    must(vkEnumeratePhysicalDevices(instance, &count, nullptr));
    std::vector<VkPhysicalDevice> devices(count);
    must(vkEnumeratePhysicalDevices(instance, &count, devices.data()));
    if (count == 0) {
        throw std::runtime_error("no Vulkan device");
    }
    physical = devices[0];
    vkGetPhysicalDeviceProperties(physical, &properties);
    is_kite = std::string(properties.deviceName).contains("Kite");
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
    const VkQueueFlags wanted = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    while (family < count && (families[family].queueFlags & wanted) != wanted) {
        ++family;
    }
    if (family == count) {
        throw std::runtime_error("no queue family with graphics and compute");
    }
    queue_properties = families[family];
    must(vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr));
    std::vector<VkExtensionProperties> found(count);
    must(vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, found.data()));
    for (const char* name : kWanted) {
        for (const auto& extension : found) {
            if (std::strcmp(extension.extensionName, name) == 0) {
                enabled.insert(name);
            }
        }
    }
    if (!instance_enabled.contains("VK_KHR_surface")) {
        for (const char* name : {"VK_KHR_swapchain", "VK_KHR_present_id", "VK_KHR_present_wait",
                                 "VK_EXT_swapchain_maintenance1"}) {
            enabled.erase(name);
        }
    }
}

void World::query_features() {
    chain_ = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    void** tail = &chain_.pNext;
    Features& f = features;
    append(tail, f.storage16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    append(tail, f.multiview, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_FEATURES);
    append(tail, f.pointers, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VARIABLE_POINTERS_FEATURES);
    append(tail, f.draw_parameters,
           VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_DRAW_PARAMETERS_FEATURES);
    append(tail, f.ycbcr, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES);
    const auto extension = [&](const char* name, auto& item, VkStructureType type) {
        if (has(name)) {
            append(tail, item, type);
        }
    };
    extension("VK_KHR_8bit_storage", f.storage8,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES);
    extension("VK_KHR_shader_float16_int8", f.float16_int8,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    extension("VK_KHR_timeline_semaphore", f.timeline,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES);
    extension("VK_KHR_imageless_framebuffer", f.imageless,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGELESS_FRAMEBUFFER_FEATURES);
    extension("VK_KHR_dynamic_rendering", f.dynamic_rendering,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES);
    extension("VK_KHR_synchronization2", f.sync2,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES);
    extension("VK_EXT_descriptor_indexing", f.indexing,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES);
    extension("VK_EXT_robustness2", f.robustness2,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT);
    extension("VK_EXT_scalar_block_layout", f.scalar,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SCALAR_BLOCK_LAYOUT_FEATURES);
    extension("VK_EXT_host_query_reset", f.host_query_reset,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_QUERY_RESET_FEATURES);
    extension("VK_EXT_index_type_uint8", f.index8,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_INDEX_TYPE_UINT8_FEATURES_EXT);
    extension("VK_EXT_vertex_attribute_divisor", f.divisor,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VERTEX_ATTRIBUTE_DIVISOR_FEATURES_EXT);
    extension("VK_EXT_extended_dynamic_state", f.dynamic_state,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_DYNAMIC_STATE_FEATURES_EXT);
    extension("VK_KHR_buffer_device_address", f.address,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES);
    extension("VK_EXT_extended_dynamic_state3", f.dynamic_state3,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_DYNAMIC_STATE_3_FEATURES_EXT);
    extension("VK_EXT_vertex_input_dynamic_state", f.vertex_input,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VERTEX_INPUT_DYNAMIC_STATE_FEATURES_EXT);
    extension("VK_EXT_color_write_enable", f.color_write,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COLOR_WRITE_ENABLE_FEATURES_EXT);
    extension("VK_EXT_depth_bias_control", f.depth_bias,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEPTH_BIAS_CONTROL_FEATURES_EXT);
    extension("VK_EXT_host_image_copy", f.host_copy,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_IMAGE_COPY_FEATURES_EXT);
    extension("VK_EXT_mutable_descriptor_type", f.mutable_descriptors,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MUTABLE_DESCRIPTOR_TYPE_FEATURES_EXT);
    extension("VK_EXT_shader_atomic_float", f.atomic_float,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_FEATURES_EXT);
    extension("VK_EXT_shader_object", f.shader_object,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_OBJECT_FEATURES_EXT);
    extension("VK_KHR_shader_atomic_int64", f.atomic_int64,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_INT64_FEATURES);
    extension("VK_KHR_workgroup_memory_explicit_layout", f.workgroup_layout,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR);
    extension("VK_KHR_present_id", f.present_id,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR);
    extension("VK_KHR_present_wait", f.present_wait,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR);
    extension("VK_EXT_swapchain_maintenance1", f.swapchain_maintenance1,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT);
    extension("VK_EXT_graphics_pipeline_library", f.pipeline_library,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GRAPHICS_PIPELINE_LIBRARY_FEATURES_EXT);
    extension("VK_EXT_transform_feedback", f.feedback,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_FEATURES_EXT);
    extension("VK_EXT_provoking_vertex", f.provoking,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROVOKING_VERTEX_FEATURES_EXT);
    extension("VK_EXT_primitives_generated_query", f.generated,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRIMITIVES_GENERATED_QUERY_FEATURES_EXT);
    // What one test alone asks for, by the extension's name.
    static VkPhysicalDeviceFragmentShaderInterlockFeaturesEXT interlock{};
    extension("VK_EXT_fragment_shader_interlock", interlock,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FRAGMENT_SHADER_INTERLOCK_FEATURES_EXT);
    vkGetPhysicalDeviceFeatures2(physical, &chain_);
    f.core = chain_.features;
    // Not allowed beside robustBufferAccess on devices without robustBufferAccessUpdateAfterBind.
    f.indexing.descriptorBindingUniformBufferUpdateAfterBind = VK_FALSE;
    f.indexing.descriptorBindingStorageBufferUpdateAfterBind = VK_FALSE;
    f.indexing.descriptorBindingUniformTexelBufferUpdateAfterBind = VK_FALSE;
    f.indexing.descriptorBindingStorageTexelBufferUpdateAfterBind = VK_FALSE;
    f.address.bufferDeviceAddressMultiDevice = VK_FALSE;
    f.address.bufferDeviceAddressCaptureReplay = VK_FALSE;
}

VkDevice World::create_device() const {
    std::vector<const char*> names;
    for (const auto& name : enabled) {
        names.push_back(name.c_str());
    }
    const float priority = 1.0F;
    const VkDeviceQueueCreateInfo queue_info{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                             .queueFamilyIndex = family,
                                             .queueCount = 1,
                                             .pQueuePriorities = &priority};
    const VkDeviceCreateInfo info{.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                  .pNext = &chain_,
                                  .queueCreateInfoCount = 1,
                                  .pQueueCreateInfos = &queue_info,
                                  .enabledExtensionCount = static_cast<uint32_t>(names.size()),
                                  .ppEnabledExtensionNames = names.data()};
    VkDevice created = VK_NULL_HANDLE;
    must(vkCreateDevice(physical, &info, nullptr, &created));
    return created;
}

PFN_vkVoidFunction World::load_raw(const char* name) const {
    auto* function = vkGetInstanceProcAddr(instance, name);
    if (!function) {
        throw std::runtime_error(std::string("no entry point ") + name);
    }
    return function;
}

VkBool32 World::on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                           const VkDebugUtilsMessengerCallbackDataEXT* data, void* self) {
    auto& world = *static_cast<World*>(self);
    const std::lock_guard lock(world.mutex_);
    world.messages_.emplace_back(data->pMessage);
    return VK_FALSE;
}

std::vector<std::string> World::take_messages() {
    const std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
}

uint32_t World::memory_type(uint32_t allowed_bits, VkMemoryPropertyFlags wanted) const {
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
        if ((allowed_bits >> i & 1) != 0 &&
            (memory.memoryTypes[i].propertyFlags & wanted) == wanted) {
            return i;
        }
    }
    throw std::runtime_error("no such memory type");
}

bool World::supports(VkFormat format, VkFormatFeatureFlags wanted) const {
    VkFormatProperties found;
    vkGetPhysicalDeviceFormatProperties(physical, format, &found);
    return (found.optimalTilingFeatures & wanted) == wanted;
}

} // namespace kite::vktest
