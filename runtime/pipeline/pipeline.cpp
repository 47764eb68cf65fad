// SPDX-License-Identifier: MIT
#include "runtime/pipeline/pipeline.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "runtime/object/result.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace kite::rt {
namespace {

/// One shader to compile.
struct StageJob {
    const VkPipelineShaderStageCreateInfo* info;
    hw::Stage stage;
    const PipelineLayout* layout;
    PipelineCache* cache;
    bool only_cached;
    std::array<uint8_t, 8> color_target{0, 1, 2, 3, 4, 5, 6, 7}; ///< as cc::Options
    uint32_t tess_mode = 0;                                      ///< as cc::Options
};

/// Where the colour outputs of a fragment shader go (VK_KHR_dynamic_rendering_local_read).
void map_colors(const void* chain, std::array<uint8_t, 8>& targets) {
    auto* map = find<VkRenderingAttachmentLocationInfo>(
        chain, VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_LOCATION_INFO);
    if (!map || !map->pColorAttachmentLocations)
        return;
    targets.fill(cc::kNoTarget);
    for (uint32_t i = 0; i < map->colorAttachmentCount && i < targets.size(); ++i)
        if (map->pColorAttachmentLocations[i] < targets.size())
            targets[map->pColorAttachmentLocations[i]] = static_cast<uint8_t>(i);
}

uint32_t spirv_env() {
    return 0x00010300;
}

CacheKey key_of(const StageJob& job, const ShaderModule& module,
                std::span<const cc::SpecConstant> spec, bool robust) {
    std::vector<uint64_t> head;
    head.push_back(static_cast<uint64_t>(job.stage) | uint64_t{robust} << 8 |
                   uint64_t{spirv_env()} << 32);
    head.push_back(base::hash64(std::string_view(job.info->pName)));
    head.push_back(base::hash64(std::string_view(cc::compiler_version())));
    uint64_t colors = 0;
    std::memcpy(&colors, job.color_target.data(), sizeof(colors));
    head.push_back(colors);
    head.push_back(job.tess_mode);
    for (const cc::SpecConstant& s : spec) {
        head.push_back(s.id);
        head.push_back(s.bits);
    }
    if (job.layout) {
        for (const cc::Binding& b : job.layout->bindings) {
            head.push_back(uint64_t{b.set} << 32 | b.binding);
            head.push_back(uint64_t{static_cast<uint32_t>(b.kind)} << 32 | b.offset);
            head.push_back(uint64_t{b.stride} << 32 | b.count);
            head.push_back(uint64_t{b.dynamic} << 32 | b.dynamic_index);
        }
    }
    auto words = std::as_bytes(std::span(module.words));
    auto state = std::as_bytes(std::span(head));
    uint64_t a = base::hash64(words, base::hash64(state));
    uint64_t b = base::hash64(words, base::hash64(state, 0x6b697465));
    return {a, b};
}

std::vector<cc::SpecConstant> spec_of(const VkSpecializationInfo* info) {
    std::vector<cc::SpecConstant> out;
    for (uint32_t i = 0; info && i < info->mapEntryCount; ++i) {
        const auto& e = info->pMapEntries[i];
        cc::SpecConstant s{e.constantID, 0};
        std::memcpy(&s.bits, static_cast<const char*>(info->pData) + e.offset,
                    std::min<size_t>(e.size, 8));
        out.push_back(s);
    }
    return out;
}

/// Creation flags: the 64-bit ones replace the others when they are chained.
template <class Info>
VkPipelineCreateFlags2 flags_of(const Info& info) {
    auto* f = find<VkPipelineCreateFlags2CreateInfo>(
        info.pNext, VK_STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2_CREATE_INFO);
    return f ? f->flags : info.flags;
}

VkResult compile_error(const base::Error& e) {
    KITE_LOG(error, "shader compilation failed: {}", e.message);
    if (e.code == base::ErrorCode::out_of_host_memory)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    return e.code == base::ErrorCode::unsupported ? VK_ERROR_FEATURE_NOT_PRESENT : VK_ERROR_UNKNOWN;
}

VkResult compile_stage(Device& d, const StageJob& job, std::shared_ptr<const CachedProgram>& out,
                       bool& hit) {
    auto* module = ShaderModule::from(job.info->module);
    ShaderModule local;
    if (!module) {
        auto* inl = find<VkShaderModuleCreateInfo>(job.info->pNext,
                                                   VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
        if (!inl)
            return VK_ERROR_UNKNOWN;
        local.words.assign(inl->pCode, inl->pCode + inl->codeSize / 4);
        module = &local;
    }
    auto spec = spec_of(job.info->pSpecializationInfo);
    bool robust = d.features.robustBufferAccess != VK_FALSE;
    CacheKey key = key_of(job, *module, spec, robust);
    hit = false;
    if (job.cache)
        out = job.cache->find_entry(key);
    if (out) {
        hit = true;
        return VK_SUCCESS;
    }
    if (job.only_cached)
        return VK_PIPELINE_COMPILE_REQUIRED;
    cc::Options o;
    o.stage = job.stage;
    o.entry_point = job.info->pName;
    if (job.layout)
        o.bindings = job.layout->bindings;
    o.spec = spec;
    o.robust_buffers = robust;
    o.spirv_env = spirv_env();
    o.color_target = job.color_target;
    o.tess_mode = job.tess_mode;
    auto r = cc::compile(module->words, o);
    if (!r)
        return compile_error(r.error());
    auto c = std::make_shared<CachedProgram>();
    c->binary = std::move(r->binary);
    c->facts = r->facts;
    c->hash = r->hash;
    out = c;
    if (job.cache)
        job.cache->add(key, c);
    return VK_SUCCESS;
}

/// Starts the device's own compilation of a program on its workers.
void prefetch(Device& d, Program& p) {
    uint32_t at = (p.size_bytes + 63) / 64 * 64;
    auto* words = reinterpret_cast<uint32_t*>(static_cast<std::byte*>(p.memory.host) + at);
    hw::PrefetchPacket{.address = p.memory.address, .size_bytes = p.size_bytes}.pack(words);
    std::lock_guard lock(d.side_mutex);
    kmd::Ib ib{p.memory.address + at, hw::PrefetchPacket::kDwords};
    kmd::SyncPoint done{d.side_timeline.get(), d.side_submitted + 1};
    if (d.side_queue->submit({.ibs = {&ib, 1}, .waits = {}, .signals = {&done, 1}}))
        p.prefetch_point = ++d.side_submitted;
}

VkResult upload(Device& d, const CachedProgram& c, std::shared_ptr<Program>& out) {
    std::lock_guard lock(d.programs_mutex);
    auto& slot = d.programs[c.hash];
    out = slot.lock();
    if (out && out->size_bytes == c.binary.size() &&
        std::memcmp(out->memory.host, c.binary.data(), c.binary.size()) == 0)
        return VK_SUCCESS;
    auto p = std::make_shared<Program>();
    p->device = &d;
    auto piece = d.heap->allocate((c.binary.size() + 63) / 64 * 64 + 64);
    if (!piece)
        return d.report(piece.error());
    p->memory = *piece;
    p->size_bytes = static_cast<uint32_t>(c.binary.size());
    p->hash = c.hash;
    p->facts = c.facts;
    std::memcpy(piece->host, c.binary.data(), c.binary.size());
    prefetch(d, *p);
    slot = p;
    out = std::move(p);
    return VK_SUCCESS;
}

/// Fills VkPipelineCreationFeedback.
class Feedback {
public:
    explicit Feedback(const void* chain)
        : info_(find<VkPipelineCreationFeedbackCreateInfo>(
              chain, VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO)),
          start_(std::chrono::steady_clock::now()) {}
    void stage(uint32_t i, bool hit, std::chrono::steady_clock::time_point since) {
        all_hit_ = all_hit_ && hit;
        if (info_ && i < info_->pipelineStageCreationFeedbackCount)
            fill(info_->pPipelineStageCreationFeedbacks[i], hit, since);
    }
    void finish(bool has_cache) {
        if (info_)
            fill(*info_->pPipelineCreationFeedback, has_cache && all_hit_, start_);
    }

private:
    static void fill(VkPipelineCreationFeedback& f, bool hit,
                     std::chrono::steady_clock::time_point since) {
        f.flags = VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT;
        if (hit)
            f.flags |= VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT;
        f.duration = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                               std::chrono::steady_clock::now() - since)
                                               .count());
    }
    const VkPipelineCreationFeedbackCreateInfo* info_;
    std::chrono::steady_clock::time_point start_;
    bool all_hit_ = true;
};

VkResult build_stage(Device& d, const StageJob& job, uint32_t index, Feedback& fb,
                     std::shared_ptr<Program>& out) {
    auto since = std::chrono::steady_clock::now();
    std::shared_ptr<const CachedProgram> c;
    bool hit = false;
    VkResult r = compile_stage(d, job, c, hit);
    if (r == VK_SUCCESS)
        r = upload(d, *c, out);
    fb.stage(index, hit, since);
    return r;
}

VkResult create_graphics(Device& d, PipelineCache* cache, const VkGraphicsPipelineCreateInfo& info,
                         Pipeline& p) {
    p.bind_point = VK_PIPELINE_BIND_POINT_GRAPHICS;
    gather(info, p.state, p.dynamic);
    Feedback fb(info.pNext);
    bool only_cached =
        (flags_of(info) & VK_PIPELINE_CREATE_2_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) != 0;
    auto* layout = PipelineLayout::from(info.layout);
    const auto build = [&](uint32_t i, hw::Stage stage) {
        StageJob job{&info.pStages[i], stage, layout, cache, only_cached};
        if (stage == hw::Stage::fragment)
            map_colors(info.pNext, job.color_target);
        // The modes of tessellation may be declared in either of its modules.
        const auto& control = p.programs[static_cast<size_t>(hw::Stage::tess_control)];
        if (stage == hw::Stage::tess_eval && control)
            job.tess_mode = control->facts.tess_mode;
        return build_stage(d, job, i, fb, p.programs[static_cast<size_t>(stage)]);
    };
    for (const bool late : {false, true}) { // tess_eval after tess_control
        for (uint32_t i = 0; i < info.stageCount; ++i) {
            hw::Stage stage{};
            if (!stage_of(info.pStages[i].stage, stage) || stage == hw::Stage::compute)
                return VK_ERROR_FEATURE_NOT_PRESENT;
            if ((stage == hw::Stage::tess_eval) != late)
                continue;
            if (VkResult r = build(i, stage); r != VK_SUCCESS)
                return r;
        }
    }
    fb.finish(cache != nullptr);
    return VK_SUCCESS;
}

VkResult create_compute(Device& d, PipelineCache* cache, const VkComputePipelineCreateInfo& info,
                        Pipeline& p) {
    p.bind_point = VK_PIPELINE_BIND_POINT_COMPUTE;
    Feedback fb(info.pNext);
    bool only_cached =
        (flags_of(info) & VK_PIPELINE_CREATE_2_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) != 0;
    VkResult r = build_stage(
        d, {&info.stage, hw::Stage::compute, PipelineLayout::from(info.layout), cache, only_cached},
        0, fb, p.programs[static_cast<size_t>(hw::Stage::compute)]);
    if (r == VK_SUCCESS)
        fb.finish(cache != nullptr);
    return r;
}

template <class Info, class F>
VkResult create_all(Device& d, uint32_t count, const Info* infos,
                    const VkAllocationCallbacks* callbacks, VkPipeline* out, F&& build) {
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < count; ++i)
        out[i] = VK_NULL_HANDLE;
    for (uint32_t i = 0; i < count; ++i) {
        auto* p = d.make<Pipeline>(callbacks);
        VkResult r = p ? build(infos[i], *p) : VK_ERROR_OUT_OF_HOST_MEMORY;
        if (r == VK_SUCCESS) {
            out[i] = p->handle();
            continue;
        }
        d.drop(callbacks, p);
        result = r;
        if (flags_of(infos[i]) & VK_PIPELINE_CREATE_2_EARLY_RETURN_ON_FAILURE_BIT)
            break;
    }
    return result;
}

} // namespace

bool stage_of(VkShaderStageFlagBits stage, hw::Stage& out) {
    switch (stage) {
    case VK_SHADER_STAGE_VERTEX_BIT:
        out = hw::Stage::vertex;
        return true;
    case VK_SHADER_STAGE_FRAGMENT_BIT:
        out = hw::Stage::fragment;
        return true;
    case VK_SHADER_STAGE_COMPUTE_BIT:
        out = hw::Stage::compute;
        return true;
    case VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT:
        out = hw::Stage::tess_control;
        return true;
    case VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT:
        out = hw::Stage::tess_eval;
        return true;
    case VK_SHADER_STAGE_GEOMETRY_BIT:
        out = hw::Stage::geometry;
        return true;
    default:
        return false;
    }
}

VkResult compile_shader(Device& d, const VkPipelineShaderStageCreateInfo& info,
                        const PipelineLayout* layout, std::shared_ptr<const CachedProgram>& out) {
    hw::Stage stage{};
    if (!stage_of(info.stage, stage))
        return VK_ERROR_FEATURE_NOT_PRESENT;
    bool hit = false;
    return compile_stage(d, {&info, stage, layout, nullptr, false}, out, hit);
}

VkResult upload_program(Device& d, const CachedProgram& c, std::shared_ptr<Program>& out) {
    return upload(d, c, out);
}

Program::~Program() {
    if (!memory)
        return;
    // The prefetch reads the program: it must be over before the memory is reused.
    if (prefetch_point != 0)
        (void)device->side_timeline->wait(prefetch_point, UINT64_MAX);
    device->heap->release(memory);
}

namespace vk {

VkResult CreateShaderModule(VkDevice device, const VkShaderModuleCreateInfo* info,
                            const VkAllocationCallbacks* callbacks, VkShaderModule* out) {
    auto* d = Device::from(device);
    auto* m = d->make<ShaderModule>(callbacks);
    if (!m)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    m->words.assign(info->pCode, info->pCode + info->codeSize / 4);
    *out = m->handle();
    return VK_SUCCESS;
}

void DestroyShaderModule(VkDevice device, VkShaderModule module,
                         const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, ShaderModule::from(module));
}

VkResult CreateGraphicsPipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                 const VkGraphicsPipelineCreateInfo* infos,
                                 const VkAllocationCallbacks* callbacks, VkPipeline* out) {
    auto* d = Device::from(device);
    auto* c = PipelineCache::from(cache);
    return create_all(*d, count, infos, callbacks, out,
                      [&](const VkGraphicsPipelineCreateInfo& info, Pipeline& p) {
                          return create_graphics(*d, c, info, p);
                      });
}

VkResult CreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                const VkComputePipelineCreateInfo* infos,
                                const VkAllocationCallbacks* callbacks, VkPipeline* out) {
    auto* d = Device::from(device);
    auto* c = PipelineCache::from(cache);
    return create_all(*d, count, infos, callbacks, out,
                      [&](const VkComputePipelineCreateInfo& info, Pipeline& p) {
                          return create_compute(*d, c, info, p);
                      });
}

void DestroyPipeline(VkDevice device, VkPipeline pipeline, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Pipeline::from(pipeline));
}

} // namespace vk
} // namespace kite::rt
