// SPDX-License-Identifier: MIT
#include "runtime/descriptor/set.hpp"

#include "runtime/resource/buffer.hpp"
#include "runtime/resource/image.hpp"

#include <algorithm>
#include <cstring>

namespace kite::rt {
namespace {

/// Walks array elements from (binding, element), running over into the following bindings as Vulkan
/// asks.
class Cursor {
public:
    Cursor(const SetStorage& s, uint32_t binding, uint32_t element)
        : s_(s), at_(s.layout->find(binding)), element_(element) {
        settle();
    }
    [[nodiscard]] const BindingLayout* binding() const { return at_; }
    [[nodiscard]] std::byte* memory() const {
        return s_.host + at_->offset + uint64_t{element_} * at_->stride;
    }
    [[nodiscard]] uint32_t element() const { return element_; }
    void next() {
        ++element_;
        settle();
    }

private:
    void settle() {
        const BindingLayout* end = s_.layout->bindings.data() + s_.layout->bindings.size();
        while (at_ && element_ >= at_->count) {
            element_ -= at_->count;
            ++at_;
            if (at_ == end)
                at_ = nullptr;
        }
    }
    const SetStorage& s_;
    const BindingLayout* at_;
    uint32_t element_;
};

void write_image(std::byte* out, VkImageView view) {
    if (auto* v = ImageView::from(view))
        std::memcpy(out, v->words, hw::ImageDescriptor::kBytes);
    else
        std::memset(out, 0, hw::ImageDescriptor::kBytes);
}

void write_sampler(std::byte* out, VkSampler sampler) {
    if (auto* s = Sampler::from(sampler))
        std::memcpy(out, s->words, hw::SamplerDescriptor::kBytes);
}

/// One descriptor from the application's structure for the type written; that is the binding's
/// unless the binding is mutable.
void write_one(const SetStorage& s, const Cursor& c, VkDescriptorType written, const void* src) {
    const BindingLayout& b = *c.binding();
    std::byte* out = c.memory();
    const bool any = b.type == VK_DESCRIPTOR_TYPE_MUTABLE_EXT;
    if (any && descriptor_size(written).stride > b.stride)
        return;
    switch (static_cast<int>(any ? written : b.type)) {
    case VK_DESCRIPTOR_TYPE_SAMPLER:
        if (b.immutable.empty())
            write_sampler(out, static_cast<const VkDescriptorImageInfo*>(src)->sampler);
        break;
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER: {
        auto* i = static_cast<const VkDescriptorImageInfo*>(src);
        write_image(out, i->imageView);
        if (b.immutable.empty())
            write_sampler(out + cc::kCombinedSamplerOffset, i->sampler);
        if (auto* v = ImageView::from(i->imageView); v && !b.ycbcr.empty())
            for (uint32_t k = 0; k < std::size(v->chroma_words); ++k)
                std::memcpy(out + cc::kYcbcrPlaneOffset[k], v->chroma_words[k],
                            hw::ImageDescriptor::kBytes);
        break;
    }
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
        if (auto* v = ImageView::from(static_cast<const VkDescriptorImageInfo*>(src)->imageView))
            std::memcpy(out, v->storage_words, hw::ImageDescriptor::kBytes);
        else
            write_image(out, VK_NULL_HANDLE);
        break;
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        write_image(out, static_cast<const VkDescriptorImageInfo*>(src)->imageView);
        break;
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER: {
        uint32_t words[hw::ImageDescriptor::kDwords] = {};
        if (auto* v = BufferView::from(*static_cast<const VkBufferView*>(src)))
            v->desc.pack(words);
        std::memcpy(out, words, sizeof(words));
        break;
    }
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
    case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
    case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC: {
        auto* i = static_cast<const VkDescriptorBufferInfo*>(src);
        hw::BufferDescriptor d = describe_buffer(Buffer::from(i->buffer), i->offset, i->range);
        uint32_t words[hw::BufferDescriptor::kDwords];
        d.pack(words);
        std::memcpy(out, words, sizeof(words));
        if (is_dynamic(b.type))
            s.dynamic[b.dynamic_index + c.element()] = d;
        break;
    }
    default:
        break;
    }
}

void copy_descriptors(const VkCopyDescriptorSet& copy) {
    SetStorage ss = DescriptorSet::from(copy.srcSet)->storage();
    SetStorage ds = DescriptorSet::from(copy.dstSet)->storage();
    const BindingLayout* sb = ss.layout->find(copy.srcBinding);
    const BindingLayout* db = ds.layout->find(copy.dstBinding);
    if (!sb || !db)
        return;
    if (sb->type == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
        std::memcpy(ds.host + db->offset + copy.dstArrayElement,
                    ss.host + sb->offset + copy.srcArrayElement, copy.descriptorCount);
        return;
    }
    Cursor from(ss, copy.srcBinding, copy.srcArrayElement);
    Cursor to(ds, copy.dstBinding, copy.dstArrayElement);
    for (uint32_t i = 0; i < copy.descriptorCount && from.binding() && to.binding();
         ++i, from.next(), to.next()) {
        uint32_t n = std::min(from.binding()->stride, to.binding()->stride);
        if (from.binding()->type == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER &&
            !to.binding()->immutable.empty())
            n = hw::ImageDescriptor::kBytes;
        std::memcpy(to.memory(), from.memory(), n);
        if (!from.binding()->ycbcr.empty() && !to.binding()->ycbcr.empty())
            std::memcpy(to.memory() + cc::kYcbcrPlaneOffset[0],
                        from.memory() + cc::kYcbcrPlaneOffset[0],
                        cc::kYcbcrDescriptorBytes - cc::kYcbcrPlaneOffset[0]);
        if (is_dynamic(from.binding()->type))
            ds.dynamic[to.binding()->dynamic_index + to.element()] =
                ss.dynamic[from.binding()->dynamic_index + from.element()];
    }
}

const void* write_source(const VkWriteDescriptorSet& w, uint32_t i) {
    switch (static_cast<int>(w.descriptorType)) {
    case VK_DESCRIPTOR_TYPE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
    case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
    case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
    case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
        return &w.pImageInfo[i];
    case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
    case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
        return &w.pTexelBufferView[i];
    default:
        return &w.pBufferInfo[i];
    }
}

} // namespace

void write_immutable_samplers(const SetStorage& s) {
    for (const BindingLayout& b : s.layout->bindings) {
        uint32_t skip =
            b.type == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER ? cc::kCombinedSamplerOffset : 0;
        for (size_t i = 0; i < b.immutable.size(); ++i)
            std::memcpy(s.host + b.offset + i * b.stride + skip, b.immutable[i].data(),
                        hw::SamplerDescriptor::kBytes);
    }
}

void write_descriptors(const SetStorage& s, const VkWriteDescriptorSet& w) {
    if (w.descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
        auto* data = find<VkWriteDescriptorSetInlineUniformBlock>(
            w.pNext, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK);
        const BindingLayout* b = s.layout->find(w.dstBinding);
        if (data && b)
            std::memcpy(s.host + b->offset + w.dstArrayElement, data->pData, data->dataSize);
        return;
    }
    Cursor c(s, w.dstBinding, w.dstArrayElement);
    for (uint32_t i = 0; i < w.descriptorCount && c.binding(); ++i, c.next())
        write_one(s, c, w.descriptorType, write_source(w, i));
}

void write_template(const SetStorage& s, const DescriptorUpdateTemplate& t, const void* data) {
    for (const auto& e : t.entries) {
        const char* src = static_cast<const char*>(data) + e.offset;
        if (e.descriptorType == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
            if (const BindingLayout* b = s.layout->find(e.dstBinding))
                std::memcpy(s.host + b->offset + e.dstArrayElement, src, e.descriptorCount);
            continue;
        }
        Cursor c(s, e.dstBinding, e.dstArrayElement);
        for (uint32_t i = 0; i < e.descriptorCount && c.binding(); ++i, c.next())
            write_one(s, c, e.descriptorType, src + i * e.stride);
    }
}

void DescriptorPool::reset() {
    for (auto& s : sets)
        device->heap->release(s->own);
    sets.clear();
    holes.clear();
    used = 0;
}

VkResult DescriptorPool::allocate(std::shared_ptr<const SetLayoutData> layout,
                                  uint32_t variable_count, DescriptorSet** out) {
    if (sets.size() >= max_sets)
        return VK_ERROR_OUT_OF_POOL_MEMORY;
    auto set = std::make_unique<DescriptorSet>();
    set->pool = this;
    uint64_t size = layout->size_bytes;
    if (!layout->bindings.empty() && layout->bindings.back().variable) {
        const BindingLayout& b = layout->bindings.back();
        size = (b.offset + uint64_t{b.stride} * variable_count + 63) / 64 * 64;
    }
    set->dynamic.resize(layout->dynamic_count);
    set->layout = std::move(layout);
    set->size_bytes = size;
    if (size > 0) {
        uint64_t at = UINT64_MAX;
        for (size_t i = 0; i < holes.size() && at == UINT64_MAX; ++i) {
            if (holes[i].second >= size) {
                at = holes[i].first;
                holes[i].first += size;
                holes[i].second -= size;
                if (holes[i].second == 0)
                    holes.erase(holes.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (at == UINT64_MAX && memory && memory.size_bytes - used >= size) {
            at = used;
            used += size;
        }
        if (at != UINT64_MAX) {
            set->address = memory.address + at;
            set->host = static_cast<std::byte*>(memory.host) + at;
        } else {
            auto piece = device->heap->allocate(size);
            if (!piece)
                return VK_ERROR_OUT_OF_POOL_MEMORY;
            set->own = *piece;
            set->address = piece->address;
            set->host = static_cast<std::byte*>(piece->host);
        }
        std::memset(set->host, 0, size);
        write_immutable_samplers(set->storage());
    }
    *out = set.get();
    set->index = sets.size();
    sets.push_back(std::move(set));
    return VK_SUCCESS;
}

void DescriptorPool::free_set(DescriptorSet* set) {
    if (!set)
        return;
    if (set->own)
        device->heap->release(set->own);
    else if (set->size_bytes)
        holes.emplace_back(set->address - memory.address, set->size_bytes);
    size_t at = set->index;
    std::swap(sets[at], sets.back());
    sets[at]->index = at;
    sets.pop_back();
}

namespace vk {

VkResult CreateDescriptorPool(VkDevice device, const VkDescriptorPoolCreateInfo* info,
                              const VkAllocationCallbacks* callbacks, VkDescriptorPool* out) {
    auto* d = Device::from(device);
    auto* p = d->make<DescriptorPool>(callbacks);
    if (!p)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    p->device = d;
    p->max_sets = info->maxSets;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < info->poolSizeCount; ++i) {
        DescriptorSize z = descriptor_size(info->pPoolSizes[i].type);
        bytes += uint64_t{z.stride} * info->pPoolSizes[i].descriptorCount;
    }
    // Padding between bindings of different alignment; sets that don't fit get memory of their own.
    bytes += uint64_t{info->maxSets} * 64;
    auto piece = d->heap->allocate(std::min<uint64_t>(bytes, 64u << 20));
    if (!piece) {
        d->drop(callbacks, p);
        return d->report(piece.error());
    }
    p->memory = *piece;
    *out = p->handle();
    return VK_SUCCESS;
}

void DestroyDescriptorPool(VkDevice device, VkDescriptorPool pool,
                           const VkAllocationCallbacks* callbacks) {
    auto* d = Device::from(device);
    if (auto* p = DescriptorPool::from(pool)) {
        p->reset();
        d->heap->release(p->memory);
        d->drop(callbacks, p);
    }
}

VkResult ResetDescriptorPool(VkDevice, VkDescriptorPool pool, VkDescriptorPoolResetFlags) {
    DescriptorPool::from(pool)->reset();
    return VK_SUCCESS;
}

VkResult AllocateDescriptorSets(VkDevice, const VkDescriptorSetAllocateInfo* info,
                                VkDescriptorSet* out) {
    auto* pool = DescriptorPool::from(info->descriptorPool);
    auto* counts = find<VkDescriptorSetVariableDescriptorCountAllocateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO);
    for (uint32_t i = 0; i < info->descriptorSetCount; ++i) {
        uint32_t variable =
            counts && i < counts->descriptorSetCount ? counts->pDescriptorCounts[i] : 0;
        DescriptorSet* set = nullptr;
        VkResult r =
            pool->allocate(DescriptorSetLayout::from(info->pSetLayouts[i])->data, variable, &set);
        if (r != VK_SUCCESS) {
            for (uint32_t j = 0; j < info->descriptorSetCount; ++j) {
                if (j < i)
                    pool->free_set(DescriptorSet::from(out[j]));
                out[j] = VK_NULL_HANDLE;
            }
            return r;
        }
        out[i] = set->handle();
    }
    return VK_SUCCESS;
}

VkResult FreeDescriptorSets(VkDevice, VkDescriptorPool pool, uint32_t count,
                            const VkDescriptorSet* sets) {
    for (uint32_t i = 0; i < count; ++i)
        DescriptorPool::from(pool)->free_set(DescriptorSet::from(sets[i]));
    return VK_SUCCESS;
}

void UpdateDescriptorSets(VkDevice, uint32_t write_count, const VkWriteDescriptorSet* writes,
                          uint32_t copy_count, const VkCopyDescriptorSet* copies) {
    for (uint32_t i = 0; i < write_count; ++i)
        write_descriptors(DescriptorSet::from(writes[i].dstSet)->storage(), writes[i]);
    for (uint32_t i = 0; i < copy_count; ++i)
        copy_descriptors(copies[i]);
}

VkResult CreateDescriptorUpdateTemplate(VkDevice device,
                                        const VkDescriptorUpdateTemplateCreateInfo* info,
                                        const VkAllocationCallbacks* callbacks,
                                        VkDescriptorUpdateTemplate* out) {
    auto* d = Device::from(device);
    auto* t = d->make<DescriptorUpdateTemplate>(callbacks);
    if (!t)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    t->entries.assign(info->pDescriptorUpdateEntries,
                      info->pDescriptorUpdateEntries + info->descriptorUpdateEntryCount);
    t->bind_point = info->pipelineBindPoint;
    t->set = info->set;
    *out = t->handle();
    return VK_SUCCESS;
}

void DestroyDescriptorUpdateTemplate(VkDevice device, VkDescriptorUpdateTemplate t,
                                     const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, DescriptorUpdateTemplate::from(t));
}

void UpdateDescriptorSetWithTemplate(VkDevice, VkDescriptorSet set, VkDescriptorUpdateTemplate t,
                                     const void* data) {
    write_template(DescriptorSet::from(set)->storage(), *DescriptorUpdateTemplate::from(t), data);
}

} // namespace vk
} // namespace kite::rt
