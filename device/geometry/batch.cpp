// SPDX-License-Identifier: MIT
#include "device/geometry/batch.hpp"

#include "device/geometry/slots.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::geometry {

namespace {

constexpr uint32_t kVaryingSlots = hw::limits::kMaxVaryings;

/// Elements of a run that primitives [first, first + count) touch: [begin, end), and the fan's
/// centre.
struct ElementRange {
    uint32_t begin;
    uint32_t end;
    bool center;
};

ElementRange elements_of(const VertexInput& in, bool whole, const BatchDesc& desc) {
    const hw::Topology topology = in.topology;
    const uint32_t first = desc.first_primitive;
    const uint32_t count = desc.primitive_count;
    switch (topology) {
    case hw::Topology::point_list:
        return {first, first + count, false};
    case hw::Topology::line_list:
        return {first * 2, (first + count) * 2, false};
    case hw::Topology::line_strip:
        return {first, first + count + 1, false};
    case hw::Topology::triangle_list:
        return {first * 3, (first + count) * 3, false};
    case hw::Topology::triangle_strip:
        return {first, first + count + 2, false};
    case hw::Topology::triangle_fan:
        return {first + 1, first + count + 2, true};
    case hw::Topology::line_list_adjacency:
        return {first * 4, (first + count) * 4, false};
    case hw::Topology::line_strip_adjacency:
        return {first, first + count + 3, false};
    case hw::Topology::triangle_list_adjacency:
        return {first * 6, (first + count) * 6, false};
    case hw::Topology::triangle_strip_adjacency: // adjacent vertices belong to the neighbours
        return {whole && first != 0 ? first * 2 - 2 : first * 2,
                (first + count) * 2 + (whole && !desc.ends_run ? 6 : 4), false};
    case hw::Topology::patch_list:
        return {first * in.patch_vertices, (first + count) * in.patch_vertices, false};
    }
    return {0, 0, false};
}

} // namespace

ShadedBatch::ShadedBatch() {
    for (Seen& seen : seen_) {
        seen.stamp = 0;
    }
}

uint32_t ShadedBatch::begin_wave(uint32_t first, uint32_t width) {
    wave.count = std::min(width, vertex_count - first);
    for (uint32_t lane = 0; lane < width; ++lane) {
        const uint32_t vertex = first + std::min(lane, wave.count - 1);
        wave.vertex_index[lane] = vertex_index[vertex];
        wave.instance_index[lane] = instance_index[vertex];
    }
    return wave.count;
}

void BatchShader::gather(const BatchDesc& desc, ShadedBatch& out) const {
    out.vertex_count = 0;
    out.primitive_count = 0;
    out.members.clear();
    const VertexInput& in = *input;
    const ElementRange range = elements_of(in, whole, desc);
    const uint32_t length = range.end - range.begin;
    for (uint32_t i = 0; i < desc.instance_count; ++i) {
        const uint32_t instance = in.first_instance + desc.instance + i;
        if (out.vertex_count + length + 1 > kBatchVertices) {
            return; // cannot happen with the planner's batch sizes
        }
        const auto add = [&](uint32_t vertex) {
            const uint32_t at = out.vertex_count++;
            out.vertex_index[at] = vertex;
            out.instance_index[at] = instance;
            return static_cast<uint16_t>(at);
        };
        uint16_t* slots_of = out.slots_;
        if (in.indexed) {
            if (++out.stamp_ == 0) {
                for (auto& seen : out.seen_) {
                    seen.stamp = 0;
                }
                out.stamp_ = 1;
            }
            const auto find = [&](uint32_t element) {
                const uint32_t index = in.index(uint64_t{desc.segment_first} + element);
                auto& seen = out.seen_[(index ^ index >> 8) % ShadedBatch::kSeen];
                if (seen.stamp != out.stamp_ || seen.index != index) {
                    seen = {index, out.stamp_,
                            add(index + static_cast<uint32_t>(in.vertex_offset))};
                }
                return seen.vertex;
            };
            for (uint32_t e = 0; e < length; ++e) {
                slots_of[e] = find(range.begin + e);
            }
            if (range.center) {
                slots_of[length] = find(0);
            }
        } else {
            for (uint32_t e = 0; e < length; ++e) {
                slots_of[e] = add(in.first + desc.segment_first + range.begin + e);
            }
            if (range.center) {
                slots_of[length] = add(in.first + desc.segment_first);
            }
        }
        if (whole) {
            list_members(desc, range.begin, length, slots_of, out);
        } else {
            assemble(desc, range.begin, length, slots_of, out);
        }
    }
}

// Orders of the Vulkan specification, "Primitive Topologies".
void BatchShader::list_members(const BatchDesc& desc, uint32_t base_element, uint32_t center,
                               const uint16_t* slots_of, ShadedBatch& out) const {
    const uint32_t patch = input->patch_vertices;
    for (uint32_t i = 0; i < desc.primitive_count; ++i) {
        const uint32_t p = desc.first_primitive + i;
        const uint32_t odd = p & 1;
        const auto add = [&](std::initializer_list<uint32_t> elements) {
            for (const uint32_t element : elements) {
                out.members.push_back(slots_of[element - base_element]);
            }
        };
        switch (input->topology) {
        case hw::Topology::point_list:
            add({p});
            break;
        case hw::Topology::line_list:
            add({p * 2, p * 2 + 1});
            break;
        case hw::Topology::line_strip:
            add({p, p + 1});
            break;
        case hw::Topology::triangle_list:
            add({p * 3, p * 3 + 1, p * 3 + 2});
            break;
        case hw::Topology::triangle_strip:
            add({p, p + 1 + odd, p + 2 - odd});
            break;
        case hw::Topology::triangle_fan:
            add({p + 1, p + 2});
            out.members.push_back(slots_of[center]);
            break;
        case hw::Topology::line_list_adjacency:
            add({p * 4, p * 4 + 1, p * 4 + 2, p * 4 + 3});
            break;
        case hw::Topology::line_strip_adjacency:
            add({p, p + 1, p + 2, p + 3});
            break;
        case hw::Topology::triangle_list_adjacency:
            add({p * 6, p * 6 + 1, p * 6 + 2, p * 6 + 3, p * 6 + 4, p * 6 + 5});
            break;
        case hw::Topology::triangle_strip_adjacency: {
            const uint32_t before = p == 0 ? 1 : p * 2 - 2;
            const bool last = desc.ends_run && i + 1 == desc.primitive_count;
            const uint32_t after = last ? p * 2 + 5 : p * 2 + 6;
            if (odd != 0) {
                add({p * 2, p * 2 + 3, p * 2 + 4, after, p * 2 + 2, before});
            } else {
                add({p * 2, before, p * 2 + 2, after, p * 2 + 4, p * 2 + 3});
            }
            break;
        }
        case hw::Topology::patch_list:
            for (uint32_t k = 0; k < patch; ++k) {
                add({p * patch + k});
            }
            break;
        }
        ++out.primitive_count;
    }
}

void BatchShader::assemble(const BatchDesc& desc, uint32_t base_element, uint32_t center,
                           const uint16_t* slots_of, ShadedBatch& out) const {
    const bool last = input->provoking_last;
    for (uint32_t i = 0; i < desc.primitive_count && out.primitive_count < kBatchPrimitives; ++i) {
        const uint32_t p = desc.first_primitive + i;
        const auto at = [&](uint32_t element) { return slots_of[element - base_element]; };
        Assembled& a = out.primitives[out.primitive_count++];
        a.primitive_id = desc.primitive_id + i;
        const bool odd = (p & 1) != 0;
        a.lead = 0;
        switch (input->topology) {
        case hw::Topology::point_list:
            a.v[0] = a.v[1] = a.v[2] = a.provoking = at(p);
            continue;
        case hw::Topology::line_list:
            a.v[0] = at(p * 2);
            a.v[1] = at(p * 2 + 1);
            break;
        case hw::Topology::line_strip:
            a.v[0] = at(p);
            a.v[1] = at(p + 1);
            break;
        case hw::Topology::line_list_adjacency:
            a.v[0] = at(p * 4 + 1);
            a.v[1] = at(p * 4 + 2);
            break;
        case hw::Topology::line_strip_adjacency:
            a.v[0] = at(p + 1);
            a.v[1] = at(p + 2);
            break;
        case hw::Topology::triangle_list:
            a.v[0] = at(p * 3);
            a.v[1] = at(p * 3 + 1);
            a.v[2] = at(p * 3 + 2);
            a.provoking = last ? a.v[2] : a.v[0];
            continue;
        case hw::Topology::triangle_strip: // odd ones keep the winding by swapping the two later
                                           // vertices
            a.v[0] = at(p);
            a.v[1] = at(odd ? p + 2 : p + 1);
            a.v[2] = at(odd ? p + 1 : p + 2);
            a.provoking = last ? at(p + 2) : a.v[0];
            a.lead = last && odd ? 2 : 0; // the provoking vertex stays the last
            continue;
        case hw::Topology::triangle_fan:
            a.v[0] = at(p + 1);
            a.v[1] = at(p + 2);
            a.v[2] = slots_of[center];
            a.provoking = last ? a.v[1] : a.v[0];
            a.lead = last ? 2 : 0;
            continue;
        case hw::Topology::triangle_list_adjacency:
            a.v[0] = at(p * 6);
            a.v[1] = at(p * 6 + 2);
            a.v[2] = at(p * 6 + 4);
            a.provoking = last ? a.v[2] : a.v[0];
            continue;
        case hw::Topology::triangle_strip_adjacency:
            a.v[0] = at(p * 2);
            a.v[1] = at(odd ? p * 2 + 4 : p * 2 + 2);
            a.v[2] = at(odd ? p * 2 + 2 : p * 2 + 4);
            a.provoking = last ? at(p * 2 + 4) : a.v[0];
            a.lead = last && odd ? 2 : 0;
            continue;
        case hw::Topology::patch_list: // refused without tessellation
            a.v[0] = a.v[1] = a.v[2] = a.provoking = 0;
            continue;
        }
        a.v[2] = a.v[0];
        a.provoking = last ? a.v[1] : a.v[0];
    }
}

void BatchShader::shade(const exec::DrawContext& context, exec::WorkerMemory& memory,
                        ShadedBatch& out) const {
    const exec::ProgramInfo& info = routine->program().info;
    exec::VertexWave& wave = out.wave;
    for (uint32_t first = 0; first < out.vertex_count; first += wave_size) {
        const uint32_t count = out.begin_wave(first, wave_size);
        routine->run_vertex(context, wave, memory);
        const size_t bytes = count * sizeof(uint32_t);
        const auto take = [&](void* to, uint32_t slot) {
            if (info.outputs[slot]) {
                std::memcpy(to, wave.out[slot], bytes);
            } else {
                std::memset(to, 0, bytes);
            }
        };
        take(out.x + first, kPosition);
        take(out.y + first, kPosition + 1);
        take(out.z + first, kPosition + 2);
        take(out.w + first, kPosition + 3);
        for (uint32_t row = 0; row < slots.size(); ++row) {
            take(&out.varyings[row * kBatchVertices + first], slots[row]);
        }
        if (info.outputs[kPointSize]) {
            std::memcpy(out.point_size + first, wave.out[kPointSize], bytes);
        }
        if (info.outputs[kLayer]) {
            std::memcpy(out.layer + first, wave.out[kLayer], bytes);
        }
        if (info.outputs[kViewport]) {
            std::memcpy(out.viewport + first, wave.out[kViewport], bytes);
        }
        for (uint32_t i = 0; i < kMaxDistances; ++i) {
            if (info.outputs[kClip + i]) {
                std::memcpy(out.clip[i] + first, wave.out[kClip + i], bytes);
            }
            if (info.outputs[kCull + i]) {
                std::memcpy(out.cull[i] + first, wave.out[kCull + i], bytes);
            }
        }
    }
}

void BatchShader::run(const BatchDesc& desc, const exec::DrawContext& context,
                      exec::WorkerMemory& memory, ShadedBatch& out) const {
    static_assert(kVaryingSlots <= 256);
    if (out.varyings.size() < slots.size() * kBatchVertices) {
        out.varyings.resize(slots.size() * kBatchVertices);
    }
    gather(desc, out);
    shade(context, memory, out);
}

} // namespace kite::dev::geometry
