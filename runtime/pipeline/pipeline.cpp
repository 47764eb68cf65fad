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

void append_key(std::vector<uint64_t>& head, const cc::YcbcrConversion& y) {
    static_assert(std::has_unique_object_representations_v<cc::YcbcrConversion>);
    uint64_t words[2] = {};
    static_assert(sizeof(y) <= sizeof(words));
    std::memcpy(words, &y, sizeof(y));
    head.insert(head.end(), std::begin(words), std::end(words));
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
            for (const cc::YcbcrConversion& y : b.ycbcr)
                append_key(head, y);
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

/// Equal code may be captured differently: that is part of what a program is here.
bool same_capture(const cc::ProgramFacts& a, const cc::ProgramFacts& b) {
    return a.captured_count == b.captured_count && a.captured == b.captured &&
           a.capture_strides == b.capture_strides;
}

VkResult upload(Device& d, const CachedProgram& c, std::shared_ptr<Program>& out) {
    std::lock_guard lock(d.programs_mutex);
    const auto captured = std::span(c.facts.captured).first(c.facts.captured_count);
    auto& slot = d.programs[base::hash64(std::as_bytes(captured), c.hash)];
    out = slot.lock();
    if (out && out->size_bytes == c.binary.size() && same_capture(out->facts, c.facts) &&
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

std::shared_ptr<const StageSource> source_of(const VkPipelineShaderStageCreateInfo& info,
                                             const PipelineLayout* layout,
                                             const std::array<uint8_t, 8>& color_target) {
    auto s = std::make_shared<StageSource>();
    if (auto* module = ShaderModule::from(info.module))
        s->words = module->words;
    else if (auto* inl = find<VkShaderModuleCreateInfo>(
                 info.pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO))
        s->words.assign(inl->pCode, inl->pCode + inl->codeSize / 4);
    s->entry = info.pName;
    if (const auto* spec = info.pSpecializationInfo) {
        s->entries.assign(spec->pMapEntries, spec->pMapEntries + spec->mapEntryCount);
        auto* data = static_cast<const std::byte*>(spec->pData);
        s->data.assign(data, data + spec->dataSize);
    }
    if (layout)
        s->bindings = layout->bindings;
    s->color_target = color_target;
    s->stage = info.stage;
    return s;
}

/// Creation of one graphics pipeline: what libraries bring, what the create info says itself.
class GraphicsBuild {
public:
    GraphicsBuild(Device& d, PipelineCache* cache, const VkGraphicsPipelineCreateInfo& info,
                  Pipeline& p)
        : d_(d), cache_(cache), info_(info), p_(p), feedback_(info.pNext), flags_(flags_of(info)),
          layout_(PipelineLayout::from(info.layout)) {}

    VkResult run() {
        p_.bind_point = VK_PIPELINE_BIND_POINT_GRAPHICS;
        take_libraries();
        const Parts own = own_parts(info_, flags_) & ~p_.parts;
        gather_parts(own);
        if (own & VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT)
            map_colors(info_.pNext, p_.colors);
        for (const bool late : {false, true}) { // tess_eval after tess_control
            for (uint32_t i = 0; i < info_.stageCount; ++i) {
                if ((part_of(info_.pStages[i].stage) & own) == 0 ||
                    (info_.pStages[i].stage == VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT) != late)
                    continue;
                if (VkResult r = build(info_.pStages[i], i); r != VK_SUCCESS)
                    return r;
            }
        }
        p_.parts |= own;
        if (!library()) {
            if (VkResult r = renew(); r != VK_SUCCESS)
                return r;
            p_.sources.clear();
        }
        feedback_.finish(cache_ != nullptr);
        return VK_SUCCESS;
    }

private:
    [[nodiscard]] bool library() const {
        return (flags_ & VK_PIPELINE_CREATE_2_LIBRARY_BIT_KHR) != 0;
    }

    void take_libraries() {
        auto* libraries = find<VkPipelineLibraryCreateInfoKHR>(
            info_.pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR);
        for (uint32_t i = 0; libraries && i < libraries->libraryCount; ++i) {
            auto* from = Pipeline::from(libraries->pLibraries[i]);
            take_parts(from->state, from->dynamic, from->parts, p_.state, p_.dynamic);
            for (size_t stage = 0; stage < kStages; ++stage)
                if (from->programs[stage])
                    p_.programs[stage] = from->programs[stage];
            p_.sources.insert(p_.sources.end(), from->sources.begin(), from->sources.end());
            if (from->parts & VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT)
                p_.colors = from->colors;
            p_.parts |= from->parts;
        }
    }

    void gather_parts(Parts own) {
        if (own == 0)
            return;
        const bool discard =
            (p_.parts & VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT) &&
            p_.state.raster.rasterizer_discard &&
            !p_.dynamic.test(static_cast<size_t>(Dyn::discard));
        GraphicsState state;
        DynMask dynamic;
        gather(only(info_, own, discard), state, dynamic);
        take_parts(state, dynamic, own, p_.state, p_.dynamic);
    }

    VkResult build(const VkPipelineShaderStageCreateInfo& info, uint32_t index) {
        hw::Stage stage{};
        if (!stage_of(info.stage, stage) || stage == hw::Stage::compute)
            return VK_ERROR_FEATURE_NOT_PRESENT;
        const bool only_cached =
            (flags_ & VK_PIPELINE_CREATE_2_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) != 0;
        StageJob job{&info, stage, layout_, cache_, only_cached};
        if (stage == hw::Stage::fragment)
            job.color_target = p_.colors;
        // The modes of tessellation may be declared in either of its modules.
        const auto& control = p_.programs[static_cast<size_t>(hw::Stage::tess_control)];
        if (stage == hw::Stage::tess_eval && control)
            job.tess_mode = control->facts.tess_mode;
        if (library())
            p_.sources.push_back(source_of(info, layout_, job.color_target));
        return build_stage(d_, job, index, feedback_, p_.programs[static_cast<size_t>(stage)]);
    }

    /// Compiles those shaders of libraries again that the whole pipeline changes.
    VkResult renew() {
        for (const auto& s : p_.sources) {
            const bool moved = layout_ && !s->same_dynamic(layout_->bindings);
            const bool remapped =
                s->stage == VK_SHADER_STAGE_FRAGMENT_BIT && s->color_target != p_.colors;
            if (!moved && !remapped)
                continue;
            const VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                nullptr, 0, s->words.size() * 4, s->words.data()};
            const VkSpecializationInfo spec{static_cast<uint32_t>(s->entries.size()),
                                            s->entries.data(), s->data.size(), s->data.data()};
            const VkPipelineShaderStageCreateInfo stage{
                VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                &code,
                0,
                s->stage,
                VK_NULL_HANDLE,
                s->entry.c_str(),
                &spec};
            if (VkResult r = build(stage, UINT32_MAX); r != VK_SUCCESS)
                return r;
        }
        return VK_SUCCESS;
    }

    Device& d_;
    PipelineCache* cache_;
    const VkGraphicsPipelineCreateInfo& info_;
    Pipeline& p_;
    Feedback feedback_;
    VkPipelineCreateFlags2 flags_;
    const PipelineLayout* layout_;
};

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
                          return GraphicsBuild(*d, c, info, p).run();
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
