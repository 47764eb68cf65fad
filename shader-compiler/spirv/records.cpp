// SPDX-License-Identifier: MIT
// Tessellation and geometry stages: vertex and patch records in shared memory
// (docs/architecture.md, "Tessellation and geometry"), execution modes, emitted vertices.
#include "shader-compiler/spirv/translator.hpp"

#include "kite_hw/descriptors.hpp"
#include "kite_hw/limits.hpp"

#include <algorithm>
#include <unordered_set>

namespace kite::cc::spirv {

namespace {

constexpr uint32_t kRecordBytes = hw::limits::kIoRecordBytes;
constexpr uint32_t kVaryings = 128;
constexpr uint32_t kMaxRecordLeaves = 512;
constexpr unsigned kMaxVector = 4;

bool is_tess_level(std::optional<uint32_t> builtin) {
    return builtin == static_cast<uint32_t>(spv::BuiltIn::TessLevelOuter) ||
           builtin == static_cast<uint32_t>(spv::BuiltIn::TessLevelInner);
}

} // namespace

/// What execution modes say goes into the header's workgroup words.
void Translator::stage_modes() {
    using Mode = spv::ExecutionMode;
    const auto has = [&](Mode mode) { return m_.modes.contains(static_cast<uint32_t>(mode)); };
    const auto literal = [&](Mode mode, uint32_t otherwise) {
        const auto it = m_.modes.find(static_cast<uint32_t>(mode));
        return it == m_.modes.end() || it->second.empty() ? otherwise : it->second[0];
    };
    const auto declare_words = [&](uint32_t a, uint32_t b, uint32_t c) {
        f_->workgroup = {a, b, c};
        std::copy(f_->workgroup.begin(), f_->workgroup.end(), facts_.workgroup);
    };
    hw::TessMode tess{};
    tess.domain = has(Mode::Quads)      ? hw::TessDomain::quads
                  : has(Mode::Isolines) ? hw::TessDomain::isolines
                                        : hw::TessDomain::triangles;
    tess.spacing = has(Mode::SpacingFractionalEven)  ? hw::TessSpacing::fractional_even
                   : has(Mode::SpacingFractionalOdd) ? hw::TessSpacing::fractional_odd
                                                     : hw::TessSpacing::equal;
    tess.clockwise = has(Mode::VertexOrderCw);
    tess.points = has(Mode::PointMode);
    switch (options_.stage) {
    case hw::Stage::tess_control: {
        const uint32_t vertices = literal(Mode::OutputVertices, 0);
        if (vertices == 0 || vertices > hw::limits::kMaxPatchVertices) {
            unsupported("output patches of " + std::to_string(vertices) + " vertices");
        }
        tess.pack(&facts_.tess_mode);
        declare_words(vertices, 0, 0);
        break;
    }
    case hw::Stage::tess_eval:
        tess.pack(&facts_.tess_mode);
        facts_.tess_mode |= options_.tess_mode;
        declare_words(facts_.tess_mode, 0, 0);
        break;
    case hw::Stage::geometry: {
        hw::GeometryMode mode{};
        mode.input = has(Mode::InputPoints)               ? hw::GeometryInput::points
                     : has(Mode::InputLines)              ? hw::GeometryInput::lines
                     : has(Mode::InputLinesAdjacency)     ? hw::GeometryInput::lines_adjacency
                     : has(Mode::InputTrianglesAdjacency) ? hw::GeometryInput::triangles_adjacency
                                                          : hw::GeometryInput::triangles;
        mode.output = has(Mode::OutputPoints)      ? hw::GeometryOutput::points
                      : has(Mode::OutputLineStrip) ? hw::GeometryOutput::line_strip
                                                   : hw::GeometryOutput::triangle_strip;
        const uint32_t invocations = literal(Mode::Invocations, 1);
        const uint32_t vertices = literal(Mode::OutputVertices, 0);
        if (invocations == 0 || invocations > hw::limits::kMaxGeometryInvocations ||
            vertices > hw::limits::kMaxGeometryVertices) {
            unsupported(std::to_string(invocations) + " geometry shader invocations, " +
                        std::to_string(vertices) + " vertices");
        }
        uint32_t word = 0;
        mode.pack(&word);
        declare_words(invocations, vertices, word);
        break;
    }
    default:
        break;
    }
}

/// Makes the variable a view of records if the stage has it there.
bool Translator::declare_record(Variable& v, Pointer& p) {
    const hw::Stage stage = options_.stage;
    const bool input = v.storage == spv::StorageClass::Input;
    if (stage != hw::Stage::tess_control && stage != hw::Stage::tess_eval &&
        (stage != hw::Stage::geometry || !input)) {
        return false;
    }
    if (stage == hw::Stage::tess_eval && !input) {
        return false;
    }
    const Decor& d = m_.decor(v.id);
    const Type& t = m_.type(v.type);
    bool patch = d.patch || is_tess_level(d.builtin);
    if (t.kind == Kind::structure) {
        for (uint32_t k = 0; k < t.members.size(); ++k) {
            patch = patch || m_.member_decor(v.type, k).patch;
        }
    }
    const bool value = d.builtin && !is_tess_level(d.builtin) && (patch || t.kind != Kind::array);
    if (value || (!patch && t.kind != Kind::array)) {
        return false; // a built-in value; some front ends call gl_TessCoord a patch variable
    }
    v.home = Home::record;
    v.arrayed = !patch;
    v.record_base = patch                                       ? hw::SysVal::patch_base
                    : input || stage != hw::Stage::tess_control ? hw::SysVal::in_base
                                                                : hw::SysVal::out_base;
    const uint32_t element = patch ? v.type : t.element;
    if (m_.type(element).leaves > kMaxRecordLeaves) {
        unsupported("interface variables with more than " + std::to_string(kMaxRecordLeaves) +
                    " scalars");
    }
    uint32_t location = d.location.value_or(0);
    IoLeaf like;
    interface_leaves(v, element, like, location, d.component.value_or(0), d);
    p.kind = Pointer::Kind::record;
    p.element = patch;
    return true;
}

uint32_t Translator::record_slot(const Variable& v, const IoLeaf& leaf) {
    if (v.arrayed) {
        return output_slot(leaf);
    }
    const auto level = [&](hw::PatchOut first, uint32_t count) {
        if (leaf.slot >= count) {
            unsupported("more than " + std::to_string(count) + " tessellation levels");
        }
        return static_cast<uint32_t>(first) + leaf.slot;
    };
    if (leaf.builtin == static_cast<uint32_t>(spv::BuiltIn::TessLevelOuter)) {
        return level(hw::PatchOut::tess_outer, 4);
    }
    if (leaf.builtin == static_cast<uint32_t>(spv::BuiltIn::TessLevelInner)) {
        return level(hw::PatchOut::tess_inner, 2);
    }
    if (leaf.builtin || leaf.slot >= kVaryings) {
        unsupported("this per-patch variable");
    }
    return leaf.slot;
}

void Translator::step_record(Pointer& p, uint32_t index_id) {
    const Type& t = m_.type(p.type);
    const auto index = constant_value(index_id);
    const auto move = [&](uint32_t stride) {
        Inst* bytes = b_.alu(HwOp::imul, HwType::u32, {as_u32(index_id), b_.u32(stride)});
        p.offset = p.offset == nullptr ? bytes : b_.alu(HwOp::iadd, HwType::u32, {p.offset, bytes});
    };
    if (!p.element) {
        if (index) {
            const uint64_t last = t.count == 0 ? 0 : t.count - 1;
            p.imm += static_cast<uint32_t>(std::min<uint64_t>(*index, last)) * kRecordBytes;
        } else {
            move(kRecordBytes);
        }
        p.element = true;
        p.type = t.element;
        return;
    }
    if (index) {
        step_leaf(p, index_id);
        return;
    }
    const uint32_t element = m_.element_type(p.type, 0);
    const uint32_t leaves = m_.type(element).leaves;
    const std::vector<IoLeaf>& io = p.variable->io;
    if (t.count > 1 && p.leaf + leaves < io.size()) {
        move(
            (record_slot(*p.variable, io[p.leaf + leaves]) - record_slot(*p.variable, io[p.leaf])) *
            4);
    }
    p.type = element;
}

Inst* Translator::record_offset(const Pointer& p) {
    Inst* base = sys(p.variable->record_base);
    return p.offset == nullptr ? base : b_.alu(HwOp::iadd, HwType::u32, {base, p.offset});
}

Translator::Leaves Translator::load_record(const Pointer& p) {
    Leaves out;
    const Variable& v = *p.variable;
    if (!p.element) { // all vertices
        const Type& t = m_.type(p.type);
        Pointer one = p;
        one.element = true;
        one.type = t.element;
        for (uint32_t k = 0; k < t.count && out.size() <= kMaxLeaves; ++k) {
            const Leaves part = load_record(one);
            out.insert(out.end(), part.begin(), part.end());
            one.imm += kRecordBytes;
        }
        return out;
    }
    const uint32_t end = p.leaf + m_.type(p.type).leaves;
    if (end > v.io.size()) {
        corrupt("SPIR-V: interface variable index out of range");
    }
    Inst* offset = record_offset(p);
    const bool input = v.storage == spv::StorageClass::Input;
    for (uint32_t k = p.leaf; k < end;) {
        const IoLeaf& first = v.io[k];
        const uint32_t slot = record_slot(v, first);
        const bool wide = first.base == Base::bits64;
        uint32_t n = 1;
        while (!wide && n < kMaxVector && k + n < end && v.io[k + n].base == first.base &&
               record_slot(v, v.io[k + n]) == slot + n) {
            ++n;
        }
        const uint32_t words = wide ? 2 : n;
        Inst* const at[] = {nullptr, offset, nullptr};
        const hw::LdSub sub{.n = words - 1, .space = hw::Space::shared};
        Inst* tuple =
            b_.raw(ir::op(HwOp::ld), HwType::u32, {Base::bits32, static_cast<uint8_t>(words)}, at,
                   sub.pack(), p.imm + slot * 4);
        tuple->invariant = input;
        if (wide) {
            out.push_back(b_.pack64(b_.extract(tuple, 0), b_.extract(tuple, 1)));
        }
        for (uint32_t e = 0; !wide && e < n; ++e) {
            Inst* x = b_.extract(tuple, e);
            const Type& s = m_.type(v.io[k + e].type);
            if (s.width == 16) {
                x = s.kind == Kind::floating ? b_.cvt(HwType::f16, HwType::f32, x)
                                             : b_.cvt(HwType::u16, HwType::u32, x);
            }
            out.push_back(s.kind == Kind::boolean ? b_.to_boolean(x) : x);
        }
        k += n;
    }
    return out;
}

void Translator::store_record(const Pointer& p, const Leaves& values) {
    const Variable& v = *p.variable;
    if (!p.element || v.storage == spv::StorageClass::Input ||
        p.leaf + values.size() > v.io.size() || values.size() != m_.type(p.type).leaves) {
        corrupt("SPIR-V: store to something that cannot be written");
    }
    Inst* offset = record_offset(p);
    Leaves data;
    uint32_t first = 0;
    const auto flush = [&] {
        if (!data.empty()) {
            Inst* const operands[] = {b_.collect(data), nullptr, offset, nullptr};
            const hw::StSub sub{.n = static_cast<unsigned>(data.size() - 1),
                                .space = hw::Space::shared};
            b_.raw(ir::op(HwOp::st), HwType::u32, {}, operands, sub.pack(), p.imm + first * 4);
            data.clear();
        }
    };
    const auto put = [&](uint32_t slot, Inst* word) {
        if (data.size() == kMaxVector || (!data.empty() && slot != first + data.size())) {
            flush();
        }
        if (data.empty()) {
            first = slot;
        }
        data.push_back(word);
    };
    for (uint32_t k = 0; k < values.size(); ++k) {
        const IoLeaf& leaf = v.io[p.leaf + k];
        const uint32_t slot = record_slot(v, leaf);
        if (leaf.base == Base::bits64) {
            put(slot, b_.unpack64(values[k], 0));
            put(slot + 1, b_.unpack64(values[k], 1));
        } else {
            put(slot, output_value(leaf, values[k]));
        }
    }
    flush();
}

bool Translator::try_emit(const Instr& i) {
    const bool vertex = i.op == spv::Op::OpEmitVertex || i.op == spv::Op::OpEmitStreamVertex;
    const bool strip = i.op == spv::Op::OpEndPrimitive || i.op == spv::Op::OpEndStreamPrimitive;
    if (!vertex && !strip) {
        return false;
    }
    const bool streams =
        i.op == spv::Op::OpEmitStreamVertex || i.op == spv::Op::OpEndStreamPrimitive;
    const uint64_t stream = streams ? m_.constant_int(i.word(0)) : 0;
    if (options_.stage != hw::Stage::geometry || stream > 3) {
        corrupt("SPIR-V: vertices emitted outside a geometry shader or to an unknown stream");
    }
    if (vertex) {
        // A later store in a loop may reach this emit: which leaves are written is known at the
        // end.
        for (const auto& [slot, word] : collect_outputs(true, static_cast<uint32_t>(stream))) {
            Inst* const operands[] = {word.value};
            Inst* stout = b_.raw(ir::op(HwOp::stout), HwType::none, {}, operands,
                                 hw::StoutSub{.n = 0}.pack(), slot);
            emitted_.emplace_back(stout, word.leaf);
        }
    }
    b_.raw(ir::op(vertex ? HwOp::emit : HwOp::cut), HwType::none, {}, {}, 0,
           static_cast<uint32_t>(stream));
    return true;
}

void Translator::drop_unwritten_outputs() {
    std::unordered_set<const Inst*> drop;
    for (const auto& [stout, leaf] : emitted_) {
        if (leaf != nullptr && !leaf->written) {
            drop.insert(stout);
        }
    }
    if (drop.empty()) {
        return;
    }
    for (auto& block : f_->blocks) {
        std::erase_if(block->insts,
                      [&](const std::unique_ptr<Inst>& inst) { return drop.contains(inst.get()); });
    }
}

} // namespace kite::cc::spirv
