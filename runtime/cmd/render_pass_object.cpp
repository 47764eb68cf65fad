// SPDX-License-Identifier: MIT
#include "runtime/cmd/render_pass_object.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

void note_use(RenderPass& rp, uint32_t attachment, uint32_t subpass) {
    if (attachment == VK_ATTACHMENT_UNUSED || attachment >= rp.attachments.size())
        return;
    PassAttachment& a = rp.attachments[attachment];
    rp.subpasses[subpass].uses.push_back(attachment);
    a.last_use = std::max(a.last_use, subpass);
}

template <class Desc>
PassAttachment attachment_of(const Desc& d) {
    PassAttachment a;
    a.format = format_of(d.format);
    a.samples = static_cast<uint32_t>(d.samples);
    a.load = d.loadOp;
    a.store = d.storeOp;
    a.stencil_load = d.stencilLoadOp;
    a.stencil_store = d.stencilStoreOp;
    return a;
}

template <class Desc>
Subpass subpass_of(const Desc& d) {
    Subpass s;
    for (uint32_t i = 0; i < d.colorAttachmentCount; ++i) {
        s.colors.push_back(d.pColorAttachments[i].attachment);
        if (d.pResolveAttachments)
            s.resolves.push_back(d.pResolveAttachments[i].attachment);
    }
    if (d.pDepthStencilAttachment)
        s.depth_stencil = d.pDepthStencilAttachment->attachment;
    return s;
}

void note_uses(RenderPass& rp, const uint32_t* inputs, size_t input_count, uint32_t index) {
    const Subpass s = rp.subpasses[index]; // a copy: its uses grow
    for (uint32_t a : s.colors)
        note_use(rp, a, index);
    for (uint32_t a : s.resolves)
        note_use(rp, a, index);
    note_use(rp, s.depth_stencil, index);
    note_use(rp, s.depth_resolve, index);
    for (size_t i = 0; i < input_count; ++i)
        note_use(rp, inputs[i], index);
}

template <class Ref>
std::vector<uint32_t> inputs_of(const Ref* refs, uint32_t count) {
    std::vector<uint32_t> v;
    for (uint32_t i = 0; i < count; ++i)
        v.push_back(refs[i].attachment);
    return v;
}

} // namespace

namespace vk {

VkResult CreateRenderPass(VkDevice device, const VkRenderPassCreateInfo* info,
                          const VkAllocationCallbacks* callbacks, VkRenderPass* out) {
    auto* d = Device::from(device);
    auto* rp = d->make<RenderPass>(callbacks);
    if (!rp)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    auto* mv = find<VkRenderPassMultiviewCreateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO);
    for (uint32_t i = 0; i < info->attachmentCount; ++i)
        rp->attachments.push_back(attachment_of(info->pAttachments[i]));
    for (uint32_t i = 0; i < info->subpassCount; ++i) {
        const auto& sd = info->pSubpasses[i];
        Subpass s = subpass_of(sd);
        if (mv && i < mv->subpassCount)
            s.view_mask = mv->pViewMasks[i];
        rp->subpasses.push_back(std::move(s));
        auto in = inputs_of(sd.pInputAttachments, sd.inputAttachmentCount);
        note_uses(*rp, in.data(), in.size(), i);
    }
    *out = rp->handle();
    return VK_SUCCESS;
}

VkResult CreateRenderPass2(VkDevice device, const VkRenderPassCreateInfo2* info,
                           const VkAllocationCallbacks* callbacks, VkRenderPass* out) {
    auto* d = Device::from(device);
    auto* rp = d->make<RenderPass>(callbacks);
    if (!rp)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < info->attachmentCount; ++i)
        rp->attachments.push_back(attachment_of(info->pAttachments[i]));
    for (uint32_t i = 0; i < info->subpassCount; ++i) {
        const auto& sd = info->pSubpasses[i];
        Subpass s = subpass_of(sd);
        s.view_mask = sd.viewMask;
        if (auto* r = find<VkSubpassDescriptionDepthStencilResolve>(
                sd.pNext, VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_DEPTH_STENCIL_RESOLVE);
            r && r->pDepthStencilResolveAttachment) {
            s.depth_resolve = r->pDepthStencilResolveAttachment->attachment;
            s.depth_mode = r->depthResolveMode;
            s.stencil_mode = r->stencilResolveMode;
        }
        rp->subpasses.push_back(std::move(s));
        auto in = inputs_of(sd.pInputAttachments, sd.inputAttachmentCount);
        note_uses(*rp, in.data(), in.size(), i);
    }
    *out = rp->handle();
    return VK_SUCCESS;
}

void DestroyRenderPass(VkDevice device, VkRenderPass pass, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, RenderPass::from(pass));
}

void GetRenderAreaGranularity(VkDevice, VkRenderPass, VkExtent2D* out) {
    *out = {1, 1};
}

void GetRenderingAreaGranularity(VkDevice, const VkRenderingAreaInfo*, VkExtent2D* out) {
    *out = {1, 1};
}

VkResult CreateFramebuffer(VkDevice device, const VkFramebufferCreateInfo* info,
                           const VkAllocationCallbacks* callbacks, VkFramebuffer* out) {
    auto* d = Device::from(device);
    auto* fb = d->make<Framebuffer>(callbacks);
    if (!fb)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (!(info->flags & VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT))
        for (uint32_t i = 0; i < info->attachmentCount; ++i)
            fb->views.push_back(ImageView::from(info->pAttachments[i]));
    fb->width = info->width;
    fb->height = info->height;
    fb->layers = info->layers;
    *out = fb->handle();
    return VK_SUCCESS;
}

void DestroyFramebuffer(VkDevice device, VkFramebuffer fb, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Framebuffer::from(fb));
}

} // namespace vk
} // namespace kite::rt
