// SPDX-License-Identifier: MIT
#include "runtime/device/features.hpp"

#include "kite_hw/limits.hpp"
#include "runtime/kmd/budget.hpp"
#include "runtime/memory/device_memory.hpp"

#include <cstring>

namespace kite::rt {
namespace {

template <class T>
T* as(VkBaseOutStructure* s) {
    return reinterpret_cast<T*>(s);
}

constexpr VkSubgroupFeatureFlags kSubgroupOps =
    VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_VOTE_BIT |
    VK_SUBGROUP_FEATURE_ARITHMETIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT |
    VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT |
    VK_SUBGROUP_FEATURE_QUAD_BIT | VK_SUBGROUP_FEATURE_CLUSTERED_BIT |
    VK_SUBGROUP_FEATURE_ROTATE_BIT | VK_SUBGROUP_FEATURE_ROTATE_CLUSTERED_BIT;
constexpr VkShaderStageFlags kSubgroupStages =
    VK_SHADER_STAGE_ALL_GRAPHICS | VK_SHADER_STAGE_COMPUTE_BIT;
constexpr uint32_t kMaxDescriptors = 1u << 20;
constexpr VkDeviceSize kMaxAllocation = uint64_t{1} << 34;
constexpr VkDeviceSize kMaxBuffer = uint64_t{1} << 34;

void fill_ids(const PhysicalDevice& p, VkPhysicalDeviceIDProperties& o) {
    std::memcpy(o.deviceUUID, p.device_uuid, VK_UUID_SIZE);
    std::memcpy(o.driverUUID, p.driver_uuid, VK_UUID_SIZE);
    std::memset(o.deviceLUID, 0, VK_LUID_SIZE);
    o.deviceNodeMask = 0;
    o.deviceLUIDValid = VK_FALSE;
}

void fill_float_controls(VkPhysicalDeviceFloatControlsProperties& o) {
    o.denormBehaviorIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
    o.roundingModeIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
    VkBool32* first = &o.shaderSignedZeroInfNanPreserveFloat16;
    VkBool32* last = &o.shaderRoundingModeRTZFloat64;
    for (VkBool32* b = first; b <= last; ++b)
        *b = VK_FALSE;
    o.shaderSignedZeroInfNanPreserveFloat16 = o.shaderSignedZeroInfNanPreserveFloat32 =
        o.shaderSignedZeroInfNanPreserveFloat64 = VK_TRUE;
    o.shaderDenormPreserveFloat16 = o.shaderDenormPreserveFloat32 = o.shaderDenormPreserveFloat64 =
        VK_TRUE;
    o.shaderRoundingModeRTEFloat16 = o.shaderRoundingModeRTEFloat32 =
        o.shaderRoundingModeRTEFloat64 = VK_TRUE;
}

void fill_descriptor_indexing(VkPhysicalDeviceDescriptorIndexingProperties& o) {
    constexpr uint32_t many = 1u << 20;
    o.maxUpdateAfterBindDescriptorsInAllPools = many;
    o.shaderUniformBufferArrayNonUniformIndexingNative = VK_TRUE;
    o.shaderSampledImageArrayNonUniformIndexingNative = VK_TRUE;
    o.shaderStorageBufferArrayNonUniformIndexingNative = VK_TRUE;
    o.shaderStorageImageArrayNonUniformIndexingNative = VK_TRUE;
    o.shaderInputAttachmentArrayNonUniformIndexingNative = VK_TRUE;
    o.robustBufferAccessUpdateAfterBind = VK_TRUE;
    o.quadDivergentImplicitLod = VK_FALSE;
    o.maxPerStageDescriptorUpdateAfterBindSamplers = many;
    o.maxPerStageDescriptorUpdateAfterBindUniformBuffers = many;
    o.maxPerStageDescriptorUpdateAfterBindStorageBuffers = many;
    o.maxPerStageDescriptorUpdateAfterBindSampledImages = many;
    o.maxPerStageDescriptorUpdateAfterBindStorageImages = many;
    o.maxPerStageDescriptorUpdateAfterBindInputAttachments = many;
    o.maxPerStageUpdateAfterBindResources = many;
    o.maxDescriptorSetUpdateAfterBindSamplers = many;
    o.maxDescriptorSetUpdateAfterBindUniformBuffers = many;
    o.maxDescriptorSetUpdateAfterBindUniformBuffersDynamic = hw::limits::kMaxDynamicBuffers / 2;
    o.maxDescriptorSetUpdateAfterBindStorageBuffers = many;
    o.maxDescriptorSetUpdateAfterBindStorageBuffersDynamic = hw::limits::kMaxDynamicBuffers / 2;
    o.maxDescriptorSetUpdateAfterBindSampledImages = many;
    o.maxDescriptorSetUpdateAfterBindStorageImages = many;
    o.maxDescriptorSetUpdateAfterBindInputAttachments = many;
}

void copy_text(char* out, size_t room, const char* text) {
    std::memset(out, 0, room);
    std::strncpy(out, text, room - 1);
}

} // namespace

VkPhysicalDeviceLimits device_limits() {
    namespace L = hw::limits;
    VkPhysicalDeviceLimits l{};
    l.maxImageDimension1D = L::kMaxImageDim2d;
    l.maxImageDimension2D = L::kMaxImageDim2d;
    l.maxImageDimension3D = L::kMaxImageDim3d;
    l.maxImageDimensionCube = L::kMaxImageDim2d;
    l.maxImageArrayLayers = L::kMaxImageLayers;
    l.maxTexelBufferElements = 1u << 27;
    l.maxUniformBufferRange = 65536;
    l.maxStorageBufferRange = 0x7fffffffu;
    l.maxPushConstantsSize = L::kPushBytes;
    l.maxMemoryAllocationCount = 16384;
    l.maxSamplerAllocationCount = 1u << 20;
    l.bufferImageGranularity = 1;
    l.sparseAddressSpaceSize = 0;
    l.maxBoundDescriptorSets = L::kMaxSets;
    l.maxPerStageDescriptorSamplers = kMaxDescriptors;
    l.maxPerStageDescriptorUniformBuffers = kMaxDescriptors;
    l.maxPerStageDescriptorStorageBuffers = kMaxDescriptors;
    l.maxPerStageDescriptorSampledImages = kMaxDescriptors;
    l.maxPerStageDescriptorStorageImages = kMaxDescriptors;
    l.maxPerStageDescriptorInputAttachments = kMaxDescriptors;
    l.maxPerStageResources = kMaxDescriptors;
    l.maxDescriptorSetSamplers = kMaxDescriptors;
    l.maxDescriptorSetUniformBuffers = kMaxDescriptors;
    l.maxDescriptorSetUniformBuffersDynamic = L::kMaxDynamicBuffers / 2;
    l.maxDescriptorSetStorageBuffers = kMaxDescriptors;
    l.maxDescriptorSetStorageBuffersDynamic = L::kMaxDynamicBuffers / 2;
    l.maxDescriptorSetSampledImages = kMaxDescriptors;
    l.maxDescriptorSetStorageImages = kMaxDescriptors;
    l.maxDescriptorSetInputAttachments = kMaxDescriptors;
    l.maxVertexInputAttributes = L::kMaxVertexAttributes;
    l.maxVertexInputBindings = L::kMaxVertexBindings;
    l.maxVertexInputAttributeOffset = 2047;
    l.maxVertexInputBindingStride = 2048;
    l.maxVertexOutputComponents = L::kMaxVaryings;
    l.maxTessellationGenerationLevel = L::kMaxTessLevel;
    l.maxTessellationPatchSize = L::kMaxPatchVertices;
    l.maxTessellationControlPerVertexInputComponents = L::kMaxVaryings;
    l.maxTessellationControlPerVertexOutputComponents = L::kMaxVaryings;
    l.maxTessellationControlPerPatchOutputComponents = L::kMaxVaryings - 8;
    l.maxTessellationControlTotalOutputComponents =
        L::kMaxPatchVertices * L::kMaxVaryings + L::kMaxVaryings - 8;
    l.maxTessellationEvaluationInputComponents = L::kMaxVaryings;
    l.maxTessellationEvaluationOutputComponents = L::kMaxVaryings;
    l.maxGeometryShaderInvocations = L::kMaxGeometryInvocations;
    l.maxGeometryInputComponents = L::kMaxVaryings;
    l.maxGeometryOutputComponents = L::kMaxVaryings;
    l.maxGeometryOutputVertices = L::kMaxGeometryVertices;
    l.maxGeometryTotalOutputComponents = L::kMaxGeometryComponents;
    l.maxFragmentInputComponents = L::kMaxVaryings;
    l.maxFragmentOutputAttachments = L::kMaxRenderTargets;
    l.maxFragmentDualSrcAttachments = 1;
    l.maxFragmentCombinedOutputResources = 8192;
    l.maxComputeSharedMemorySize = L::kMaxSharedBytes;
    for (uint32_t& c : l.maxComputeWorkGroupCount)
        c = L::kMaxWorkgroupCount;
    l.maxComputeWorkGroupInvocations = L::kMaxWorkgroupInvocations;
    l.maxComputeWorkGroupSize[0] = l.maxComputeWorkGroupSize[1] = l.maxComputeWorkGroupSize[2] =
        L::kMaxWorkgroupInvocations;
    l.subPixelPrecisionBits = L::kSubPixelBits;
    l.subTexelPrecisionBits = 8;
    l.mipmapPrecisionBits = 8;
    l.maxDrawIndexedIndexValue = UINT32_MAX;
    l.maxDrawIndirectCount = UINT32_MAX;
    l.maxSamplerLodBias = 16.0f;
    l.maxSamplerAnisotropy = 16.0f;
    l.maxViewports = L::kMaxViewports;
    l.maxViewportDimensions[0] = l.maxViewportDimensions[1] = L::kMaxImageDim2d;
    l.viewportBoundsRange[0] = -32768.0f;
    l.viewportBoundsRange[1] = 32767.0f;
    l.viewportSubPixelBits = 0;
    l.minMemoryMapAlignment = 4096;
    l.minTexelBufferOffsetAlignment = 16;
    l.minUniformBufferOffsetAlignment = 16;
    l.minStorageBufferOffsetAlignment = 16;
    l.minTexelOffset = -8;
    l.maxTexelOffset = 7;
    l.minTexelGatherOffset = -32;
    l.maxTexelGatherOffset = 31;
    l.minInterpolationOffset = -0.5f;
    l.maxInterpolationOffset = 0.4375f;
    l.subPixelInterpolationOffsetBits = 4;
    l.maxFramebufferWidth = L::kMaxImageDim2d;
    l.maxFramebufferHeight = L::kMaxImageDim2d;
    l.maxFramebufferLayers = L::kMaxImageLayers;
    // The flag of n samples is n.
    constexpr VkSampleCountFlags all = 2 * L::kMaxSamples - 1;
    l.framebufferColorSampleCounts = all;
    l.framebufferDepthSampleCounts = all;
    l.framebufferStencilSampleCounts = all;
    l.framebufferNoAttachmentsSampleCounts = all;
    l.maxColorAttachments = L::kMaxRenderTargets;
    l.sampledImageColorSampleCounts = all;
    l.sampledImageIntegerSampleCounts = all;
    l.sampledImageDepthSampleCounts = all;
    l.sampledImageStencilSampleCounts = all;
    l.storageImageSampleCounts = VK_SAMPLE_COUNT_1_BIT;
    l.maxSampleMaskWords = 1;
    l.timestampComputeAndGraphics = VK_TRUE;
    l.timestampPeriod = static_cast<float>(L::kTimestampPeriodNs);
    l.maxClipDistances = L::kMaxClipDistances;
    l.maxCullDistances = L::kMaxClipDistances;
    l.maxCombinedClipAndCullDistances = L::kMaxClipDistances;
    l.discreteQueuePriorities = 2;
    l.pointSizeRange[0] = 1.0f;
    l.pointSizeRange[1] = static_cast<float>(L::kMaxPointSize);
    l.lineWidthRange[0] = 1.0f;
    l.lineWidthRange[1] = static_cast<float>(L::kMaxLineWidth);
    l.pointSizeGranularity = 1.0f / 16.0f;
    l.lineWidthGranularity = 1.0f / 16.0f;
    l.strictLines = VK_TRUE;
    l.standardSampleLocations = VK_TRUE;
    l.optimalBufferCopyOffsetAlignment = 64;
    l.optimalBufferCopyRowPitchAlignment = 64;
    l.nonCoherentAtomSize = 64;
    return l;
}

void fill_properties(const PhysicalDevice& p, void* chain) {
    uint32_t wave = p.facts.wave_size;
    for (auto* s = static_cast<VkBaseOutStructure*>(chain); s; s = s->pNext) {
        switch (static_cast<int>(s->sType)) {
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES:
            fill_ids(p, *as<VkPhysicalDeviceIDProperties>(s));
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceMaintenance3Properties>(s);
            o->maxPerSetDescriptors = 65536;
            o->maxMemoryAllocationSize = kMaxAllocation;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES:
            as<VkPhysicalDeviceMaintenance4Properties>(s)->maxBufferSize = kMaxBuffer;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTIVIEW_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceMultiviewProperties>(s);
            o->maxMultiviewViewCount = 6;
            o->maxMultiviewInstanceIndex = (1u << 27) - 1;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_POINT_CLIPPING_PROPERTIES:
            as<VkPhysicalDevicePointClippingProperties>(s)->pointClippingBehavior =
                VK_POINT_CLIPPING_BEHAVIOR_USER_CLIP_PLANES_ONLY;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROTECTED_MEMORY_PROPERTIES:
            as<VkPhysicalDeviceProtectedMemoryProperties>(s)->protectedNoFault = VK_FALSE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceSubgroupProperties>(s);
            o->subgroupSize = wave;
            o->supportedStages = kSubgroupStages;
            o->supportedOperations = kSubgroupOps;
            o->quadOperationsInAllStages = VK_TRUE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceVulkan11Properties>(s);
            VkPhysicalDeviceIDProperties ids{};
            fill_ids(p, ids);
            std::memcpy(o->deviceUUID, ids.deviceUUID, VK_UUID_SIZE);
            std::memcpy(o->driverUUID, ids.driverUUID, VK_UUID_SIZE);
            std::memset(o->deviceLUID, 0, VK_LUID_SIZE);
            o->deviceNodeMask = 0;
            o->deviceLUIDValid = VK_FALSE;
            o->subgroupSize = wave;
            o->subgroupSupportedStages = kSubgroupStages;
            o->subgroupSupportedOperations = kSubgroupOps;
            o->subgroupQuadOperationsInAllStages = VK_TRUE;
            o->pointClippingBehavior = VK_POINT_CLIPPING_BEHAVIOR_USER_CLIP_PLANES_ONLY;
            o->maxMultiviewViewCount = 6;
            o->maxMultiviewInstanceIndex = (1u << 27) - 1;
            o->protectedNoFault = VK_FALSE;
            o->maxPerSetDescriptors = 65536;
            o->maxMemoryAllocationSize = kMaxAllocation;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceDriverProperties>(s);
            o->driverID = static_cast<VkDriverId>(0);
            copy_text(o->driverName, VK_MAX_DRIVER_NAME_SIZE, "Kite");
            copy_text(o->driverInfo, VK_MAX_DRIVER_INFO_SIZE,
                      ("0.1 (" + p.facts.description + ")").c_str());
            o->conformanceVersion = {0, 0, 0, 0};
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR:
            as<VkPhysicalDevicePushDescriptorPropertiesKHR>(s)->maxPushDescriptors = 32;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_PROPERTIES:
            as<VkPhysicalDeviceTimelineSemaphoreProperties>(s)
                ->maxTimelineSemaphoreValueDifference = UINT64_MAX;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEPTH_STENCIL_RESOLVE_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceDepthStencilResolveProperties>(s);
            o->supportedDepthResolveModes = VK_RESOLVE_MODE_SAMPLE_ZERO_BIT |
                                            VK_RESOLVE_MODE_AVERAGE_BIT | VK_RESOLVE_MODE_MIN_BIT |
                                            VK_RESOLVE_MODE_MAX_BIT;
            o->supportedStencilResolveModes =
                VK_RESOLVE_MODE_SAMPLE_ZERO_BIT | VK_RESOLVE_MODE_MIN_BIT | VK_RESOLVE_MODE_MAX_BIT;
            o->independentResolveNone = VK_TRUE;
            o->independentResolve = VK_TRUE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES:
            fill_float_controls(*as<VkPhysicalDeviceFloatControlsProperties>(s));
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VERTEX_ATTRIBUTE_DIVISOR_PROPERTIES_EXT:
            as<VkPhysicalDeviceVertexAttributeDivisorPropertiesEXT>(s)->maxVertexAttribDivisor =
                UINT32_MAX - 1;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CUSTOM_BORDER_COLOR_PROPERTIES_EXT:
            as<VkPhysicalDeviceCustomBorderColorPropertiesEXT>(s)->maxCustomBorderColorSamplers =
                1u << 20;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_PROPERTIES:
            fill_descriptor_indexing(*as<VkPhysicalDeviceDescriptorIndexingProperties>(s));
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_INLINE_UNIFORM_BLOCK_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceInlineUniformBlockProperties>(s);
            o->maxInlineUniformBlockSize = 4096;
            o->maxPerStageDescriptorInlineUniformBlocks = 64;
            o->maxPerStageDescriptorUpdateAfterBindInlineUniformBlocks = 64;
            o->maxDescriptorSetInlineUniformBlocks = 256;
            o->maxDescriptorSetUpdateAfterBindInlineUniformBlocks = 256;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_6_PROPERTIES_KHR: {
            auto* o = as<VkPhysicalDeviceMaintenance6PropertiesKHR>(s);
            o->blockTexelViewCompatibleMultipleLayers = VK_TRUE;
            o->maxCombinedImageSamplerDescriptorCount = 1;
            o->fragmentShadingRateClampCombinerInputs = VK_FALSE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MULTI_DRAW_PROPERTIES_EXT:
            as<VkPhysicalDeviceMultiDrawPropertiesEXT>(s)->maxMultiDrawCount = 65536;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_NESTED_COMMAND_BUFFER_PROPERTIES_EXT:
            as<VkPhysicalDeviceNestedCommandBufferPropertiesEXT>(s)->maxCommandBufferNestingLevel =
                hw::limits::kMaxCallDepth - 1;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT:
            if (p.facts.pci) {
                auto* o = as<VkPhysicalDevicePCIBusInfoPropertiesEXT>(s);
                o->pciDomain = p.facts.pci->domain;
                o->pciBus = p.facts.pci->bus;
                o->pciDevice = p.facts.pci->device;
                o->pciFunction = p.facts.pci->function;
            }
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT:
            if (p.facts.drm) {
                auto* o = as<VkPhysicalDeviceDrmPropertiesEXT>(s);
                o->hasPrimary = p.facts.drm->has_primary;
                o->hasRender = VK_TRUE;
                o->primaryMajor = p.facts.drm->primary_major;
                o->primaryMinor = p.facts.drm->primary_minor;
                o->renderMajor = p.facts.drm->render_major;
                o->renderMinor = p.facts.drm->render_minor;
            }
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROVOKING_VERTEX_PROPERTIES_EXT: {
            auto* o = as<VkPhysicalDeviceProvokingVertexPropertiesEXT>(s);
            o->provokingVertexModePerPipeline = VK_TRUE;
            o->transformFeedbackPreservesTriangleFanProvokingVertex = VK_TRUE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_PROPERTIES_EXT: {
            auto* o = as<VkPhysicalDeviceRobustness2PropertiesEXT>(s);
            o->robustStorageBufferAccessSizeAlignment = 1;
            o->robustUniformBufferAccessSizeAlignment = 1;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_FILTER_MINMAX_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceSamplerFilterMinmaxProperties>(s);
            o->filterMinmaxSingleComponentFormats = VK_TRUE;
            o->filterMinmaxImageComponentMapping = VK_TRUE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES: {
            // Nothing is faster than its expansion.
            auto* o = as<VkPhysicalDeviceShaderIntegerDotProductProperties>(s);
            VkBool32* last =
                &o->integerDotProductAccumulatingSaturating64BitMixedSignednessAccelerated;
            for (VkBool32* b = &o->integerDotProduct8BitUnsignedAccelerated; b <= last; ++b)
                *b = VK_FALSE;
            break;
        }
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES: {
            auto* o = as<VkPhysicalDeviceSubgroupSizeControlProperties>(s);
            o->minSubgroupSize = o->maxSubgroupSize = wave;
            o->maxComputeWorkgroupSubgroups = hw::limits::kMaxWorkgroupInvocations / wave;
            o->requiredSubgroupSizeStages = VK_SHADER_STAGE_COMPUTE_BIT;
            break;
        }
        default:
            fill_extension_properties(p, s);
            break;
        }
    }
}

namespace vk {

void GetPhysicalDeviceProperties(VkPhysicalDevice physical, VkPhysicalDeviceProperties* out) {
    auto* p = PhysicalDevice::from(physical);
    *out = {};
    out->apiVersion = kApiVersion;
    out->driverVersion = kDriverVersion;
    out->vendorID = p->facts.vendor_id;
    out->deviceID = p->facts.device_id;
    out->deviceType = VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU;
    copy_text(out->deviceName, VK_MAX_PHYSICAL_DEVICE_NAME_SIZE, p->name.c_str());
    std::memcpy(out->pipelineCacheUUID, p->cache_uuid, VK_UUID_SIZE);
    out->limits = device_limits();
}

void GetPhysicalDeviceProperties2(VkPhysicalDevice physical, VkPhysicalDeviceProperties2* out) {
    GetPhysicalDeviceProperties(physical, &out->properties);
    fill_properties(*PhysicalDevice::from(physical), out->pNext);
}

void GetPhysicalDeviceFeatures(VkPhysicalDevice, VkPhysicalDeviceFeatures* out) {
    *out = core_features();
}

void GetPhysicalDeviceFeatures2(VkPhysicalDevice, VkPhysicalDeviceFeatures2* out) {
    fill_features(out);
}

void GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice, uint32_t* count,
                                            VkQueueFamilyProperties* out) {
    OutArray<VkQueueFamilyProperties> a(count, out);
    a.push(
        {VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT, 1, 64, {1, 1, 1}});
}

void GetPhysicalDeviceQueueFamilyProperties2(VkPhysicalDevice physical, uint32_t* count,
                                             VkQueueFamilyProperties2* out) {
    OutArray<VkQueueFamilyProperties2> a(count, out);
    if (auto* q = a.next()) {
        uint32_t one = 1;
        GetPhysicalDeviceQueueFamilyProperties(physical, &one, &q->queueFamilyProperties);
        fill_queue_family(q->pNext);
    }
}

void GetPhysicalDeviceMemoryProperties(VkPhysicalDevice physical,
                                       VkPhysicalDeviceMemoryProperties* out) {
    *out = PhysicalDevice::from(physical)->memory;
}

void GetPhysicalDeviceMemoryProperties2(VkPhysicalDevice physical,
                                        VkPhysicalDeviceMemoryProperties2* out) {
    GetPhysicalDeviceMemoryProperties(physical, &out->memoryProperties);
    auto* budget = find_mut<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(
        out->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    if (budget) {
        for (uint32_t i = 0; i < VK_MAX_MEMORY_HEAPS; ++i)
            budget->heapBudget[i] = budget->heapUsage[i] = 0;
        const kmd::MemoryLeft left = kmd::memory_left(PhysicalDevice::from(physical)->facts);
        for (uint32_t i = 0; i < out->memoryProperties.memoryHeapCount; ++i) {
            const VkMemoryHeap& heap = out->memoryProperties.memoryHeaps[i];
            const bool local = heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
            const uint64_t used = process_memory_used(i), more = local ? left.vram : left.system;
            budget->heapUsage[i] = used;
            budget->heapBudget[i] =
                more < heap.size - std::min(used, heap.size) ? used + more : heap.size;
        }
    }
}

VkResult GetPhysicalDeviceToolProperties(VkPhysicalDevice, uint32_t* count,
                                         VkPhysicalDeviceToolProperties*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceCalibrateableTimeDomainsKHR(VkPhysicalDevice, uint32_t* count,
                                                      VkTimeDomainKHR* out) {
    OutArray<VkTimeDomainKHR> a(count, out);
    a.push(VK_TIME_DOMAIN_DEVICE_KHR);
    a.push(VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR);
    a.push(VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR);
    return a.result();
}

} // namespace vk
} // namespace kite::rt
