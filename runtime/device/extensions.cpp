// SPDX-License-Identifier: MIT
#include "runtime/device/extensions.hpp"

#include "runtime/object/object.hpp"

#include <cstring>

namespace kite::rt {
namespace {

constexpr ExtensionRow kInstance[] = {
    {"VK_EXT_acquire_drm_display", 1},
    {"VK_EXT_direct_mode_display", 1},
    {"VK_EXT_headless_surface", 1},
    {"VK_EXT_surface_maintenance1", 1},
    {"VK_KHR_device_group_creation", 1},
    {"VK_KHR_display", 23},
    {"VK_KHR_external_fence_capabilities", 1},
    {"VK_KHR_external_memory_capabilities", 1},
    {"VK_KHR_external_semaphore_capabilities", 1},
    {"VK_KHR_get_display_properties2", 1},
    {"VK_KHR_get_physical_device_properties2", 2},
    {"VK_KHR_get_surface_capabilities2", 1},
    {"VK_KHR_surface", 25},
    {"VK_KHR_wayland_surface", 6},
    {"VK_KHR_xcb_surface", 6},
    {"VK_KHR_xlib_surface", 6},
};

constexpr ExtensionRow kDevice[] = {
    {"VK_ARM_rasterization_order_attachment_access", 1},
    {"VK_EXT_4444_formats", 1},
    {"VK_EXT_attachment_feedback_loop_dynamic_state", 1},
    {"VK_EXT_attachment_feedback_loop_layout", 2},
    {"VK_EXT_blend_operation_advanced", 2},
    {"VK_EXT_border_color_swizzle", 1},
    {"VK_EXT_calibrated_timestamps", 2},
    {"VK_EXT_color_write_enable", 1},
    {"VK_EXT_conditional_rendering", 2},
    {"VK_EXT_custom_border_color", 12},
    {"VK_EXT_depth_bias_control", 1},
    {"VK_EXT_depth_clamp_zero_one", 1},
    {"VK_EXT_depth_clip_control", 1},
    {"VK_EXT_depth_clip_enable", 1},
    {"VK_EXT_depth_range_unrestricted", 1},
    {"VK_EXT_descriptor_indexing", 2},
    {"VK_EXT_dynamic_rendering_unused_attachments", 1},
    {"VK_EXT_extended_dynamic_state", 1},
    {"VK_EXT_extended_dynamic_state2", 1},
    {"VK_EXT_extended_dynamic_state3", 2},
    {"VK_EXT_external_memory_dma_buf", 1, Needs::dma_buf},
    {"VK_EXT_fragment_shader_interlock", 1},
    {"VK_EXT_global_priority", 2},
    {"VK_EXT_global_priority_query", 1},
    {"VK_EXT_graphics_pipeline_library", 1},
    {"VK_EXT_host_image_copy", 1},
    {"VK_EXT_host_query_reset", 1},
    {"VK_EXT_image_2d_view_of_3d", 1},
    {"VK_EXT_image_drm_format_modifier", 2, Needs::dma_buf},
    {"VK_EXT_image_robustness", 1},
    {"VK_EXT_image_sliced_view_of_3d", 1},
    {"VK_EXT_image_view_min_lod", 1},
    {"VK_EXT_index_type_uint8", 1},
    {"VK_EXT_inline_uniform_block", 1},
    {"VK_EXT_legacy_vertex_attributes", 1},
    {"VK_EXT_line_rasterization", 1},
    {"VK_EXT_load_store_op_none", 1},
    {"VK_EXT_memory_budget", 1},
    {"VK_EXT_memory_priority", 1},
    {"VK_EXT_multi_draw", 1},
    {"VK_EXT_mutable_descriptor_type", 1},
    {"VK_EXT_nested_command_buffer", 1},
    {"VK_EXT_non_seamless_cube_map", 1},
    {"VK_EXT_pageable_device_local_memory", 1},
    {"VK_EXT_pci_bus_info", 2, Needs::pci},
    {"VK_EXT_physical_device_drm", 1, Needs::drm_node},
    {"VK_EXT_pipeline_creation_cache_control", 3},
    {"VK_EXT_pipeline_creation_feedback", 1},
    {"VK_EXT_pipeline_protected_access", 1},
    {"VK_EXT_pipeline_robustness", 1},
    {"VK_EXT_primitive_topology_list_restart", 1},
    {"VK_EXT_primitives_generated_query", 1},
    {"VK_EXT_private_data", 1},
    {"VK_EXT_provoking_vertex", 1},
    {"VK_EXT_queue_family_foreign", 1, Needs::dma_buf},
    {"VK_EXT_rasterization_order_attachment_access", 1},
    {"VK_EXT_robustness2", 1},
    {"VK_EXT_sampler_filter_minmax", 2},
    {"VK_EXT_scalar_block_layout", 1},
    {"VK_EXT_separate_stencil_usage", 1},
    {"VK_EXT_shader_atomic_float", 1},
    {"VK_EXT_shader_demote_to_helper_invocation", 1},
    {"VK_EXT_shader_image_atomic_int64", 1},
    {"VK_EXT_shader_object", 1},
    {"VK_EXT_shader_replicated_composites", 1},
    {"VK_EXT_shader_stencil_export", 1},
    {"VK_EXT_shader_subgroup_ballot", 1},
    {"VK_EXT_shader_subgroup_vote", 1},
    {"VK_EXT_shader_viewport_index_layer", 1},
    {"VK_EXT_subgroup_size_control", 2},
    {"VK_EXT_swapchain_maintenance1", 1},
    {"VK_EXT_texel_buffer_alignment", 1},
    {"VK_EXT_tooling_info", 1},
    {"VK_EXT_transform_feedback", 1},
    {"VK_EXT_vertex_attribute_divisor", 3},
    {"VK_EXT_vertex_input_dynamic_state", 2},
    {"VK_EXT_zero_initialize_device_memory", 1},
    {"VK_KHR_16bit_storage", 1},
    {"VK_KHR_8bit_storage", 1},
    {"VK_KHR_bind_memory2", 1},
    {"VK_KHR_buffer_device_address", 1},
    {"VK_KHR_calibrated_timestamps", 1},
    {"VK_KHR_copy_commands2", 1},
    {"VK_KHR_create_renderpass2", 1},
    {"VK_KHR_dedicated_allocation", 3},
    {"VK_KHR_depth_clamp_zero_one", 1},
    {"VK_KHR_depth_stencil_resolve", 1},
    {"VK_KHR_descriptor_update_template", 1},
    {"VK_KHR_device_group", 4},
    {"VK_KHR_draw_indirect_count", 1},
    {"VK_KHR_driver_properties", 1},
    {"VK_KHR_dynamic_rendering", 1},
    {"VK_KHR_dynamic_rendering_local_read", 1},
    {"VK_KHR_external_fence", 1},
    {"VK_KHR_external_fence_fd", 1, Needs::sync_fds},
    {"VK_KHR_external_memory", 1},
    {"VK_KHR_external_memory_fd", 1},
    {"VK_KHR_external_semaphore", 1},
    {"VK_KHR_external_semaphore_fd", 1, Needs::sync_fds},
    {"VK_KHR_format_feature_flags2", 2},
    {"VK_KHR_get_memory_requirements2", 1},
    {"VK_KHR_global_priority", 1},
    {"VK_KHR_image_format_list", 1},
    {"VK_KHR_imageless_framebuffer", 1},
    {"VK_KHR_index_type_uint8", 1},
    {"VK_KHR_line_rasterization", 1},
    {"VK_KHR_load_store_op_none", 1},
    {"VK_KHR_maintenance1", 2},
    {"VK_KHR_maintenance2", 1},
    {"VK_KHR_maintenance3", 1},
    {"VK_KHR_maintenance4", 2},
    {"VK_KHR_maintenance5", 1},
    {"VK_KHR_maintenance6", 1},
    {"VK_KHR_maintenance7", 1},
    {"VK_KHR_maintenance8", 1},
    {"VK_KHR_maintenance9", 1},
    {"VK_KHR_map_memory2", 1},
    {"VK_KHR_multiview", 1},
    {"VK_KHR_pipeline_library", 1},
    {"VK_KHR_present_id", 1},
    {"VK_KHR_present_wait", 1},
    {"VK_KHR_push_descriptor", 2},
    {"VK_KHR_relaxed_block_layout", 1},
    {"VK_KHR_sampler_mirror_clamp_to_edge", 3},
    {"VK_KHR_sampler_ycbcr_conversion", 14},
    {"VK_KHR_separate_depth_stencil_layouts", 1},
    {"VK_KHR_shader_atomic_int64", 1},
    {"VK_KHR_shader_clock", 1},
    {"VK_KHR_shader_draw_parameters", 1},
    {"VK_KHR_shader_expect_assume", 1},
    {"VK_KHR_shader_float16_int8", 1},
    {"VK_KHR_shader_float_controls", 4},
    {"VK_KHR_shader_float_controls2", 1},
    {"VK_KHR_shader_integer_dot_product", 1},
    {"VK_KHR_shader_maximal_reconvergence", 1},
    {"VK_KHR_shader_non_semantic_info", 1},
    {"VK_KHR_shader_subgroup_extended_types", 1},
    {"VK_KHR_shader_subgroup_rotate", 2},
    {"VK_KHR_shader_terminate_invocation", 1},
    {"VK_KHR_spirv_1_4", 1},
    {"VK_KHR_storage_buffer_storage_class", 1},
    {"VK_KHR_swapchain", 70},
    {"VK_KHR_synchronization2", 1},
    {"VK_KHR_timeline_semaphore", 2},
    {"VK_KHR_unified_image_layouts", 1},
    {"VK_KHR_uniform_buffer_standard_layout", 1},
    {"VK_KHR_variable_pointers", 1},
    {"VK_KHR_vertex_attribute_divisor", 1},
    {"VK_KHR_vulkan_memory_model", 3},
    {"VK_KHR_workgroup_memory_explicit_layout", 1},
    {"VK_KHR_zero_initialize_workgroup_memory", 1},
    {"VK_VALVE_mutable_descriptor_type", 1},
};

} // namespace

std::span<const ExtensionRow> instance_extensions() {
    return kInstance;
}
std::span<const ExtensionRow> device_extensions() {
    return kDevice;
}

std::vector<ExtensionRow> device_extensions(const kmd::DeviceFacts& facts) {
    auto has = [&](Needs n) {
        switch (n) {
        case Needs::drm_node:
            return facts.drm.has_value();
        case Needs::pci:
            return facts.pci.has_value();
        case Needs::dma_buf:
            return facts.dma_buf;
        case Needs::sync_fds:
            return facts.sync_fds;
        default:
            return true;
        }
    };
    std::vector<ExtensionRow> offered;
    for (const ExtensionRow& row : kDevice)
        if (has(row.needs))
            offered.push_back(row);
    return offered;
}

bool has_extension(std::span<const ExtensionRow> table, std::string_view name) {
    for (const auto& row : table)
        if (name == row.name)
            return true;
    return false;
}

bool ExtensionSet::has(std::string_view name) const {
    for (const auto& n : names_)
        if (n == name)
            return true;
    return false;
}

bool ExtensionSet::has_all(std::string_view names) const {
    while (true) {
        size_t plus = names.find('+');
        if (!has(names.substr(0, plus)))
            return false;
        if (plus == std::string_view::npos)
            return true;
        names = names.substr(plus + 1);
    }
}

bool ExtensionSet::has_any(std::string_view list) const {
    while (!list.empty()) {
        size_t comma = list.find(',');
        if (has_all(list.substr(0, comma)))
            return true;
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
    return false;
}

VkResult enumerate_extensions(std::span<const ExtensionRow> table, uint32_t* count,
                              VkExtensionProperties* out) {
    OutArray<VkExtensionProperties> a(count, out);
    for (const auto& row : table) {
        VkExtensionProperties p{};
        std::strncpy(p.extensionName, row.name, VK_MAX_EXTENSION_NAME_SIZE - 1);
        p.specVersion = row.spec_version;
        a.push(p);
    }
    return a.result();
}

} // namespace kite::rt
