// SPDX-License-Identifier: MIT
#include "runtime/pipeline/shader_object.hpp"

#include "runtime/cmd/command_buffer.hpp"

namespace kite::rt {
namespace {

CacheKey binary_key(hw::Stage stage) {
    return {static_cast<uint64_t>(stage), 0};
}

VkResult from_binary(Device& d, const VkShaderCreateInfoEXT& info, Shader& s) {
    PipelineCache one;
    one.load(*d.physical, {static_cast<const std::byte*>(info.pCode), info.codeSize});
    s.compiled = one.find_entry(binary_key(s.stage));
    return s.compiled ? VK_SUCCESS : VK_INCOMPATIBLE_SHADER_BINARY_EXT;
}

VkResult from_spirv(Device& d, const VkShaderCreateInfoEXT& info, Shader& s) {
    VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, nullptr, 0,
                                  info.codeSize, static_cast<const uint32_t*>(info.pCode)};
    VkPipelineShaderStageCreateInfo stage{VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                          &code,
                                          0,
                                          info.stage,
                                          VK_NULL_HANDLE,
                                          info.pName,
                                          info.pSpecializationInfo};
    PipelineLayout layout;
    fill_pipeline_layout(layout, {info.pSetLayouts, info.setLayoutCount});
    return compile_shader(d, stage, &layout, s.compiled);
}

VkResult build(Device& d, const VkShaderCreateInfoEXT& info, Shader& s) {
    if (!stage_of(info.stage, s.stage))
        return VK_ERROR_FEATURE_NOT_PRESENT;
    VkResult r = info.codeType == VK_SHADER_CODE_TYPE_BINARY_EXT ? from_binary(d, info, s)
                                                                 : from_spirv(d, info, s);
    return r == VK_SUCCESS ? upload_program(d, *s.compiled, s.program) : r;
}

} // namespace

namespace vk {

VkResult CreateShadersEXT(VkDevice device, uint32_t count, const VkShaderCreateInfoEXT* infos,
                          const VkAllocationCallbacks* callbacks, VkShaderEXT* out) {
    auto* d = Device::from(device);
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < count; ++i) {
        out[i] = VK_NULL_HANDLE;
        auto* s = d->make<Shader>(callbacks);
        VkResult r = s ? build(*d, infos[i], *s) : VK_ERROR_OUT_OF_HOST_MEMORY;
        if (r == VK_SUCCESS) {
            out[i] = s->handle();
            continue;
        }
        d->drop(callbacks, s);
        result = r;
        for (uint32_t k = i + 1; k < count; ++k)
            out[k] = VK_NULL_HANDLE;
        break;
    }
    return result;
}

void DestroyShaderEXT(VkDevice device, VkShaderEXT shader, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Shader::from(shader));
}

VkResult GetShaderBinaryDataEXT(VkDevice device, VkShaderEXT shader, size_t* size, void* data) {
    auto* d = Device::from(device);
    auto* s = Shader::from(shader);
    PipelineCache one;
    one.add(binary_key(s->stage), s->compiled);
    size_t need = one.stored_size();
    if (!data) {
        *size = need;
        return VK_SUCCESS;
    }
    if (*size < need) {
        *size = 0;
        return VK_INCOMPLETE;
    }
    bool complete = false;
    *size = one.store(*d->physical, {static_cast<std::byte*>(data), *size}, &complete);
    return complete ? VK_SUCCESS : VK_INCOMPLETE;
}

void CmdBindShadersEXT(VkCommandBuffer buffer, uint32_t count, const VkShaderStageFlagBits* stages,
                       const VkShaderEXT* shaders) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count; ++i) {
        hw::Stage stage{};
        if (!stage_of(stages[i], stage))
            continue; // there is nothing to unbind in a stage the device does not have
        auto* s = shaders ? Shader::from(shaders[i]) : nullptr;
        BindState& b = c.bind[stage == hw::Stage::compute ? 1 : 0];
        b.pipeline = nullptr;
        b.programs[static_cast<size_t>(stage)] = s ? s->program.get() : nullptr;
        if (stage == hw::Stage::compute)
            c.dirty_compute = true;
        else
            c.dirty |= kGroupPrograms;
    }
}

} // namespace vk
} // namespace kite::rt
