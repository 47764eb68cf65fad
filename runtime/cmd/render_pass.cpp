// SPDX-License-Identifier: MIT
// Render passes and dynamic rendering, lowered to BeginRendering/EndRendering scopes.
//
// A subpass is one scope. An attachment's load operation happens in the first subpass that uses it
// (view by view with multiview), its store operation in the last; in between it is loaded and
// stored. Scopes of a pass are separated by Barriers, which cover every subpass dependency.
#include "runtime/cmd/command_buffer.hpp"

#include <algorithm>
#include <bit>

namespace kite::rt {
namespace {

hw::LoadOp load_op(VkAttachmentLoadOp op) {
    switch (op) {
    case VK_ATTACHMENT_LOAD_OP_LOAD:
        return hw::LoadOp::load;
    case VK_ATTACHMENT_LOAD_OP_CLEAR:
        return hw::LoadOp::clear;
    case VK_ATTACHMENT_LOAD_OP_DONT_CARE:
        return hw::LoadOp::dont_care;
    default:
        return hw::LoadOp::none;
    }
}

hw::StoreOp store_op(VkAttachmentStoreOp op) {
    switch (op) {
    case VK_ATTACHMENT_STORE_OP_STORE:
        return hw::StoreOp::store;
    case VK_ATTACHMENT_STORE_OP_DONT_CARE:
        return hw::StoreOp::dont_care;
    default:
        return hw::StoreOp::none;
    }
}

/// Colour resolves average unless the format is an integer.
hw::ResolveMode color_resolve(const ImageView& v) {
    return v.format->is_integer() ? hw::ResolveMode::sample_zero : hw::ResolveMode::average;
}

struct Ops {
    hw::LoadOp load;
    hw::StoreOp store;
};

hw::Attachment attachment(const ImageView& v, VkImageAspectFlags aspect, Ops ops,
                          const VkClearValue& clear) {
    hw::Attachment a;
    a.present = true;
    a.load_op = ops.load;
    a.store_op = ops.store;
    if (aspect == VK_IMAGE_ASPECT_COLOR_BIT)
        std::copy_n(clear.color.uint32, 4, a.clear.begin());
    else if (aspect == VK_IMAGE_ASPECT_DEPTH_BIT)
        a.clear[0] = std::bit_cast<uint32_t>(clear.depthStencil.depth);
    else
        a.clear[0] = clear.depthStencil.stencil;
    a.surface.image = v.attachment(aspect);
    return a;
}

void set_resolve(hw::Attachment& a, hw::ResolveMode mode, const ImageView* target,
                 VkImageAspectFlags aspect) {
    if (!target || mode == hw::ResolveMode::none)
        return;
    a.resolve_mode = mode;
    a.resolve.image = target->attachment(aspect);
}

uint32_t views_of(const Subpass& s) {
    return s.view_mask == 0 ? 1 : s.view_mask;
}

/// The views of the subpass in which the attachment was not used before.
uint32_t fresh_views(const ScopeState& s, uint32_t index) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < s.subpass; ++i) {
        const Subpass& earlier = s.pass->subpasses[i];
        if (std::ranges::contains(earlier.uses, index))
            seen |= views_of(earlier);
    }
    return views_of(s.pass->subpasses[s.subpass]) & ~seen;
}

Ops pass_ops(const ScopeState& s, uint32_t index, bool stencil) {
    const PassAttachment& pa = s.pass->attachments[index];
    Ops o{hw::LoadOp::load, hw::StoreOp::store};
    if (fresh_views(s, index) == views_of(s.pass->subpasses[s.subpass]))
        o.load = load_op(stencil ? pa.stencil_load : pa.load);
    if (pa.last_use == s.subpass)
        o.store = store_op(stencil ? pa.stencil_store : pa.store);
    return o;
}

/// Views of the same image in one pass that appear twice are not a case we must handle: the
/// attachment index decides.
ImageView* view_at(const ScopeState& s, uint32_t index) {
    return index == VK_ATTACHMENT_UNUSED || index >= s.views.size() ? nullptr : s.views[index];
}

VkClearValue clear_at(const ScopeState& s, uint32_t index) {
    return index < s.clears.size() ? s.clears[index] : VkClearValue{};
}

uint32_t scope_layers(uint32_t layers, uint32_t view_mask) {
    return std::max(layers, static_cast<uint32_t>(std::bit_width(view_mask)));
}

} // namespace

void CommandBuffer::begin_subpass() {
    const Subpass& sp = scope.pass->subpasses[scope.subpass];
    scope.view_mask = sp.view_mask;
    hw::BeginRenderingPacket p;
    p.area = to_hw(scope.area);
    p.layers = scope_layers(scope.framebuffer->layers, sp.view_mask);
    p.view_mask = sp.view_mask;
    p.samples = 1;
    std::vector<hw::Attachment> colors(sp.colors.size());
    bool any = false;
    for (size_t i = 0; i < sp.colors.size(); ++i) {
        uint32_t index = sp.colors[i];
        ImageView* v = view_at(scope, index);
        if (!v)
            continue;
        any = true;
        p.samples = v->image->samples;
        colors[i] = attachment(*v, VK_IMAGE_ASPECT_COLOR_BIT, pass_ops(scope, index, false),
                               clear_at(scope, index));
        if (i < sp.resolves.size())
            if (ImageView* r = view_at(scope, sp.resolves[i]))
                set_resolve(colors[i], color_resolve(*v), r, VK_IMAGE_ASPECT_COLOR_BIT);
    }
    if (ImageView* v = view_at(scope, sp.depth_stencil)) {
        any = true;
        p.samples = v->image->samples;
        ImageView* r = view_at(scope, sp.depth_resolve);
        VkClearValue clear = clear_at(scope, sp.depth_stencil);
        if (v->image->format->depth) {
            p.depth = attachment(*v, VK_IMAGE_ASPECT_DEPTH_BIT,
                                 pass_ops(scope, sp.depth_stencil, false), clear);
            set_resolve(p.depth, static_cast<hw::ResolveMode>(sp.depth_mode), r,
                        VK_IMAGE_ASPECT_DEPTH_BIT);
        }
        if (v->image->format->stencil) {
            p.stencil = attachment(*v, VK_IMAGE_ASPECT_STENCIL_BIT,
                                   pass_ops(scope, sp.depth_stencil, true), clear);
            set_resolve(p.stencil, static_cast<hw::ResolveMode>(sp.stencil_mode), r,
                        VK_IMAGE_ASPECT_STENCIL_BIT);
        }
    }
    if (!any)
        p.samples = 0;
    open_scope(p, colors);
    for (uint32_t i = 0; i < colors.size(); ++i)
        clear_fresh_views(hw::Aspect::color, i, sp.colors[i], colors[i]);
    clear_fresh_views(hw::Aspect::depth, 0, sp.depth_stencil, p.depth);
    clear_fresh_views(hw::Aspect::stencil, 0, sp.depth_stencil, p.stencil);
}

void CommandBuffer::clear_fresh_views(hw::Aspect aspect, uint32_t number, uint32_t index,
                                      const hw::Attachment& a) {
    if (!a.present || !view_at(scope, index))
        return;
    const PassAttachment& pa = scope.pass->attachments[index];
    const VkAttachmentLoadOp load = aspect == hw::Aspect::stencil ? pa.stencil_load : pa.load;
    const uint32_t fresh = fresh_views(scope, index);
    if (load != VK_ATTACHMENT_LOAD_OP_CLEAR || a.load_op == hw::LoadOp::clear)
        return;
    for (uint32_t view = 0; view < 32; ++view) {
        if (fresh >> view & 1)
            out.emit(hw::ClearAttachmentPacket{.aspect = aspect,
                                               .index = number,
                                               .rect = to_hw(scope.area),
                                               .base_layer = view,
                                               .layer_count = 1,
                                               .value = a.clear});
    }
}

void CommandBuffer::open_scope(const hw::BeginRenderingPacket& p,
                               const std::vector<hw::Attachment>& colors) {
    if (p.samples == 0) {
        scope.deferred = true;
        scope.begin = p;
        return;
    }
    uint32_t* w = out.emit_array(p, static_cast<uint32_t>(colors.size()));
    for (uint32_t i = 0; i < colors.size(); ++i)
        hw::BeginRenderingPacket::pack_element(w, i, colors[i]);
    scope.open = true;
}

void CommandBuffer::begin_deferred(uint32_t samples) {
    if (!scope.deferred)
        return;
    scope.deferred = false;
    scope.begin.samples = std::max(1u, samples);
    open_scope(scope.begin, {});
}

void CommandBuffer::end_scope() {
    if (scope.open)
        out.emit(hw::EndRenderingPacket{});
    scope.open = scope.deferred = false;
}

namespace vk {

void CmdBeginRenderPass2(VkCommandBuffer buffer, const VkRenderPassBeginInfo* info,
                         const VkSubpassBeginInfo*) {
    CommandBuffer& c = buffer_of(buffer);
    ScopeState& s = c.scope;
    s = {};
    s.pass = RenderPass::from(info->renderPass);
    s.framebuffer = Framebuffer::from(info->framebuffer);
    s.area = info->renderArea;
    s.views = s.framebuffer->views;
    if (auto* a = find<VkRenderPassAttachmentBeginInfo>(
            info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO);
        a && a->attachmentCount != 0) {
        s.views.clear();
        for (uint32_t i = 0; i < a->attachmentCount; ++i)
            s.views.push_back(ImageView::from(a->pAttachments[i]));
    }
    s.clears.assign(info->pClearValues, info->pClearValues + info->clearValueCount);
    c.out.barrier();
    c.begin_subpass();
}

void CmdBeginRenderPass(VkCommandBuffer buffer, const VkRenderPassBeginInfo* info,
                        VkSubpassContents) {
    CmdBeginRenderPass2(buffer, info, nullptr);
}

void CmdNextSubpass2(VkCommandBuffer buffer, const VkSubpassBeginInfo*, const VkSubpassEndInfo*) {
    CommandBuffer& c = buffer_of(buffer);
    c.end_scope();
    c.out.barrier();
    if (c.scope.subpass + 1 >= c.scope.pass->subpasses.size())
        return;
    ++c.scope.subpass;
    c.begin_subpass();
}

void CmdNextSubpass(VkCommandBuffer buffer, VkSubpassContents) {
    CmdNextSubpass2(buffer, nullptr, nullptr);
}

void CmdEndRenderPass2(VkCommandBuffer buffer, const VkSubpassEndInfo*) {
    CommandBuffer& c = buffer_of(buffer);
    c.end_scope();
    c.out.barrier();
    c.scope = {};
}

void CmdEndRenderPass(VkCommandBuffer buffer) {
    CmdEndRenderPass2(buffer, nullptr);
}

void CmdBeginRendering(VkCommandBuffer buffer, const VkRenderingInfo* info) {
    CommandBuffer& c = buffer_of(buffer);
    bool suspend = (info->flags & VK_RENDERING_SUSPENDING_BIT) != 0;
    bool resume = (info->flags & VK_RENDERING_RESUMING_BIT) != 0;
    hw::BeginRenderingPacket p;
    p.area = to_hw(info->renderArea);
    p.layers = scope_layers(info->layerCount, info->viewMask);
    p.view_mask = info->viewMask;
    p.samples = 0;
    auto make = [&](const VkRenderingAttachmentInfo* a,
                    VkImageAspectFlags aspect) -> hw::Attachment {
        auto* v = a ? ImageView::from(a->imageView) : nullptr;
        if (!v)
            return {};
        p.samples = v->image->samples;
        // A suspended scope is closed and reopened: its contents survive in memory.
        Ops ops{resume ? hw::LoadOp::load : load_op(a->loadOp),
                suspend ? hw::StoreOp::store : store_op(a->storeOp)};
        hw::Attachment out = attachment(*v, aspect, ops, a->clearValue);
        if (!suspend && a->resolveMode != VK_RESOLVE_MODE_NONE)
            set_resolve(out, static_cast<hw::ResolveMode>(a->resolveMode),
                        ImageView::from(a->resolveImageView), aspect);
        return out;
    };
    std::vector<hw::Attachment> colors;
    for (uint32_t i = 0; i < info->colorAttachmentCount; ++i)
        colors.push_back(make(&info->pColorAttachments[i], VK_IMAGE_ASPECT_COLOR_BIT));
    p.depth = make(info->pDepthAttachment, VK_IMAGE_ASPECT_DEPTH_BIT);
    p.stencil = make(info->pStencilAttachment, VK_IMAGE_ASPECT_STENCIL_BIT);
    c.scope = {};
    c.scope.view_mask = info->viewMask;
    c.scope.area = info->renderArea;
    c.open_scope(p, colors);
}

void CmdEndRendering(VkCommandBuffer buffer) {
    CommandBuffer& c = buffer_of(buffer);
    c.end_scope();
    c.scope = {};
}

void CmdClearAttachments(VkCommandBuffer buffer, uint32_t count,
                         const VkClearAttachment* attachments, uint32_t rect_count,
                         const VkClearRect* rects) {
    CommandBuffer& c = buffer_of(buffer);
    if (c.scope.deferred)
        return;
    auto clear = [&](hw::Aspect aspect, uint32_t index, const VkClearRect& r,
                     const std::array<uint32_t, 4>& value) {
        hw::ClearAttachmentPacket p;
        p.aspect = aspect;
        p.index = index;
        p.rect = to_hw(r.rect);
        p.base_layer = r.baseArrayLayer;
        p.layer_count = r.layerCount;
        p.value = value;
        if (c.scope.view_mask == 0) {
            c.out.emit(p);
            return;
        }
        // With multiview the rectangle is cleared in every view.
        for (uint32_t view = 0; view < 32; ++view) {
            if (!(c.scope.view_mask >> view & 1))
                continue;
            p.base_layer = view;
            p.layer_count = 1;
            c.out.emit(p);
        }
    };
    for (uint32_t i = 0; i < count; ++i) {
        const VkClearAttachment& a = attachments[i];
        for (uint32_t j = 0; j < rect_count; ++j) {
            const auto& v = a.clearValue;
            if (a.aspectMask & VK_IMAGE_ASPECT_COLOR_BIT)
                clear(hw::Aspect::color, a.colorAttachment, rects[j],
                      {v.color.uint32[0], v.color.uint32[1], v.color.uint32[2], v.color.uint32[3]});
            if (a.aspectMask & VK_IMAGE_ASPECT_DEPTH_BIT)
                clear(hw::Aspect::depth, 0, rects[j],
                      {std::bit_cast<uint32_t>(v.depthStencil.depth)});
            if (a.aspectMask & VK_IMAGE_ASPECT_STENCIL_BIT)
                clear(hw::Aspect::stencil, 0, rects[j], {v.depthStencil.stencil});
        }
    }
}

} // namespace vk
} // namespace kite::rt
