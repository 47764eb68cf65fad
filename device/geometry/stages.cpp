// SPDX-License-Identifier: MIT
#include "device/geometry/stages.hpp"

#include "device/geometry/slots.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace kite::dev::geometry {

namespace {

constexpr uint32_t kRecordBytes = hw::limits::kIoRecordBytes;
constexpr uint32_t kRecordWords = kRecordBytes / 4;
constexpr uint32_t kGeometryBase = hw::limits::kStageIoBytes / 2; // patches lie below it
constexpr uint32_t kPatchBytes = kGeometryBase;
constexpr uint64_t kMostOutput = 1u
                                 << 16; // primitives a batch may grow to, where one can't exceed it
constexpr uint32_t kMostPatchPrimitives = 2 * hw::limits::kMaxTessLevel * hw::limits::kMaxTessLevel;

constexpr auto kOuter = static_cast<uint32_t>(hw::PatchOut::tess_outer);
constexpr auto kInner = static_cast<uint32_t>(hw::PatchOut::tess_inner);

static_assert(kRecordWords >= exec::kVertexOuts &&
              kRecordWords >= static_cast<uint32_t>(hw::PatchOut::count));
static_assert((2 * hw::limits::kMaxPatchVertices + 1) * kRecordBytes <= kPatchBytes);
static_assert(6 * exec::kMaxLanes * kRecordBytes <= hw::limits::kStageIoBytes - kGeometryBase);

hw::TessMode tess_mode(const exec::ProgramInfo& info) {
    return hw::TessMode::unpack(info.workgroup.data());
}

hw::GeometryMode geometry_mode(const exec::ProgramInfo& info) {
    return hw::GeometryMode::unpack(info.workgroup.data() + 2);
}

} // namespace

/// Vertices that a primitive's corners are numbers of.
struct StageShader::Source {
    const uint32_t* words = nullptr;                  ///< first vertex
    uint32_t stride = kRecordWords;                   ///< words per vertex
    std::array<int16_t, exec::kVertexOuts> word_of{}; ///< slot -> word, -1 = never written
};

/// How a patch lies in stage memory: input records, output records, patch record.
struct StageShader::PatchLayout {
    uint32_t inputs;  ///< input records
    uint32_t outputs; ///< output records

    uint32_t stride() const { return (inputs + outputs + 1) * kRecordBytes; }
    uint32_t in_base(uint32_t patch) const { return patch * stride(); }
    uint32_t out_base(uint32_t patch) const { return in_base(patch) + inputs * kRecordBytes; }
    uint32_t patch_base(uint32_t patch) const { return out_base(patch) + outputs * kRecordBytes; }
};

/// One batch under way.
struct StageShader::Run {
    const BatchDesc& desc;
    const exec::DrawContext& context;
    exec::WorkerMemory& memory;
    ShadedBatch& in;
    StageScratch& s;
    const Sink& sink;
    Source evaluated{};
    Source emitted{};
    bool provoking_last = false;
    uint32_t stream = 0; // that the part belongs to

    /// The part is handed over; the next one is empty.
    void flush() {
        if (s.part.primitive_count != 0) {
            sink(s.part, stream);
        }
        s.part.vertex_count = 0;
        s.part.primitive_count = 0;
        ++s.stamp;
    }
    /// Corner numbers are below `count`, and none is in the part yet.
    void new_source(size_t count) {
        if (s.seen.size() < count) {
            s.seen.resize(count);
            s.place.resize(count);
        }
        ++s.stamp;
    }
};

const exec::ProgramInfo& StageShader::last() const {
    const exec::Routine* routine = geometry != nullptr   ? geometry
                                   : evaluate != nullptr ? evaluate
                                                         : vertex->routine;
    return routine->program().info;
}

PrimitiveClass StageShader::output_class(hw::Topology topology) const {
    if (geometry != nullptr) {
        switch (geometry_mode(geometry->program().info).output) {
        case hw::GeometryOutput::points:
            return PrimitiveClass::point;
        case hw::GeometryOutput::line_strip:
            return PrimitiveClass::line;
        case hw::GeometryOutput::triangle_strip:
            return PrimitiveClass::triangle;
        }
    }
    if (evaluate != nullptr) {
        const hw::TessMode mode = tess_mode(evaluate->program().info);
        return mode.points                               ? PrimitiveClass::point
               : mode.domain == hw::TessDomain::isolines ? PrimitiveClass::line
                                                         : PrimitiveClass::triangle;
    }
    return primitive_class(topology);
}

uint64_t StageShader::growth() const {
    uint64_t each = evaluate != nullptr ? kMostPatchPrimitives : 1;
    if (geometry != nullptr) {
        const exec::ProgramInfo& info = geometry->program().info;
        each *= std::max<uint64_t>(1, uint64_t{info.workgroup[0]} * info.workgroup[1]);
    }
    return each;
}

uint64_t StageShader::most_output() const {
    return growth() * batch_primitives();
}

uint32_t StageShader::batch_primitives() const {
    const uint64_t by_growth = std::clamp<uint64_t>(kMostOutput / growth(), 1, kBatchPrimitives);
    const uint32_t vertices =
        primitive_vertices(vertex->input->topology, vertex->input->patch_vertices);
    return static_cast<uint32_t>(std::min<uint64_t>(by_growth, kBatchVertices / 2 / vertices));
}

/// Vertex program: one record per vertex.
void StageShader::shade_records(Run& run) const {
    const exec::ProgramInfo& info = vertex->routine->program().info;
    ShadedBatch& in = run.in;
    std::vector<uint32_t>& records = run.s.records;
    records.assign(size_t{in.vertex_count} * kRecordWords, 0);
    const uint32_t width = vertex->wave_size;
    for (uint32_t first = 0; first < in.vertex_count; first += width) {
        const uint32_t count = in.begin_wave(first, width);
        vertex->routine->run_vertex(run.context, in.wave, run.memory);
        for (uint32_t slot = 0; slot < exec::kVertexOuts; ++slot) {
            for (uint32_t lane = 0; info.outputs[slot] && lane < count; ++lane) {
                records[size_t{first + lane} * kRecordWords + slot] = in.wave.out[slot][lane];
            }
        }
    }
}

StageShader::PatchLayout StageShader::patch_layout() const {
    return {vertex->input->patch_vertices, control->program().info.workgroup[0]};
}

/// Puts patches from `first` on into stage memory, as many as fit a wave, and runs the control
/// program; returns how many.
uint32_t StageShader::control_patch_group(Run& run, uint32_t first) const {
    const PatchLayout layout = patch_layout();
    const auto [inputs, outputs] = layout;
    const uint32_t width = vertex->wave_size;
    const uint32_t patches = std::min({std::max(1u, width / outputs), kPatchBytes / layout.stride(),
                                       run.in.primitive_count - first});
    std::byte* io = exec::stage_memory(run.memory);
    for (uint32_t p = 0; p < patches; ++p) {
        std::byte* at = io + layout.in_base(p);
        for (uint32_t i = 0; i < inputs; ++i) {
            const uint32_t v = run.in.members[size_t{first + p} * inputs + i];
            std::memcpy(at + size_t{i} * kRecordBytes,
                        run.s.records.data() + size_t{v} * kRecordWords, kRecordBytes);
        }
        std::memset(io + layout.out_base(p), 0, size_t{outputs + 1} * kRecordBytes);
    }
    const uint32_t lanes = patches * outputs;
    const uint32_t waves = (lanes + width - 1) / width;
    if (run.s.waves.size() < waves) {
        run.s.waves.resize(waves);
    }
    for (uint32_t w = 0; w < waves; ++w) {
        exec::VertexWave& wave = run.s.waves[w];
        wave.count = std::min(width, lanes - w * width);
        wave.patch_vertices = inputs;
        for (uint32_t lane = 0; lane < width; ++lane) {
            const uint32_t n = std::min(w * width + lane, lanes - 1);
            const uint32_t patch = n / outputs;
            wave.in_base[lane] = layout.in_base(patch);
            wave.out_base[lane] = layout.out_base(patch);
            wave.patch_base[lane] = layout.patch_base(patch);
            wave.invocation_id[lane] = n % outputs;
            wave.primitive_index[lane] =
                run.desc.primitive_id + (first + patch) % run.desc.primitive_count;
        }
    }
    control->run_control(run.context, {run.s.waves.data(), waves}, run.memory);
    run.s.control_patches += patches;
    return patches;
}

/// Runs the evaluation program for all points of the divided patches, whose control points are
/// still in stage memory.
void StageShader::evaluate_points(Run& run, uint32_t patches) const {
    const exec::ProgramInfo& info = evaluate->program().info;
    const PatchLayout layout = patch_layout();
    const uint32_t width = vertex->wave_size;
    size_t total = 0;
    for (uint32_t p = 0; p < patches; ++p) {
        total += run.s.divided[p].points.size();
    }
    if (run.s.evaluated.size() < total * kRecordWords) {
        run.s.evaluated.resize(total * kRecordWords);
    }
    if (run.s.waves.empty()) {
        run.s.waves.resize(1);
    }
    exec::VertexWave& wave = run.s.waves[0];
    wave.patch_vertices = layout.outputs;
    uint32_t patch = 0;
    size_t point = 0;
    for (size_t first = 0; first < total; first += width) {
        const auto count = static_cast<uint32_t>(std::min<size_t>(width, total - first));
        wave.count = count;
        for (uint32_t lane = 0; lane < count; ++lane, ++point) {
            while (point == run.s.divided[patch].points.size()) {
                ++patch;
                point = 0;
            }
            const DomainPoint& at = run.s.divided[patch].points[point];
            wave.in_base[lane] = layout.out_base(patch);
            wave.patch_base[lane] = layout.patch_base(patch);
            wave.primitive_index[lane] = run.s.divided[patch].id;
            wave.tess_coord[0][lane] = at.u;
            wave.tess_coord[1][lane] = at.v;
            wave.tess_coord[2][lane] = at.w;
        }
        evaluate->run_vertex(run.context, wave, run.memory);
        for (uint32_t lane = 0; lane < count; ++lane) {
            uint32_t* to = run.s.evaluated.data() + (first + lane) * kRecordWords;
            for (uint32_t slot = 0; slot < exec::kVertexOuts; ++slot) {
                to[slot] = info.outputs[slot] ? wave.out[slot][lane] : 0;
            }
        }
    }
    run.s.eval_invocations += total;
}

/// Hands a patch's primitives on.
void StageShader::patch_primitives(Run& run, const Tessellation& patch,
                                   const uint32_t* records) const {
    const uint32_t n = patch.vertices;
    if (geometry != nullptr) {
        std::vector<const uint32_t*> vertices;
        vertices.reserve(patch.primitives.size());
        for (const uint16_t v : patch.primitives) {
            vertices.push_back(records + size_t{v} * kRecordWords);
        }
        const std::vector<uint32_t> ids(patch.primitives.size() / n, patch.id);
        run_geometry(run, vertices, ids);
        return;
    }
    run.evaluated.words = records;
    run.new_source(patch.points.size());
    for (size_t i = 0; i + n <= patch.primitives.size(); i += n) {
        uint32_t corners[3];
        for (uint32_t k = 0; k < 3; ++k) {
            corners[k] = patch.primitives[i + std::min(k, n - 1)];
        }
        append(run, run.evaluated, corners, n, run.provoking_last ? n - 1 : 0, patch.id);
    }
}

void StageShader::tessellate(Run& run) const {
    hw::TessMode mode = tess_mode(evaluate->program().info);
    // Winding is given with the origin at the upper left, v downwards.
    mode.clockwise = mode.clockwise == lower_left;
    const PatchLayout layout = patch_layout();
    for (uint32_t first = 0; first < run.in.primitive_count;) {
        const uint32_t patches = control_patch_group(run, first);
        if (run.s.divided.size() < patches) {
            run.s.divided.resize(patches);
        }
        const std::byte* io = exec::stage_memory(run.memory);
        for (uint32_t p = 0; p < patches; ++p) {
            std::array<float, 4> outer{};
            std::array<float, 2> inner{};
            const std::byte* record = io + layout.patch_base(p);
            std::memcpy(outer.data(), record + kOuter * 4, sizeof(outer));
            std::memcpy(inner.data(), record + kInner * 4, sizeof(inner));
            run.s.divided[p].id = run.desc.primitive_id + (first + p) % run.desc.primitive_count;
            run.s.divided[p].divide(mode, outer, inner);
        }
        evaluate_points(run, patches);
        const uint32_t* records = run.s.evaluated.data();
        for (uint32_t p = 0; p < patches; ++p) {
            const Tessellation& patch = run.s.divided[p];
            patch_primitives(run, patch, records);
            records += patch.points.size() * kRecordWords;
        }
        first += patches;
    }
}

/// Lanes are primitives times invocations, in order.
void StageShader::run_geometry(Run& run, std::span<const uint32_t* const> vertices,
                               std::span<const uint32_t> ids) const {
    const exec::ProgramInfo& info = geometry->program().info;
    const auto n = static_cast<uint32_t>(vertices.size() / std::max<size_t>(1, ids.size()));
    const uint32_t invocations = info.workgroup[0];
    const uint32_t width = vertex->wave_size;
    const uint64_t lanes = uint64_t{invocations} * ids.size();
    if (run.s.waves.empty()) {
        run.s.waves.resize(1);
    }
    exec::VertexWave& wave = run.s.waves[0];
    std::byte* io = exec::stage_memory(run.memory) + kGeometryBase;
    for (uint64_t first = 0; first < lanes; first += width) {
        const auto count = static_cast<uint32_t>(std::min<uint64_t>(width, lanes - first));
        const auto base = static_cast<uint32_t>(first / invocations);
        uint32_t copied = 0;
        wave.count = count;
        wave.emitted = &run.s.emitted;
        for (uint32_t lane = 0; lane < count; ++lane) {
            const auto primitive = static_cast<uint32_t>((first + lane) / invocations);
            const uint32_t place = primitive - base;
            for (; copied <= place; ++copied) {
                for (uint32_t k = 0; k < n; ++k) {
                    std::memcpy(io + size_t{copied * n + k} * kRecordBytes,
                                vertices[size_t{base + copied} * n + k], kRecordBytes);
                }
            }
            wave.in_base[lane] = kGeometryBase + place * n * kRecordBytes;
            wave.invocation_id[lane] = static_cast<uint32_t>((first + lane) % invocations);
            wave.primitive_index[lane] = ids[primitive];
        }
        run.s.emitted.prepare(info);
        geometry->run_vertex(run.context, wave, run.memory);
        run.s.geometry_invocations += count;
        run.emitted.words = run.s.emitted.words.data();
        run.emitted.stride = static_cast<uint32_t>(run.s.emitted.slots.size());
        run.new_source(size_t{exec::kMaxLanes} * run.s.emitted.limit);
        for (uint32_t mask = streams; mask != 0; mask &= mask - 1) {
            const auto stream = static_cast<uint32_t>(std::countr_zero(mask));
            if (stream != run.stream) {
                run.flush();
                run.stream = stream;
            }
            for (uint32_t lane = 0; lane < count; ++lane) {
                strips(run, lane, stream);
            }
        }
    }
}

/// The strips that a lane emitted to a stream become primitives.
void StageShader::strips(Run& run, uint32_t lane, uint32_t stream) const {
    using Emitted = exec::EmittedVertices;
    const Emitted& e = run.s.emitted;
    const exec::ProgramInfo& info = geometry->program().info;
    const hw::GeometryOutput output = geometry_mode(info).output;
    const unsigned n = output == hw::GeometryOutput::points       ? 1
                       : output == hw::GeometryOutput::line_strip ? 2
                                                                  : 3;
    uint32_t recent[3] = {};
    uint32_t length = 0; // of the strip so far
    const int16_t id_word = run.emitted.word_of[kPrimitiveId];
    for (uint32_t i = 0; i < e.count[lane]; ++i) {
        const uint32_t at = lane * e.limit + i;
        const uint8_t mark = e.marks[at];
        if ((mark & Emitted::kStream) != stream) {
            continue;
        }
        recent[0] = recent[1];
        recent[1] = recent[2];
        recent[2] = at;
        ++length;
        if (length >= n) {
            uint32_t corners[3] = {recent[3 - n], recent[n == 3 ? 1 : 2], recent[2]};
            unsigned provoking = run.provoking_last ? n - 1 : 0;
            if (n == 3 && length % 2 == 0) { // every second triangle: keep the winding
                std::swap(corners[1], corners[2]);
                provoking = run.provoking_last ? 1 : 0;
            }
            const uint32_t id =
                id_word < 0 ? 0
                            : run.emitted.words[size_t{corners[provoking]} * run.emitted.stride +
                                                static_cast<size_t>(id_word)];
            append(run, run.emitted, corners, n, provoking, id);
            ++run.s.geometry_primitives;
        }
        if ((mark & Emitted::kCut) != 0) {
            length = 0;
        }
    }
}

/// Adds a primitive to the part, with those of its vertices that the part does not have yet.
void StageShader::append(Run& run, const Source& source, const uint32_t* corners, unsigned count,
                         unsigned provoking, uint32_t id) const {
    ShadedBatch& part = run.s.part;
    if (part.primitive_count == kBatchPrimitives || part.vertex_count + 3 > kBatchVertices) {
        run.flush();
    }
    const exec::ProgramInfo& info = last();
    Assembled& primitive = part.primitives[part.primitive_count++];
    primitive.primitive_id = id;
    for (unsigned k = 0; k < count; ++k) {
        const uint32_t corner = corners[k];
        if (run.s.seen[corner] != run.s.stamp) {
            run.s.seen[corner] = run.s.stamp;
            run.s.place[corner] = static_cast<uint16_t>(part.vertex_count);
            const uint32_t v = part.vertex_count++;
            const uint32_t* words = source.words + size_t{corner} * source.stride;
            const auto put = [&](auto& to, uint32_t slot) {
                const int16_t word = source.word_of[slot];
                const uint32_t value = word < 0 ? 0 : words[word];
                std::memcpy(&to, &value, sizeof(value));
            };
            put(part.x[v], kPosition);
            put(part.y[v], kPosition + 1);
            put(part.z[v], kPosition + 2);
            put(part.w[v], kPosition + 3);
            put(part.point_size[v], kPointSize);
            put(part.layer[v], kLayer);
            put(part.viewport[v], kViewport);
            for (uint32_t d = 0; d < kMaxDistances; ++d) {
                if (info.outputs[kClip + d]) {
                    put(part.clip[d][v], kClip + d);
                }
                if (info.outputs[kCull + d]) {
                    put(part.cull[d][v], kCull + d);
                }
            }
            for (uint32_t row = 0; row < vertex->slots.size(); ++row) {
                put(part.varyings[row * kBatchVertices + v], vertex->slots[row]);
            }
        }
        primitive.v[k] = run.s.place[corner];
    }
    for (unsigned k = count; k < 3; ++k) {
        primitive.v[k] = primitive.v[0];
    }
    primitive.provoking = primitive.v[provoking];
    // The provoking vertex is captured as the first or the last, as the convention has it.
    primitive.lead = static_cast<uint8_t>(run.provoking_last ? (provoking + 1) % count : provoking);
}

void StageShader::run(const BatchDesc& desc, const exec::DrawContext& context,
                      exec::WorkerMemory& memory, ShadedBatch& in, StageScratch& scratch,
                      const Sink& sink) const {
    Run run{desc, context, memory, in, scratch, sink};
    run.provoking_last = vertex->input->provoking_last;
    scratch.control_patches = scratch.eval_invocations = 0;
    scratch.geometry_invocations = scratch.geometry_primitives = 0;
    scratch.part.varyings.resize(
        std::max(scratch.part.varyings.size(), vertex->slots.size() * kBatchVertices));
    int16_t next = 0;
    for (uint32_t slot = 0; slot < exec::kVertexOuts; ++slot) {
        const bool written = last().outputs[slot];
        run.evaluated.word_of[slot] = written ? static_cast<int16_t>(slot) : int16_t{-1};
        run.emitted.word_of[slot] = written ? next++ : int16_t{-1};
    }
    vertex->gather(desc, in);
    shade_records(run);
    run.flush();
    if (evaluate != nullptr) {
        tessellate(run);
    } else {
        std::vector<const uint32_t*> vertices;
        vertices.reserve(in.members.size());
        for (const uint16_t v : in.members) {
            vertices.push_back(scratch.records.data() + size_t{v} * kRecordWords);
        }
        std::vector<uint32_t> ids(in.primitive_count);
        for (uint32_t i = 0; i < in.primitive_count; ++i) {
            ids[i] = desc.primitive_id + i % desc.primitive_count;
        }
        run_geometry(run, vertices, ids);
    }
    run.flush();
}

} // namespace kite::dev::geometry
