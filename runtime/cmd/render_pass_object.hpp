// SPDX-License-Identifier: MIT
// VkRenderPass and VkFramebuffer as data; cmd/render_pass.cpp lowers them to rendering scopes.
//
// Version 1 create infos are converted to version 2 first. Ownership: the application. Threading:
// immutable. Failure: out of host memory.
#pragma once

#include "runtime/resource/image.hpp"

namespace kite::rt {

/// An attachment of a render pass.
struct PassAttachment {
    const hw::FormatInfo* format = nullptr; ///< format
    uint32_t samples = 1;                   ///< samples
    VkAttachmentLoadOp load{};              ///< colour or depth
    VkAttachmentStoreOp store{};            ///< colour or depth
    VkAttachmentLoadOp stencil_load{};      ///< stencil
    VkAttachmentStoreOp stencil_store{};    ///< stencil
    uint32_t last_use = 0;                  ///< last one
};

/// A subpass.
struct Subpass {
    std::vector<uint32_t> colors;                            ///< attachment or VK_ATTACHMENT_UNUSED
    std::vector<uint32_t> resolves;                          ///< same size as colors, or empty
    uint32_t depth_stencil = VK_ATTACHMENT_UNUSED;           ///< attachment
    uint32_t depth_resolve = VK_ATTACHMENT_UNUSED;           ///< attachment
    VkResolveModeFlagBits depth_mode = VK_RESOLVE_MODE_NONE; ///< depth resolve
    VkResolveModeFlagBits stencil_mode = VK_RESOLVE_MODE_NONE; ///< stencil resolve
    uint32_t view_mask = 0;                                    ///< multiview
    std::vector<uint32_t> uses;                                ///< every attachment it uses
};

/// VkRenderPass.
struct RenderPass : Object<RenderPass, VkRenderPass> {
    std::vector<PassAttachment> attachments; ///< attachments
    std::vector<Subpass> subpasses;          ///< subpasses
};

/// VkFramebuffer.
struct Framebuffer : Object<Framebuffer, VkFramebuffer> {
    std::vector<ImageView*> views; ///< empty if imageless
    uint32_t width = 0;            ///< pixels
    uint32_t height = 0;           ///< pixels
    uint32_t layers = 1;           ///< layers
};

} // namespace kite::rt
