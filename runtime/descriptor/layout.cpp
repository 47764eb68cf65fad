// SPDX-License-Identifier: MIT
#include "runtime/descriptor/layout.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

constexpr uint32_t align_up(uint32_t v, uint32_t a) {
    return (v + a - 1) / a * a;
}

cc::DescriptorKind kind_of(VkDescriptorType t) {
    using K = cc::DescriptorKind;
    switch (static_cast<int>(t)) {
    case VK_DESCRIPTOR_TYPE_SAMPLER:
        return K::sampler;
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
        return K::combined_image_sampler;
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
        return K::sampled_image;
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
        return K::storage_image;
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
        return K::uniform_texel_buffer;
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
        return K::storage_texel_buffer;
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
        return K::uniform_buffer;
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        return K::input_attachment;
    case VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
        return K::inline_uniform;
    case VK_DESCRIPTOR_TYPE_MUTABLE_EXT:
        return K::any;
    default:
        return K::storage_buffer;
    }
}

/// Size of a binding: a mutable one holds the largest of the types listed for it.
DescriptorSize binding_size(const VkDescriptorSetLayoutCreateInfo& info, uint32_t i) {
    VkDescriptorType type = info.pBindings[i].descriptorType;
    if (type != VK_DESCRIPTOR_TYPE_MUTABLE_EXT)
        return descriptor_size(type);
    auto* lists = find<VkMutableDescriptorTypeCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_MUTABLE_DESCRIPTOR_TYPE_CREATE_INFO_EXT);
    DescriptorSize size{0, 16};
    if (lists && i < lists->mutableDescriptorTypeListCount) {
        const auto& list = lists->pMutableDescriptorTypeLists[i];
        for (uint32_t k = 0; k < list.descriptorTypeCount; ++k) {
            DescriptorSize z = descriptor_size(list.pDescriptorTypes[k]);
            size = {std::max(size.stride, z.stride), std::max(size.align, z.align)};
        }
    }
    size.stride = align_up(size.stride, size.align);
    return size;
}

bool takes_samplers(VkDescriptorType t) {
    return t == VK_DESCRIPTOR_TYPE_SAMPLER || t == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
}

/// Largest count of the variable binding, 0 without one.
uint32_t variable_limit(const VkDescriptorSetLayoutCreateInfo& info) {
    auto* flags = find<VkDescriptorSetLayoutBindingFlagsCreateInfo>(
        info.pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);
    for (uint32_t i = 0; flags && i < info.bindingCount && i < flags->bindingCount; ++i)
        if (flags->pBindingFlags[i] & VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT)
            return info.pBindings[i].descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK
                       ? 4096
                       : 1u << 20;
    return 0;
}

} // namespace

bool is_dynamic(VkDescriptorType t) {
    return t == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC ||
           t == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC;
}

DescriptorSize descriptor_size(VkDescriptorType t) {
    switch (static_cast<int>(t)) {
    case VK_DESCRIPTOR_TYPE_SAMPLER:
        return {hw::SamplerDescriptor::kBytes, 32};
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
        return {192, 64};
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        return {hw::ImageDescriptor::kBytes, 64};
    case VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
        return {1, 16};
    case VK_DESCRIPTOR_TYPE_MUTABLE_EXT: // in a pool: whatever it may become
        return {192, 64};
    default:
        return {hw::BufferDescriptor::kBytes, 16};
    }
}

const BindingLayout* SetLayoutData::find(uint32_t binding) const {
    auto it = std::lower_bound(bindings.begin(), bindings.end(), binding,
                               [](const BindingLayout& b, uint32_t n) { return b.binding < n; });
    return it != bindings.end() && it->binding == binding ? &*it : nullptr;
}

SetLayoutData compute_layout(const VkDescriptorSetLayoutCreateInfo& info) {
    SetLayoutData s;
    s.push = (info.flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR) != 0;
    auto* flags = find<VkDescriptorSetLayoutBindingFlagsCreateInfo>(
        info.pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);
    for (uint32_t i = 0; i < info.bindingCount; ++i) {
        const VkDescriptorSetLayoutBinding& b = info.pBindings[i];
        BindingLayout out;
        out.binding = b.binding;
        out.type = b.descriptorType;
        out.count = b.descriptorCount;
        DescriptorSize size = binding_size(info, i);
        out.stride = size.stride;
        out.align = size.align;
        out.variable =
            flags && flags->bindingCount > i &&
            (flags->pBindingFlags[i] & VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT);
        if (takes_samplers(b.descriptorType) && b.pImmutableSamplers) {
            for (uint32_t j = 0; j < b.descriptorCount; ++j) {
                auto& words = out.immutable.emplace_back();
                const Sampler& sampler = *Sampler::from(b.pImmutableSamplers[j]);
                std::copy_n(sampler.words, words.size(), words.begin());
                if (sampler.ycbcr.planes) {
                    out.ycbcr.resize(b.descriptorCount);
                    out.ycbcr[j] = sampler.ycbcr;
                    out.stride = cc::kYcbcrDescriptorBytes;
                }
            }
        }
        s.bindings.push_back(std::move(out));
    }
    std::sort(s.bindings.begin(), s.bindings.end(),
              [](const BindingLayout& a, const BindingLayout& b) { return a.binding < b.binding; });
    for (BindingLayout& b : s.bindings) {
        s.size_bytes = align_up(s.size_bytes, b.align);
        b.offset = s.size_bytes;
        s.size_bytes += b.stride * b.count;
        if (is_dynamic(b.type)) {
            b.dynamic_index = s.dynamic_count;
            s.dynamic_count += b.count;
        }
    }
    s.size_bytes = align_up(s.size_bytes, 64);
    return s;
}

void fill_pipeline_layout(PipelineLayout& out, std::span<const VkDescriptorSetLayout> sets) {
    uint32_t dynamic = 0;
    for (uint32_t i = 0; i < sets.size(); ++i) {
        auto* s = DescriptorSetLayout::from(sets[i]);
        out.sets.push_back(s ? s->data : nullptr);
        out.dynamic_base.push_back(dynamic);
        if (!s)
            continue;
        for (const BindingLayout& b : s->data->bindings) {
            bool inline_block = b.type == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK;
            out.bindings.push_back({.set = i,
                                    .binding = b.binding,
                                    .kind = kind_of(b.type),
                                    .offset = b.offset,
                                    .stride = inline_block ? b.count : b.stride,
                                    .count = inline_block ? 1 : b.count,
                                    .dynamic = is_dynamic(b.type),
                                    .dynamic_index = dynamic + b.dynamic_index,
                                    .ycbcr = b.ycbcr});
        }
        dynamic += s->data->dynamic_count;
    }
}

namespace vk {

VkResult CreateDescriptorSetLayout(VkDevice device, const VkDescriptorSetLayoutCreateInfo* info,
                                   const VkAllocationCallbacks* callbacks,
                                   VkDescriptorSetLayout* out) {
    auto* d = Device::from(device);
    auto* l = d->make<DescriptorSetLayout>(callbacks);
    if (!l)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    l->data = std::make_shared<const SetLayoutData>(compute_layout(*info));
    *out = l->handle();
    return VK_SUCCESS;
}

void DestroyDescriptorSetLayout(VkDevice device, VkDescriptorSetLayout layout,
                                const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, DescriptorSetLayout::from(layout));
}

void GetDescriptorSetLayoutSupport(VkDevice, const VkDescriptorSetLayoutCreateInfo* info,
                                   VkDescriptorSetLayoutSupport* out) {
    uint64_t bytes = 0, count = 0;
    for (uint32_t i = 0; i < info->bindingCount; ++i) {
        const auto& b = info->pBindings[i];
        bytes += uint64_t{binding_size(*info, i).stride} * b.descriptorCount;
        count +=
            b.descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK ? 1 : b.descriptorCount;
    }
    out->supported = bytes < (uint64_t{1} << 30) && count <= (1u << 20);
    if (auto* v = find_mut<VkDescriptorSetVariableDescriptorCountLayoutSupport>(
            out->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_LAYOUT_SUPPORT))
        v->maxVariableDescriptorCount = variable_limit(*info);
}

VkResult CreatePipelineLayout(VkDevice device, const VkPipelineLayoutCreateInfo* info,
                              const VkAllocationCallbacks* callbacks, VkPipelineLayout* out) {
    auto* d = Device::from(device);
    auto* l = d->make<PipelineLayout>(callbacks);
    if (!l)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    fill_pipeline_layout(*l, {info->pSetLayouts, info->setLayoutCount});
    *out = l->handle();
    return VK_SUCCESS;
}

void DestroyPipelineLayout(VkDevice device, VkPipelineLayout layout,
                           const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, PipelineLayout::from(layout));
}

} // namespace vk
} // namespace kite::rt
