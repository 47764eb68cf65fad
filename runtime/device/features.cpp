// SPDX-License-Identifier: MIT
#include "runtime/device/features.hpp"

#include <cstring>

namespace kite::rt {
namespace {

/// A feature structure: where its booleans are and what we offer.
struct FeatureRow {
    VkStructureType type;
    size_t last_offset; ///< offset of the last VkBool32
    size_t size;
    void (*fill)(void*);
};

template <class T, auto Last>
FeatureRow row(VkStructureType type, void (*fill)(T&)) {
    static void (*stored)(T&) = nullptr;
    stored = fill;
    T probe{};
    size_t off = static_cast<size_t>(reinterpret_cast<char*>(&(probe.*Last)) -
                                     reinterpret_cast<char*>(&probe));
    return {type, off, sizeof(T), [](void* p) { stored(*static_cast<T*>(p)); }};
}

constexpr VkBool32 on = VK_TRUE;

std::span<const FeatureRow> rows() {
    using F11 = VkPhysicalDeviceVulkan11Features;
    static const FeatureRow table[] = {
        row<F11, &F11::shaderDrawParameters>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                                             [](F11& f) {
                                                 f.storageBuffer16BitAccess =
                                                     f.uniformAndStorageBuffer16BitAccess = on;
                                                 f.multiview = on;
                                                 f.variablePointersStorageBuffer =
                                                     f.variablePointers = on;
                                                 f.shaderDrawParameters = on;
                                             }),
        row<VkPhysicalDevice16BitStorageFeatures,
            &VkPhysicalDevice16BitStorageFeatures::storageInputOutput16>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
            [](VkPhysicalDevice16BitStorageFeatures& f) {
                f.storageBuffer16BitAccess = f.uniformAndStorageBuffer16BitAccess = on;
            }),
        row<VkPhysicalDeviceMultiviewFeatures,
            &VkPhysicalDeviceMultiviewFeatures::multiviewTessellationShader>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_FEATURES,
            [](VkPhysicalDeviceMultiviewFeatures& f) { f.multiview = on; }),
        row<VkPhysicalDeviceVariablePointersFeatures,
            &VkPhysicalDeviceVariablePointersFeatures::variablePointers>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VARIABLE_POINTERS_FEATURES,
            [](VkPhysicalDeviceVariablePointersFeatures& f) {
                f.variablePointersStorageBuffer = f.variablePointers = on;
            }),
        row<VkPhysicalDeviceProtectedMemoryFeatures,
            &VkPhysicalDeviceProtectedMemoryFeatures::protectedMemory>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROTECTED_MEMORY_FEATURES,
            [](VkPhysicalDeviceProtectedMemoryFeatures&) {}),
        row<VkPhysicalDeviceSamplerYcbcrConversionFeatures,
            &VkPhysicalDeviceSamplerYcbcrConversionFeatures::samplerYcbcrConversion>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES,
            [](VkPhysicalDeviceSamplerYcbcrConversionFeatures&) {}),
        row<VkPhysicalDeviceShaderDrawParametersFeatures,
            &VkPhysicalDeviceShaderDrawParametersFeatures::shaderDrawParameters>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_DRAW_PARAMETERS_FEATURES,
            [](VkPhysicalDeviceShaderDrawParametersFeatures& f) { f.shaderDrawParameters = on; }),
        row<VkPhysicalDeviceTimelineSemaphoreFeatures,
            &VkPhysicalDeviceTimelineSemaphoreFeatures::timelineSemaphore>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
            [](VkPhysicalDeviceTimelineSemaphoreFeatures& f) { f.timelineSemaphore = on; }),
        row<VkPhysicalDeviceSynchronization2Features,
            &VkPhysicalDeviceSynchronization2Features::synchronization2>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
            [](VkPhysicalDeviceSynchronization2Features& f) { f.synchronization2 = on; }),
        row<VkPhysicalDeviceDynamicRenderingFeatures,
            &VkPhysicalDeviceDynamicRenderingFeatures::dynamicRendering>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES,
            [](VkPhysicalDeviceDynamicRenderingFeatures& f) { f.dynamicRendering = on; }),
        row<VkPhysicalDeviceImagelessFramebufferFeatures,
            &VkPhysicalDeviceImagelessFramebufferFeatures::imagelessFramebuffer>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGELESS_FRAMEBUFFER_FEATURES,
            [](VkPhysicalDeviceImagelessFramebufferFeatures& f) { f.imagelessFramebuffer = on; }),
        row<VkPhysicalDeviceUniformBufferStandardLayoutFeatures,
            &VkPhysicalDeviceUniformBufferStandardLayoutFeatures::uniformBufferStandardLayout>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_UNIFORM_BUFFER_STANDARD_LAYOUT_FEATURES,
            [](VkPhysicalDeviceUniformBufferStandardLayoutFeatures& f) {
                f.uniformBufferStandardLayout = on;
            }),
        row<VkPhysicalDeviceScalarBlockLayoutFeatures,
            &VkPhysicalDeviceScalarBlockLayoutFeatures::scalarBlockLayout>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SCALAR_BLOCK_LAYOUT_FEATURES,
            [](VkPhysicalDeviceScalarBlockLayoutFeatures& f) { f.scalarBlockLayout = on; }),
        row<VkPhysicalDeviceSeparateDepthStencilLayoutsFeatures,
            &VkPhysicalDeviceSeparateDepthStencilLayoutsFeatures::separateDepthStencilLayouts>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SEPARATE_DEPTH_STENCIL_LAYOUTS_FEATURES,
            [](VkPhysicalDeviceSeparateDepthStencilLayoutsFeatures& f) {
                f.separateDepthStencilLayouts = on;
            }),
        row<VkPhysicalDeviceHostQueryResetFeatures,
            &VkPhysicalDeviceHostQueryResetFeatures::hostQueryReset>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_QUERY_RESET_FEATURES,
            [](VkPhysicalDeviceHostQueryResetFeatures& f) { f.hostQueryReset = on; }),
        row<VkPhysicalDeviceBufferDeviceAddressFeatures,
            &VkPhysicalDeviceBufferDeviceAddressFeatures::bufferDeviceAddressMultiDevice>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
            [](VkPhysicalDeviceBufferDeviceAddressFeatures& f) { f.bufferDeviceAddress = on; }),
        row<VkPhysicalDeviceMaintenance4Features,
            &VkPhysicalDeviceMaintenance4Features::maintenance4>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES,
            [](VkPhysicalDeviceMaintenance4Features& f) { f.maintenance4 = on; }),
        row<VkPhysicalDevicePrivateDataFeatures, &VkPhysicalDevicePrivateDataFeatures::privateData>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRIVATE_DATA_FEATURES,
            [](VkPhysicalDevicePrivateDataFeatures& f) { f.privateData = on; }),
        row<VkPhysicalDevicePipelineCreationCacheControlFeatures,
            &VkPhysicalDevicePipelineCreationCacheControlFeatures::pipelineCreationCacheControl>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_CREATION_CACHE_CONTROL_FEATURES,
            [](VkPhysicalDevicePipelineCreationCacheControlFeatures& f) {
                f.pipelineCreationCacheControl = on;
            }),
        row<VkPhysicalDeviceConditionalRenderingFeaturesEXT,
            &VkPhysicalDeviceConditionalRenderingFeaturesEXT::inheritedConditionalRendering>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CONDITIONAL_RENDERING_FEATURES_EXT,
            [](VkPhysicalDeviceConditionalRenderingFeaturesEXT& f) {
                f.conditionalRendering = f.inheritedConditionalRendering = on;
            }),
        row<VkPhysicalDeviceDepthClipEnableFeaturesEXT,
            &VkPhysicalDeviceDepthClipEnableFeaturesEXT::depthClipEnable>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEPTH_CLIP_ENABLE_FEATURES_EXT,
            [](VkPhysicalDeviceDepthClipEnableFeaturesEXT& f) { f.depthClipEnable = on; }),
        row<VkPhysicalDeviceExtendedDynamicStateFeaturesEXT,
            &VkPhysicalDeviceExtendedDynamicStateFeaturesEXT::extendedDynamicState>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_DYNAMIC_STATE_FEATURES_EXT,
            [](VkPhysicalDeviceExtendedDynamicStateFeaturesEXT& f) {
                f.extendedDynamicState = on;
            }),
        row<VkPhysicalDeviceExtendedDynamicState2FeaturesEXT,
            &VkPhysicalDeviceExtendedDynamicState2FeaturesEXT::
                extendedDynamicState2PatchControlPoints>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_DYNAMIC_STATE_2_FEATURES_EXT,
            [](VkPhysicalDeviceExtendedDynamicState2FeaturesEXT& f) {
                f.extendedDynamicState2 = f.extendedDynamicState2LogicOp = on;
            }),
        row<VkPhysicalDeviceIndexTypeUint8FeaturesEXT,
            &VkPhysicalDeviceIndexTypeUint8FeaturesEXT::indexTypeUint8>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_INDEX_TYPE_UINT8_FEATURES_EXT,
            [](VkPhysicalDeviceIndexTypeUint8FeaturesEXT& f) { f.indexTypeUint8 = on; }),
        row<VkPhysicalDeviceVertexAttributeDivisorFeaturesEXT,
            &VkPhysicalDeviceVertexAttributeDivisorFeaturesEXT::
                vertexAttributeInstanceRateZeroDivisor>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VERTEX_ATTRIBUTE_DIVISOR_FEATURES_EXT,
            [](VkPhysicalDeviceVertexAttributeDivisorFeaturesEXT& f) {
                f.vertexAttributeInstanceRateDivisor = f.vertexAttributeInstanceRateZeroDivisor =
                    on;
            }),
        row<VkPhysicalDevice4444FormatsFeaturesEXT,
            &VkPhysicalDevice4444FormatsFeaturesEXT::formatA4B4G4R4>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_4444_FORMATS_FEATURES_EXT,
            [](VkPhysicalDevice4444FormatsFeaturesEXT& f) {
                f.formatA4R4G4B4 = f.formatA4B4G4R4 = on;
            }),
        row<VkPhysicalDeviceDescriptorIndexingFeatures,
            &VkPhysicalDeviceDescriptorIndexingFeatures::runtimeDescriptorArray>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES,
            [](VkPhysicalDeviceDescriptorIndexingFeatures& f) {
                f.shaderInputAttachmentArrayDynamicIndexing = on;
                f.shaderUniformTexelBufferArrayDynamicIndexing = on;
                f.shaderStorageTexelBufferArrayDynamicIndexing = on;
                f.shaderUniformBufferArrayNonUniformIndexing = on;
                f.shaderSampledImageArrayNonUniformIndexing = on;
                f.shaderStorageBufferArrayNonUniformIndexing = on;
                f.shaderStorageImageArrayNonUniformIndexing = on;
                f.shaderInputAttachmentArrayNonUniformIndexing = on;
                f.shaderUniformTexelBufferArrayNonUniformIndexing = on;
                f.shaderStorageTexelBufferArrayNonUniformIndexing = on;
                f.descriptorBindingUniformBufferUpdateAfterBind = on;
                f.descriptorBindingSampledImageUpdateAfterBind = on;
                f.descriptorBindingStorageImageUpdateAfterBind = on;
                f.descriptorBindingStorageBufferUpdateAfterBind = on;
                f.descriptorBindingUniformTexelBufferUpdateAfterBind = on;
                f.descriptorBindingStorageTexelBufferUpdateAfterBind = on;
                f.descriptorBindingUpdateUnusedWhilePending = on;
                f.descriptorBindingPartiallyBound = on;
                f.descriptorBindingVariableDescriptorCount = on;
                f.runtimeDescriptorArray = on;
            }),
        row<VkPhysicalDeviceCustomBorderColorFeaturesEXT,
            &VkPhysicalDeviceCustomBorderColorFeaturesEXT::customBorderColorWithoutFormat>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CUSTOM_BORDER_COLOR_FEATURES_EXT,
            [](VkPhysicalDeviceCustomBorderColorFeaturesEXT& f) {
                f.customBorderColors = on;
                f.customBorderColorWithoutFormat = on;
            }),
        row<VkPhysicalDeviceImageRobustnessFeatures,
            &VkPhysicalDeviceImageRobustnessFeatures::robustImageAccess>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_ROBUSTNESS_FEATURES,
            [](VkPhysicalDeviceImageRobustnessFeatures& f) { f.robustImageAccess = on; }),
        row<VkPhysicalDeviceInlineUniformBlockFeatures,
            &VkPhysicalDeviceInlineUniformBlockFeatures::
                descriptorBindingInlineUniformBlockUpdateAfterBind>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_INLINE_UNIFORM_BLOCK_FEATURES,
            [](VkPhysicalDeviceInlineUniformBlockFeatures& f) {
                f.inlineUniformBlock = on;
                f.descriptorBindingInlineUniformBlockUpdateAfterBind = on;
            }),
        row<VkPhysicalDeviceProvokingVertexFeaturesEXT,
            &VkPhysicalDeviceProvokingVertexFeaturesEXT::transformFeedbackPreservesProvokingVertex>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROVOKING_VERTEX_FEATURES_EXT,
            [](VkPhysicalDeviceProvokingVertexFeaturesEXT& f) { f.provokingVertexLast = on; }),
        row<VkPhysicalDeviceRobustness2FeaturesEXT,
            &VkPhysicalDeviceRobustness2FeaturesEXT::nullDescriptor>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT,
            [](VkPhysicalDeviceRobustness2FeaturesEXT& f) {
                f.nullDescriptor = on;
                f.robustImageAccess2 = on;
            }),
        row<VkPhysicalDeviceShaderDemoteToHelperInvocationFeatures,
            &VkPhysicalDeviceShaderDemoteToHelperInvocationFeatures::
                shaderDemoteToHelperInvocation>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_DEMOTE_TO_HELPER_INVOCATION_FEATURES,
            [](VkPhysicalDeviceShaderDemoteToHelperInvocationFeatures& f) {
                f.shaderDemoteToHelperInvocation = on;
            }),
        row<VkPhysicalDeviceSubgroupSizeControlFeatures,
            &VkPhysicalDeviceSubgroupSizeControlFeatures::computeFullSubgroups>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
            [](VkPhysicalDeviceSubgroupSizeControlFeatures& f) {
                f.subgroupSizeControl = on;
                f.computeFullSubgroups = on;
            }),
        row<VkPhysicalDevice8BitStorageFeatures,
            &VkPhysicalDevice8BitStorageFeatures::storagePushConstant8>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES,
            [](VkPhysicalDevice8BitStorageFeatures& f) {
                f.storageBuffer8BitAccess = on;
                f.uniformAndStorageBuffer8BitAccess = on;
                f.storagePushConstant8 = on;
            }),
        row<VkPhysicalDeviceMaintenance6FeaturesKHR,
            &VkPhysicalDeviceMaintenance6FeaturesKHR::maintenance6>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_6_FEATURES_KHR,
            [](VkPhysicalDeviceMaintenance6FeaturesKHR& f) { f.maintenance6 = on; }),
        row<VkPhysicalDeviceShaderFloat16Int8Features,
            &VkPhysicalDeviceShaderFloat16Int8Features::shaderInt8>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
            [](VkPhysicalDeviceShaderFloat16Int8Features& f) {
                f.shaderFloat16 = on;
                f.shaderInt8 = on;
            }),
        row<VkPhysicalDeviceShaderIntegerDotProductFeatures,
            &VkPhysicalDeviceShaderIntegerDotProductFeatures::shaderIntegerDotProduct>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES,
            [](VkPhysicalDeviceShaderIntegerDotProductFeatures& f) {
                f.shaderIntegerDotProduct = on;
            }),
        row<VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures,
            &VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures::shaderSubgroupExtendedTypes>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES,
            [](VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures& f) {
                f.shaderSubgroupExtendedTypes = on;
            }),
        row<VkPhysicalDeviceShaderTerminateInvocationFeatures,
            &VkPhysicalDeviceShaderTerminateInvocationFeatures::shaderTerminateInvocation>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_TERMINATE_INVOCATION_FEATURES,
            [](VkPhysicalDeviceShaderTerminateInvocationFeatures& f) {
                f.shaderTerminateInvocation = on;
            }),
        row<VkPhysicalDeviceVulkanMemoryModelFeatures,
            &VkPhysicalDeviceVulkanMemoryModelFeatures::
                vulkanMemoryModelAvailabilityVisibilityChains>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
            [](VkPhysicalDeviceVulkanMemoryModelFeatures& f) {
                f.vulkanMemoryModel = on;
                f.vulkanMemoryModelDeviceScope = on;
                f.vulkanMemoryModelAvailabilityVisibilityChains = on;
            }),
        row<VkPhysicalDeviceZeroInitializeWorkgroupMemoryFeatures,
            &VkPhysicalDeviceZeroInitializeWorkgroupMemoryFeatures::
                shaderZeroInitializeWorkgroupMemory>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ZERO_INITIALIZE_WORKGROUP_MEMORY_FEATURES,
            [](VkPhysicalDeviceZeroInitializeWorkgroupMemoryFeatures& f) {
                f.shaderZeroInitializeWorkgroupMemory = on;
            }),
        row<VkPhysicalDeviceMultiDrawFeaturesEXT, &VkPhysicalDeviceMultiDrawFeaturesEXT::multiDraw>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTI_DRAW_FEATURES_EXT,
            [](VkPhysicalDeviceMultiDrawFeaturesEXT& f) { f.multiDraw = on; }),
        row<VkPhysicalDeviceNestedCommandBufferFeaturesEXT,
            &VkPhysicalDeviceNestedCommandBufferFeaturesEXT::nestedCommandBufferSimultaneousUse>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_NESTED_COMMAND_BUFFER_FEATURES_EXT,
            [](VkPhysicalDeviceNestedCommandBufferFeaturesEXT& f) {
                f.nestedCommandBuffer = f.nestedCommandBufferRendering =
                    f.nestedCommandBufferSimultaneousUse = on;
            }),
        row<VkPhysicalDeviceMaintenance8FeaturesKHR,
            &VkPhysicalDeviceMaintenance8FeaturesKHR::maintenance8>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_8_FEATURES_KHR,
            [](VkPhysicalDeviceMaintenance8FeaturesKHR& f) { f.maintenance8 = on; }),
    };
    return table;
}

const FeatureRow* find_row(VkStructureType type) {
    for (const auto& r : rows())
        if (r.type == type)
            return &r;
    return nullptr;
}

constexpr size_t kFirstBool = sizeof(VkBaseOutStructure);

bool subset(const VkBool32* asked, const VkBool32* offered, size_t n) {
    for (size_t i = 0; i < n; ++i)
        if (asked[i] && !offered[i])
            return false;
    return true;
}

} // namespace

VkPhysicalDeviceFeatures core_features() {
    VkPhysicalDeviceFeatures f{};
    f.robustBufferAccess = on;
    f.fullDrawIndexUint32 = on;
    f.imageCubeArray = on;
    f.independentBlend = on;
    f.dualSrcBlend = on;
    f.logicOp = on;
    f.multiDrawIndirect = on;
    f.drawIndirectFirstInstance = on;
    f.depthClamp = on;
    f.depthBiasClamp = on;
    f.fillModeNonSolid = on;
    f.depthBounds = on;
    f.wideLines = on;
    f.largePoints = on;
    f.alphaToOne = on;
    f.multiViewport = on;
    f.samplerAnisotropy = on;
    f.textureCompressionBC = on;
    f.occlusionQueryPrecise = on;
    f.vertexPipelineStoresAndAtomics = on;
    f.fragmentStoresAndAtomics = on;
    f.shaderImageGatherExtended = on;
    f.shaderStorageImageExtendedFormats = on;
    f.shaderStorageImageReadWithoutFormat = on;
    f.shaderStorageImageWriteWithoutFormat = on;
    f.shaderUniformBufferArrayDynamicIndexing = on;
    f.shaderSampledImageArrayDynamicIndexing = on;
    f.shaderStorageBufferArrayDynamicIndexing = on;
    f.shaderStorageImageArrayDynamicIndexing = on;
    f.shaderClipDistance = on;
    f.shaderCullDistance = on;
    f.shaderFloat64 = on;
    f.shaderInt64 = on;
    f.shaderInt16 = on;
    f.sampleRateShading = on;
    f.inheritedQueries = on;
    return f;
}

void fill_features(void* chain) {
    for (auto* s = static_cast<VkBaseOutStructure*>(chain); s; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2) {
            reinterpret_cast<VkPhysicalDeviceFeatures2*>(s)->features = core_features();
        } else if (const FeatureRow* r = find_row(s->sType)) {
            std::memset(reinterpret_cast<char*>(s) + kFirstBool, 0,
                        r->last_offset + sizeof(VkBool32) - kFirstBool);
            r->fill(s);
        }
    }
}

VkResult check_features(const VkDeviceCreateInfo& info) {
    constexpr size_t n = sizeof(VkPhysicalDeviceFeatures) / sizeof(VkBool32);
    VkPhysicalDeviceFeatures offered = core_features();
    auto core_ok = [&](const VkPhysicalDeviceFeatures& f) {
        return subset(reinterpret_cast<const VkBool32*>(&f),
                      reinterpret_cast<const VkBool32*>(&offered), n);
    };
    if (info.pEnabledFeatures && !core_ok(*info.pEnabledFeatures))
        return VK_ERROR_FEATURE_NOT_PRESENT;
    for (auto* s = static_cast<const VkBaseInStructure*>(info.pNext); s; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2) {
            if (!core_ok(reinterpret_cast<const VkPhysicalDeviceFeatures2*>(s)->features))
                return VK_ERROR_FEATURE_NOT_PRESENT;
        } else if (const FeatureRow* r = find_row(s->sType)) {
            alignas(16) char ours[512] = {};
            if (r->size > sizeof(ours))
                return VK_ERROR_FEATURE_NOT_PRESENT;
            r->fill(ours);
            size_t count = (r->last_offset - kFirstBool) / sizeof(VkBool32) + 1;
            if (!subset(reinterpret_cast<const VkBool32*>(reinterpret_cast<const char*>(s) +
                                                          kFirstBool),
                        reinterpret_cast<const VkBool32*>(ours + kFirstBool), count))
                return VK_ERROR_FEATURE_NOT_PRESENT;
        }
    }
    return VK_SUCCESS;
}

} // namespace kite::rt
