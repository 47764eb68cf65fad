// SPDX-License-Identifier: MIT
#include "runtime/device/features.hpp"

#include "runtime/device/feature_table.hpp"

#include <cstring>

namespace kite::rt {
namespace {

constexpr VkBool32 on = VK_TRUE;

const FeatureRow* find_row(VkStructureType type) {
    for (const auto& r : feature_rows())
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
    f.geometryShader = on;
    f.tessellationShader = on;
    f.shaderTessellationAndGeometryPointSize = on;
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
    f.shaderResourceMinLod = on;
    f.pipelineStatisticsQuery = on;
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
