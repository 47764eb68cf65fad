// SPDX-License-Identifier: MIT
// Properties of core versions 1.2 and 1.3, which repeat those of the extensions they took up, and
// of the smaller extensions.
#include "kite_hw/limits.hpp"
#include "runtime/device/features.hpp"
#include "runtime/device/newer_api.hpp"

#include <cstring>

namespace kite::rt {
namespace {

template <class T>
T* as(VkBaseOutStructure* s) {
    return reinterpret_cast<T*>(s);
}

/// The properties of one structure.
template <class T>
T ask(const PhysicalDevice& p, VkStructureType type) {
    T out{};
    out.sType = type;
    fill_properties(p, &out);
    return out;
}

/// Copies the members from `first` to `last` of an extension's structure; a core version lists them
/// in the same order.
template <class First, class Last>
void copy_members(First& to, const First& first, const Last& last) {
    const char* begin = reinterpret_cast<const char*>(&first);
    const char* end = reinterpret_cast<const char*>(&last) + sizeof(Last);
    std::memcpy(reinterpret_cast<char*>(&to), begin, static_cast<size_t>(end - begin));
}

void fill_1_2(const PhysicalDevice& p, VkPhysicalDeviceVulkan12Properties& o) {
    auto driver = ask<VkPhysicalDeviceDriverProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    copy_members(o.driverID, driver.driverID, driver.conformanceVersion);
    auto floats = ask<VkPhysicalDeviceFloatControlsProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES);
    copy_members(o.denormBehaviorIndependence, floats.denormBehaviorIndependence,
                 floats.shaderRoundingModeRTZFloat64);
    auto indexing = ask<VkPhysicalDeviceDescriptorIndexingProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_PROPERTIES);
    copy_members(o.maxUpdateAfterBindDescriptorsInAllPools,
                 indexing.maxUpdateAfterBindDescriptorsInAllPools,
                 indexing.maxDescriptorSetUpdateAfterBindInputAttachments);
    auto resolve = ask<VkPhysicalDeviceDepthStencilResolveProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEPTH_STENCIL_RESOLVE_PROPERTIES);
    copy_members(o.supportedDepthResolveModes, resolve.supportedDepthResolveModes,
                 resolve.independentResolve);
    auto minmax = ask<VkPhysicalDeviceSamplerFilterMinmaxProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_FILTER_MINMAX_PROPERTIES);
    copy_members(o.filterMinmaxSingleComponentFormats, minmax.filterMinmaxSingleComponentFormats,
                 minmax.filterMinmaxImageComponentMapping);
    o.maxTimelineSemaphoreValueDifference =
        ask<VkPhysicalDeviceTimelineSemaphoreProperties>(
            p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_PROPERTIES)
            .maxTimelineSemaphoreValueDifference;
    o.framebufferIntegerColorSampleCounts = device_limits().framebufferColorSampleCounts;
}

void fill_1_3(const PhysicalDevice& p, VkPhysicalDeviceVulkan13Properties& o) {
    auto wave = ask<VkPhysicalDeviceSubgroupSizeControlProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
    copy_members(o.minSubgroupSize, wave.minSubgroupSize, wave.requiredSubgroupSizeStages);
    auto blocks = ask<VkPhysicalDeviceInlineUniformBlockProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_INLINE_UNIFORM_BLOCK_PROPERTIES);
    copy_members(o.maxInlineUniformBlockSize, blocks.maxInlineUniformBlockSize,
                 blocks.maxDescriptorSetUpdateAfterBindInlineUniformBlocks);
    o.maxInlineUniformTotalSize = 65536;
    auto dot = ask<VkPhysicalDeviceShaderIntegerDotProductProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES);
    copy_members(o.integerDotProduct8BitUnsignedAccelerated,
                 dot.integerDotProduct8BitUnsignedAccelerated,
                 dot.integerDotProductAccumulatingSaturating64BitMixedSignednessAccelerated);
    auto texel = ask<VkPhysicalDeviceTexelBufferAlignmentProperties>(
        p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TEXEL_BUFFER_ALIGNMENT_PROPERTIES);
    copy_members(o.storageTexelBufferOffsetAlignmentBytes,
                 texel.storageTexelBufferOffsetAlignmentBytes,
                 texel.uniformTexelBufferOffsetSingleTexelAlignment);
    o.maxBufferSize = ask<VkPhysicalDeviceMaintenance4Properties>(
                          p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES)
                          .maxBufferSize;
}

void fill_maintenance7(VkPhysicalDeviceMaintenance7PropertiesKHR& o) {
    constexpr uint32_t half = hw::limits::kMaxDynamicBuffers / 2;
    o.robustFragmentShadingRateAttachmentAccess = VK_FALSE;
    o.separateDepthStencilAttachmentAccess = VK_TRUE;
    o.maxDescriptorSetTotalUniformBuffersDynamic = half;
    o.maxDescriptorSetTotalStorageBuffersDynamic = half;
    o.maxDescriptorSetTotalBuffersDynamic = 2 * half;
    o.maxDescriptorSetUpdateAfterBindTotalUniformBuffersDynamic = half;
    o.maxDescriptorSetUpdateAfterBindTotalStorageBuffersDynamic = half;
    o.maxDescriptorSetUpdateAfterBindTotalBuffersDynamic = 2 * half;
}

void fill_host_copy(const PhysicalDevice& p, VkPhysicalDeviceHostImageCopyProperties& o) {
    // The host reads and writes images in every layout: layouts mean nothing here.
    static constexpr VkImageLayout kLayouts[] = {
        VK_IMAGE_LAYOUT_GENERAL,
        VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
        VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL,
        VK_IMAGE_LAYOUT_DEPTH_STENCIL_READ_ONLY_OPTIMAL,
        VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
        VK_IMAGE_LAYOUT_PREINITIALIZED,
        VK_IMAGE_LAYOUT_DEPTH_READ_ONLY_STENCIL_ATTACHMENT_OPTIMAL,
        VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_STENCIL_READ_ONLY_OPTIMAL,
        VK_IMAGE_LAYOUT_READ_ONLY_OPTIMAL,
        VK_IMAGE_LAYOUT_ATTACHMENT_OPTIMAL,
    };
    OutArray<VkImageLayout> from(&o.copySrcLayoutCount, o.pCopySrcLayouts);
    OutArray<VkImageLayout> to(&o.copyDstLayoutCount, o.pCopyDstLayouts);
    for (VkImageLayout l : kLayouts) {
        from.push(l);
        to.push(l);
    }
    (void)from.result();
    (void)to.result();
    std::memcpy(o.optimalTilingLayoutUUID, p.cache_uuid, VK_UUID_SIZE);
    o.identicalMemoryTypeRequirements = VK_FALSE; // memory that the host can't map is left out
}

} // namespace

void fill_queue_family(void* chain) {
    if (auto* o = find_mut<VkQueueFamilyGlobalPriorityProperties>(
            chain, VK_STRUCTURE_TYPE_QUEUE_FAMILY_GLOBAL_PRIORITY_PROPERTIES)) {
        o->priorityCount = 2;
        o->priorities[0] = VK_QUEUE_GLOBAL_PRIORITY_LOW;
        o->priorities[1] = VK_QUEUE_GLOBAL_PRIORITY_MEDIUM;
    }
    if (auto* o = find_mut<VkQueueFamilyOwnershipTransferPropertiesKHR>(
            chain, VK_STRUCTURE_TYPE_QUEUE_FAMILY_OWNERSHIP_TRANSFER_PROPERTIES_KHR))
        o->optimalImageTransferToQueueFamilies = 1;
}

void fill_extension_properties(const PhysicalDevice& p, VkBaseOutStructure* s) {
    switch (static_cast<int>(s->sType)) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES:
        fill_1_2(p, *as<VkPhysicalDeviceVulkan12Properties>(s));
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES:
        fill_1_3(p, *as<VkPhysicalDeviceVulkan13Properties>(s));
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TEXEL_BUFFER_ALIGNMENT_PROPERTIES: {
        auto* o = as<VkPhysicalDeviceTexelBufferAlignmentProperties>(s);
        o->storageTexelBufferOffsetAlignmentBytes = o->uniformTexelBufferOffsetAlignmentBytes = 16;
        o->storageTexelBufferOffsetSingleTexelAlignment =
            o->uniformTexelBufferOffsetSingleTexelAlignment = VK_TRUE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_5_PROPERTIES: {
        auto* o = as<VkPhysicalDeviceMaintenance5Properties>(s);
        o->earlyFragmentMultisampleCoverageAfterSampleCounting = VK_TRUE;
        o->earlyFragmentSampleMaskTestBeforeSampleCounting = VK_FALSE;
        o->depthStencilSwizzleOneSupport = VK_TRUE;
        o->polygonModePointSize = VK_TRUE;
        o->nonStrictSinglePixelWideLinesUseParallelogram = VK_FALSE;
        o->nonStrictWideLinesUseParallelogram = VK_FALSE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_IMAGE_COPY_PROPERTIES:
        fill_host_copy(p, *as<VkPhysicalDeviceHostImageCopyProperties>(s));
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_OBJECT_PROPERTIES_EXT: {
        auto* o = as<VkPhysicalDeviceShaderObjectPropertiesEXT>(s);
        std::memcpy(o->shaderBinaryUUID, p.cache_uuid, VK_UUID_SIZE);
        o->shaderBinaryVersion = 1;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTENDED_DYNAMIC_STATE_3_PROPERTIES_EXT:
        as<VkPhysicalDeviceExtendedDynamicState3PropertiesEXT>(s)
            ->dynamicPrimitiveTopologyUnrestricted = VK_TRUE;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_LINE_RASTERIZATION_PROPERTIES:
        as<VkPhysicalDeviceLineRasterizationProperties>(s)->lineSubPixelPrecisionBits =
            hw::limits::kSubPixelBits;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_7_PROPERTIES_KHR:
        fill_maintenance7(*as<VkPhysicalDeviceMaintenance7PropertiesKHR>(s));
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_9_PROPERTIES_KHR: {
        auto* o = as<VkPhysicalDeviceMaintenance9PropertiesKHR>(s);
        o->image2DViewOf3DSparse = VK_FALSE;
        o->defaultVertexAttributeValue = 1;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_ROBUSTNESS_PROPERTIES: {
        auto* o = as<VkPhysicalDevicePipelineRobustnessProperties>(s);
        o->defaultRobustnessStorageBuffers = o->defaultRobustnessUniformBuffers =
            VK_PIPELINE_ROBUSTNESS_BUFFER_BEHAVIOR_ROBUST_BUFFER_ACCESS;
        o->defaultRobustnessVertexInputs =
            VK_PIPELINE_ROBUSTNESS_BUFFER_BEHAVIOR_ROBUST_BUFFER_ACCESS_2;
        o->defaultRobustnessImages = VK_PIPELINE_ROBUSTNESS_IMAGE_BEHAVIOR_ROBUST_IMAGE_ACCESS_2;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GRAPHICS_PIPELINE_LIBRARY_PROPERTIES_EXT: {
        // Every stage is compiled by itself.
        auto* o = as<VkPhysicalDeviceGraphicsPipelineLibraryPropertiesEXT>(s);
        o->graphicsPipelineLibraryFastLinking = VK_TRUE;
        o->graphicsPipelineLibraryIndependentInterpolationDecoration = VK_TRUE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_PROPERTIES_EXT: {
        auto* o = as<VkPhysicalDeviceTransformFeedbackPropertiesEXT>(s);
        o->maxTransformFeedbackStreams = hw::limits::kMaxStreams;
        o->maxTransformFeedbackBuffers = hw::limits::kMaxCaptureBuffers;
        o->maxTransformFeedbackBufferSize = UINT32_MAX;
        o->maxTransformFeedbackStreamDataSize = hw::limits::kMaxVaryings * 4;
        o->maxTransformFeedbackBufferDataSize = hw::limits::kMaxVaryings * 4;
        o->maxTransformFeedbackBufferDataStride = hw::limits::kMaxCaptureStride;
        o->transformFeedbackQueries = VK_TRUE;
        o->transformFeedbackStreamsLinesTriangles = VK_TRUE;
        o->transformFeedbackRasterizationStreamSelect = VK_TRUE;
        o->transformFeedbackDraw = VK_TRUE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VERTEX_ATTRIBUTE_DIVISOR_PROPERTIES: {
        auto* o = as<VkPhysicalDeviceVertexAttributeDivisorProperties>(s);
        o->maxVertexAttribDivisor = UINT32_MAX - 1;
        o->supportsNonZeroFirstInstance = VK_TRUE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BLEND_OPERATION_ADVANCED_PROPERTIES_EXT: {
        auto* o = as<VkPhysicalDeviceBlendOperationAdvancedPropertiesEXT>(s);
        o->advancedBlendMaxColorAttachments = hw::limits::kMaxRenderTargets;
        o->advancedBlendIndependentBlend = VK_TRUE;
        o->advancedBlendNonPremultipliedSrcColor = VK_TRUE;
        o->advancedBlendNonPremultipliedDstColor = VK_TRUE;
        o->advancedBlendCorrelatedOverlap = VK_TRUE;
        o->advancedBlendAllOperations = VK_TRUE;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_LEGACY_VERTEX_ATTRIBUTES_PROPERTIES_EXT:
        as<VkPhysicalDeviceLegacyVertexAttributesPropertiesEXT>(s)->nativeUnalignedPerformance =
            VK_TRUE;
        break;
    default:
        break;
    }
}

} // namespace kite::rt
