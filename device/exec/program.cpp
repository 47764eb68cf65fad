// SPDX-License-Identifier: MIT
#include "device/exec/emitted.hpp"
#include "device/exec/executor.hpp"
#include "kite_hw/verify.hpp"

#include "base/hash.hpp"

#include <cstring>

namespace kite::dev::exec {

namespace {

using base::ErrorCode;
using base::fail;
using hw::Op;
using hw::Stage;

constexpr uint32_t kMagic = 0x3150534b;
constexpr uint64_t kMaxGroupScratch = uint64_t{128} << 20; // waves at a barrier keep theirs
constexpr size_t kHeaderWords = hw::ProgramHeader::kDwords;

// A construct that is open while the code is scanned.
struct Open {
    Op kind;
    uint32_t at;
    bool has_else = false;
};

class Loader {
public:
    explicit Loader(Program& program) : program_(program) {}

    base::Result<> scan() {
        const auto count = static_cast<uint32_t>(program_.code.size());
        program_.partner.assign(count, 0);
        for (uint32_t i = 0; i < count; ++i) {
            const hw::Inst& inst = program_.code[i];
            if (const char* why = check_registers(inst); why != nullptr) {
                return fail(ErrorCode::corrupt, "instruction {}: {}", i, why);
            }
            if (const char* why = check_stage(inst); why != nullptr) {
                return fail(ErrorCode::corrupt, "instruction {}: {}", i, why);
            }
            if (const char* why = flow(inst, i); why != nullptr) {
                return fail(ErrorCode::corrupt, "instruction {}: {}", i, why);
            }
            collect(inst);
        }
        if (program_.code.back().op != Op::exit || !open_.empty()) {
            return fail(ErrorCode::corrupt, "the program does not end with exit at nesting 0");
        }
        return {};
    }

private:
    // Every register of every operand must be declared.
    const char* check_registers(const hw::Inst& inst) const {
        for (unsigned s = 0; s < 6; ++s) {
            const auto slot = static_cast<hw::Slot>(s);
            const hw::Operand& o = hw::operand(inst, slot);
            if (!o.is_reg()) {
                continue;
            }
            const uint32_t end = o.index + hw::operand_width(inst, slot);
            if (o.file == hw::File::V && end > program_.info.vregs) {
                return "vector register above the declared count";
            }
            if (o.file == hw::File::S && end > program_.info.sregs) {
                return "scalar register above the declared count";
            }
        }
        return nullptr;
    }

    const char* check_stage(const hw::Inst& inst) const {
        const Stage stage = program_.info.stage;
        switch (inst.op) {
        case Op::barrier:
            return stage == Stage::compute || stage == Stage::tess_control
                       ? nullptr
                       : "barrier outside compute and tess_control";
        case Op::emit:
        case Op::cut:
            if (stage != Stage::geometry) {
                return "geometry instruction in another stage";
            }
            return inst.imm <= EmittedVertices::kStream ? nullptr : "vertex stream out of range";
        case Op::ldattr:
            return stage == Stage::vertex ? nullptr : "ldattr outside vertex";
        case Op::ldin:
        case Op::demote:
            return stage == Stage::fragment ? nullptr : "fragment instruction in another stage";
        case Op::stout: {
            if (stage == Stage::compute || stage == Stage::tess_control) {
                return "stout in a stage without outputs";
            }
            const uint32_t slots = writes_vertices(stage) ? kVertexOuts : kFragmentOuts;
            const uint32_t end = inst.imm + hw::StoutSub::unpack(inst.sub).n_count();
            return end <= slots ? nullptr : "output slot out of range";
        }
        case Op::sys: {
            const auto* info = hw::sysval_info(static_cast<hw::SysVal>(inst.imm & 0xffffu));
            const bool ok = ((info->stages >> static_cast<unsigned>(stage)) & 1u) != 0;
            return ok ? nullptr : "system value of another stage";
        }
        case Op::ld:
        case Op::st:
            return check_space(hw::LdSub::unpack(inst.sub).space);
        case Op::atom:
            return check_space(hw::AtomSub::unpack(inst.sub).space);
        default:
            return nullptr;
        }
    }

    const char* check_space(hw::Space space) const {
        const Stage stage = program_.info.stage;
        return space == hw::Space::shared && stage != Stage::compute && !reads_records(stage)
                   ? "shared memory in a vertex or fragment program"
                   : nullptr;
    }

    const char* flow(const hw::Inst& inst, uint32_t at) {
        switch (inst.op) {
        case Op::block:
        case Op::loop:
        case Op::if_:
            if (open_.size() >= hw::kMaxNesting) {
                return "nesting too deep";
            }
            open_.push_back({inst.op, at});
            return nullptr;
        case Op::else_:
            if (open_.empty() || open_.back().kind != Op::if_ || open_.back().has_else) {
                return "else without if";
            }
            program_.partner[open_.back().at] = at;
            open_.back().has_else = true;
            else_at_.push_back(at);
            return nullptr;
        case Op::end: {
            if (open_.empty()) {
                return "end without an open construct";
            }
            const Open top = open_.back();
            open_.pop_back();
            program_.partner[at] = top.at;
            if (top.has_else) {
                program_.partner[else_at_.back()] = at;
                else_at_.pop_back();
            } else {
                program_.partner[top.at] = at;
            }
            return nullptr;
        }
        case Op::br:
            return hw::BrSub::unpack(inst.sub).depth <= open_.size() ? nullptr
                                                                     : "br leaves more constructs "
                                                                       "than are open";
        case Op::exit:
            return open_.empty() && at + 1 == program_.code.size()
                       ? nullptr
                       : "exit is not the last instruction at nesting 0";
        default:
            return nullptr;
        }
    }

    void collect(const hw::Inst& inst) {
        ProgramInfo& info = program_.info;
        switch (inst.op) {
        case Op::loop:
            info.has_loops = true;
            break;
        case Op::barrier:
            info.uses_barrier = true;
            break;
        case Op::demote:
            info.demotes = true;
            break;
        case Op::qread:
            info.needs_quads = true;
            break;
        case Op::st:
            info.side_effects |= hw::StSub::unpack(inst.sub).space == hw::Space::global;
            break;
        case Op::atom:
            info.side_effects |= hw::AtomSub::unpack(inst.sub).space == hw::Space::global;
            break;
        case Op::imgst:
        case Op::imgatom:
            info.side_effects = true;
            break;
        case Op::txf:
        case Op::imgld:
            info.fetches = true;
            break;
        case Op::tex: {
            const auto mode = hw::TexSub::unpack(inst.sub).lodmode;
            info.needs_quads |= mode == hw::LodMode::implicit || mode == hw::LodMode::bias;
            break;
        }
        case Op::txq:
            info.needs_quads |= hw::TxqSub::unpack(inst.sub).what == hw::TexQuery::lod;
            break;
        case Op::ldattr:
            info.attributes |= 1u << inst.imm;
            break;
        case Op::ldin:
            collect_input(inst);
            break;
        case Op::stout:
            for (unsigned k = 0; k < hw::StoutSub::unpack(inst.sub).n_count(); ++k) {
                collect_output(inst.imm + k);
            }
            break;
        case Op::sys:
            collect_sys(static_cast<hw::SysVal>(inst.imm & 0xffffu));
            break;
        default:
            break;
        }
    }

    void collect_input(const hw::Inst& inst) {
        ProgramInfo& info = program_.info;
        const auto sub = hw::LdinSub::unpack(inst.sub);
        for (unsigned k = 0; k < sub.n_count(); ++k) {
            info.inputs.set(inst.imm + k);
        }
        if (sub.interp != hw::Interp::flat) {
            info.uses_centroid |= sub.loc == hw::InterpLoc::centroid;
            info.per_sample |= sub.loc == hw::InterpLoc::sample;
        }
    }

    void collect_output(uint32_t slot) {
        ProgramInfo& info = program_.info;
        if (writes_vertices(info.stage)) {
            info.outputs.set(slot);
        } else if (slot < 32) {
            info.color_mask |= 1u << slot;
        } else {
            info.writes_dual |= slot < 36;
            info.writes_depth |= slot == static_cast<uint32_t>(hw::FragmentOut::depth);
            info.writes_stencil |= slot == static_cast<uint32_t>(hw::FragmentOut::stencil);
            info.writes_sample_mask |= slot == static_cast<uint32_t>(hw::FragmentOut::sample_mask);
        }
    }

    void collect_sys(hw::SysVal value) {
        ProgramInfo& info = program_.info;
        switch (value) {
        case hw::SysVal::sample_id:
        case hw::SysVal::sample_pos_x:
        case hw::SysVal::sample_pos_y:
            info.per_sample = true;
            break;
        case hw::SysVal::point_x:
        case hw::SysVal::point_y:
            info.uses_point_coord = true;
            break;
        case hw::SysVal::frag_z:
            info.uses_frag_z = true;
            break;
        default:
            break;
        }
    }

    Program& program_;
    std::vector<Open> open_;
    std::vector<uint32_t> else_at_; // else of each open if that has one, innermost last
};

// What the workgroup words of tessellation and geometry programs say.
base::Result<> check_stage_words(const hw::ProgramHeader& header) {
    const auto& w = header.workgroup;
    switch (static_cast<Stage>(header.stage)) {
    case Stage::tess_control:
        if (w[0] == 0 || w[0] > hw::limits::kMaxPatchVertices) {
            return fail(ErrorCode::corrupt, "output patch of {} vertices", w[0]);
        }
        break;
    case Stage::tess_eval: {
        const auto mode = hw::TessMode::unpack(&w[0]);
        if (!hw::TessMode::reserved_zero(&w[0]) || mode.domain > hw::TessDomain::isolines ||
            mode.spacing > hw::TessSpacing::fractional_odd) {
            return fail(ErrorCode::corrupt, "tessellation mode {:#x}", w[0]);
        }
        break;
    }
    case Stage::geometry: {
        const auto mode = hw::GeometryMode::unpack(&w[2]);
        if (w[0] == 0 || w[0] > hw::limits::kMaxGeometryInvocations ||
            w[1] > hw::limits::kMaxGeometryVertices) {
            return fail(ErrorCode::corrupt, "{} geometry invocations, {} vertices", w[0], w[1]);
        }
        if (!hw::GeometryMode::reserved_zero(&w[2]) ||
            mode.input > hw::GeometryInput::triangles_adjacency ||
            mode.output > hw::GeometryOutput::triangle_strip) {
            return fail(ErrorCode::corrupt, "geometry mode {:#x}", w[2]);
        }
        break;
    }
    default:
        break;
    }
    return {};
}

base::Result<> check_header(const hw::ProgramHeader& header, size_t bytes) {
    if (header.magic != kMagic) {
        return fail(ErrorCode::corrupt, "not a program: bad magic");
    }
    if (header.isa_version != hw::kIsaVersion) {
        return fail(ErrorCode::corrupt, "program for ISA version {}, this device has {}",
                    header.isa_version, hw::kIsaVersion);
    }
    if (static_cast<uint32_t>(header.stage) > static_cast<uint32_t>(Stage::geometry)) {
        return fail(ErrorCode::corrupt, "unknown stage");
    }
    if (header.instructions == 0 || header.instructions > hw::limits::kMaxInstructions ||
        bytes < kHeaderWords * 4 + static_cast<size_t>(header.instructions) * hw::kWordBytes) {
        return fail(ErrorCode::corrupt, "{} instructions do not fit {} bytes", header.instructions,
                    bytes);
    }
    if (header.vregs > hw::kMaxVregs || header.sregs > hw::kMaxSregs) {
        return fail(ErrorCode::corrupt, "more registers declared than exist");
    }
    if (header.scratch_bytes > hw::limits::kMaxScratchBytes || header.scratch_bytes % 4 != 0) {
        return fail(ErrorCode::corrupt, "scratch size {} is not allowed", header.scratch_bytes);
    }
    if (header.shared_bytes > hw::limits::kMaxSharedBytes) {
        return fail(ErrorCode::corrupt, "{} bytes of shared memory", header.shared_bytes);
    }
    if (static_cast<Stage>(header.stage) == Stage::compute) {
        uint64_t threads = 1;
        for (const uint32_t n : header.workgroup) {
            if (n == 0 || n > hw::limits::kMaxWorkgroupInvocations) {
                return fail(ErrorCode::corrupt, "workgroup size {} is not allowed", n);
            }
            threads *= n;
        }
        if (threads > hw::limits::kMaxWorkgroupInvocations) {
            return fail(ErrorCode::corrupt, "workgroup of {} invocations", threads);
        }
        if (threads * header.scratch_bytes > kMaxGroupScratch) {
            return fail(ErrorCode::corrupt, "workgroup with {} bytes of scratch",
                        threads * header.scratch_bytes);
        }
    }
    return check_stage_words(header);
}

} // namespace

base::Result<std::shared_ptr<const Program>> load_program(std::span<const std::byte> image) {
    if (image.size() < kHeaderWords * 4) {
        return fail(ErrorCode::corrupt, "program shorter than its header");
    }
    std::array<uint32_t, kHeaderWords> head{};
    std::memcpy(head.data(), image.data(), sizeof(head));
    const hw::ProgramHeader header = hw::ProgramHeader::unpack(head.data());
    if (!hw::ProgramHeader::reserved_zero(head.data())) {
        return fail(ErrorCode::corrupt, "reserved bits of the program header set");
    }
    if (auto ok = check_header(header, image.size()); !ok) {
        return std::unexpected(std::move(ok.error()));
    }

    auto program = std::make_shared<Program>();
    ProgramInfo& info = program->info;
    info.stage = static_cast<Stage>(header.stage);
    info.vregs = header.vregs;
    info.sregs = header.sregs;
    info.scratch_bytes = header.scratch_bytes;
    info.shared_bytes = header.shared_bytes;
    if (reads_records(info.stage)) {
        info.shared_bytes = hw::limits::kStageIoBytes;
    }
    if (info.stage == Stage::compute || reads_records(info.stage)) {
        info.workgroup = {header.workgroup[0], header.workgroup[1], header.workgroup[2]};
    }
    info.early_fragment_tests = header.early_fragment_tests != 0;
    info.depth_mode = static_cast<uint8_t>(header.depth_mode);
    info.per_sample = header.per_sample != 0;

    const std::span<const std::byte> words =
        image.subspan(kHeaderWords * 4, static_cast<size_t>(header.instructions) * hw::kWordBytes);
    program->code.resize(header.instructions);
    for (uint32_t i = 0; i < header.instructions; ++i) {
        std::array<uint32_t, hw::kInstWords> w{};
        std::memcpy(w.data(), words.data() + static_cast<size_t>(i) * hw::kWordBytes, sizeof(w));
        std::string why;
        if (!hw::check_encoding(w, &why)) {
            return fail(ErrorCode::corrupt, "instruction {}: {}", i, why);
        }
        if (!hw::Inst::decode(w, program->code[i])) {
            return fail(ErrorCode::corrupt, "instruction {}: does not decode", i);
        }
    }
    if (auto ok = Loader(*program).scan(); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    // What a routine depends on besides the words goes into the hash, so that it is a cache key.
    program->hash = base::hash64(words, base::hash_value(info.shape()));
    return program;
}

} // namespace kite::dev::exec
