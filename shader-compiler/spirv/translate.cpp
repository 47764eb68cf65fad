// SPDX-License-Identifier: MIT
// translate(): the order of the front end's steps on one page, then control flow and the value
// table.
#include "shader-compiler/spirv/translate.hpp"

#include "kite_hw/limits.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/spirv/prepass.hpp"
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>
#include <new>

namespace kite::cc {

base::Result<std::unique_ptr<ir::Function>> translate(std::span<const uint32_t> words,
                                                      const Options& options, ProgramFacts& facts) {
    try {
        bool per_sample = false;
        const auto module = spirv::parse_module(spirv::prepare(words, options, per_sample));
        module->per_sample = per_sample;
        auto f = spirv::Translator(*module, options, facts).run();
        if (const std::string broken = ir::validate(*f); !broken.empty()) {
            return base::fail(base::ErrorCode::unsupported, "front end produced invalid IR: {}",
                              broken);
        }
        return f;
    } catch (spirv::Failure& failure) {
        if (failure.code == base::ErrorCode::unsupported) {
            return base::unsupported(failure.message);
        }
        return base::fail(failure.code, "{}", failure.message);
    } catch (const std::bad_alloc&) {
        return base::fail(base::ErrorCode::out_of_host_memory,
                          "out of memory while reading SPIR-V");
    } catch (
        const std::exception&) { // a bounds-checked access (at()) refused a value that is too short
        return base::fail(base::ErrorCode::corrupt, "SPIR-V: an operand has too few components");
    }
}

namespace spirv {

namespace {

constexpr size_t kMaxBlocks = 1u << 18;
constexpr uint64_t kMaxScalars = 1u << 22;

bool is_terminator(spv::Op op) {
    switch (op) {
    case spv::Op::OpBranch:
    case spv::Op::OpBranchConditional:
    case spv::Op::OpSwitch:
    case spv::Op::OpReturn:
    case spv::Op::OpReturnValue:
    case spv::Op::OpKill:
    case spv::Op::OpTerminateInvocation:
    case spv::Op::OpUnreachable:
        return true;
    default:
        return false;
    }
}

} // namespace

Translator::Translator(const Module& module, const Options& options, ProgramFacts& facts)
    : m_(module), options_(options), facts_(facts), f_(std::make_unique<ir::Function>()), b_(*f_),
      slots_(*f_), values_(module.bound), value_types_(module.bound) {}

std::unique_ptr<ir::Function> Translator::run() {
    f_->stage = facts_.stage = options_.stage;
    uint64_t invocations = 1;
    for (size_t i = 0; i < 3; ++i) {
        f_->workgroup[i] = facts_.workgroup[i] = m_.local_size[i];
        invocations *= std::min(m_.local_size[i], hw::limits::kMaxWorkgroupInvocations + 1);
    }
    if (options_.stage == hw::Stage::compute &&
        (invocations == 0 || invocations > hw::limits::kMaxWorkgroupInvocations)) {
        corrupt("a workgroup of this many invocations");
    }
    const auto has_mode = [&](spv::ExecutionMode mode) {
        return m_.modes.contains(static_cast<uint32_t>(mode));
    };
    f_->early_fragment_tests = facts_.early_fragment_tests =
        has_mode(spv::ExecutionMode::EarlyFragmentTests);
    f_->depth_mode = has_mode(spv::ExecutionMode::DepthGreater)     ? 1
                     : has_mode(spv::ExecutionMode::DepthLess)      ? 2
                     : has_mode(spv::ExecutionMode::DepthUnchanged) ? 3
                                                                    : 0;
    f_->per_sample = m_.per_sample;
    stage_modes();
    build_cfg();
    b_.at(prologue_);
    scan_accesses();
    declare_variables();
    capture_outputs();
    zero_shared();
    for (uint32_t i = 0; i < blocks_.size(); ++i) {
        translate_block(i);
    }
    const bool at_end =
        options_.stage != hw::Stage::geometry && options_.stage != hw::Stage::tess_control;
    for (size_t i = 0; at_end && i < exits_.size(); ++i) {
        b_.at(exits_[i]);
        write_outputs();
    }
    drop_unwritten_outputs();
    fill_phis();
    slots_.finish();
    b_.finish();
    facts_.per_sample = f_->per_sample;
    facts_.scratch_bytes = f_->scratch_bytes;
    return std::move(f_);
}

void Translator::build_cfg() {
    struct Raw {
        SourceBlock source;
        std::vector<uint32_t> succs; // labels, as written
        uint32_t merge = 0;
        uint32_t cont = 0;
    };
    std::vector<Raw> raw;
    std::unordered_map<uint32_t, uint32_t> index;
    for (size_t i = 0; i < m_.body.size(); ++i) {
        const Instr& inst = m_.body[i];
        if (inst.op == spv::Op::OpLabel) {
            index[inst.id] = static_cast<uint32_t>(raw.size());
            raw.push_back({});
            raw.back().source = {inst.id, i + 1, i, nullptr};
            continue;
        }
        if (raw.empty()) {
            corrupt("SPIR-V: instruction outside a block");
        }
        Raw& r = raw.back();
        r.source.last = i;
        switch (inst.op) {
        case spv::Op::OpSelectionMerge:
            r.merge = inst.word(0);
            break;
        case spv::Op::OpLoopMerge:
            r.merge = inst.word(0);
            r.cont = inst.word(1);
            break;
        case spv::Op::OpBranch:
            r.succs = {inst.word(0)};
            break;
        case spv::Op::OpBranchConditional:
            r.succs = {inst.word(1), inst.word(2)};
            break;
        case spv::Op::OpSwitch: {
            const size_t literal = m_.type(type_of(inst.word(0))).width == 64 ? 2 : 1;
            r.succs = {inst.word(1)};
            for (size_t k = 2; k + literal < inst.w.size(); k += literal + 1) {
                r.succs.push_back(inst.w[k + literal]);
            }
            break;
        }
        default:
            if (inst.id != 0) {
                value_types_[inst.id] = inst.type;
            }
            break;
        }
    }
    if (raw.empty() || raw.size() > kMaxBlocks) {
        unsupported("functions with more than " + std::to_string(kMaxBlocks) + " blocks");
    }
    const auto find = [&](uint32_t label) {
        const auto it = index.find(label);
        if (it == index.end()) {
            corrupt("SPIR-V: branch to an unknown block");
        }
        return it->second;
    };
    std::vector<bool> reachable(raw.size(), false);
    std::vector<uint32_t> work{0};
    reachable[0] = true;
    while (!work.empty()) {
        const Raw& r = raw[work.back()];
        work.pop_back();
        if (!is_terminator(m_.body[r.source.last].op)) {
            corrupt("SPIR-V: block without a terminator");
        }
        for (const uint32_t s : r.succs) {
            const uint32_t n = find(s);
            if (!reachable[n]) {
                reachable[n] = true;
                work.push_back(n);
            }
        }
    }
    // Depth first with the merge and continue blocks visited first, so that reverse post order puts
    // them last.
    std::vector<uint32_t> post;
    std::vector<bool> seen(raw.size(), false);
    std::vector<std::pair<uint32_t, std::vector<uint32_t>>> stack;
    const auto open = [&](uint32_t n) {
        seen[n] = true;
        std::vector<uint32_t> next;
        for (auto it = raw[n].succs.begin(); it != raw[n].succs.end(); ++it) {
            next.push_back(find(*it));
        }
        if (raw[n].cont != 0) {
            next.push_back(find(raw[n].cont));
        }
        if (raw[n].merge != 0) {
            next.push_back(find(raw[n].merge));
        }
        std::erase_if(next, [&](uint32_t s) { return !reachable[s]; });
        stack.emplace_back(n, std::move(next)); // taken from the back
    };
    open(0);
    while (!stack.empty()) {
        auto& [n, next] = stack.back();
        if (next.empty()) {
            post.push_back(n);
            stack.pop_back();
            continue;
        }
        const uint32_t s = next.back();
        next.pop_back();
        if (!seen[s]) {
            open(s);
        }
    }
    prologue_ = ir::add_block(*f_);
    for (size_t i = post.size(); i-- > 0;) {
        Raw& r = raw[post[i]];
        r.source.block = ir::add_block(*f_);
        by_label_[r.source.label] = static_cast<uint32_t>(blocks_.size());
        blocks_.push_back(r.source);
    }
    const auto block_of = [&](uint32_t label) -> ir::Block* {
        const auto it = by_label_.find(label);
        return it == by_label_.end() ? nullptr : blocks_[it->second].block;
    };
    ir::set_jump(prologue_, blocks_[0].block);
    for (size_t i = post.size(); i-- > 0;) {
        const Raw& r = raw[post[i]];
        for (const uint32_t s : r.succs) {
            r.source.block->succs.push_back(block_of(s));
            ir::add_pred(block_of(s), r.source.block);
        }
        r.source.block->merge = r.merge != 0 ? block_of(r.merge) : nullptr;
        r.source.block->continue_target = r.cont != 0 ? block_of(r.cont) : nullptr;
    }
}

void Translator::translate_block(uint32_t index) {
    const SourceBlock source = blocks_[index];
    b_.at(source.block);
    for (size_t i = source.first; i <= source.last; ++i) {
        const Instr& inst = m_.body[i];
        if (is_terminator(inst.op)) {
            terminator(inst);
        } else {
            translate(inst);
        }
    }
}

void Translator::translate(const Instr& i) {
    if (try_flow(i) || try_memory(i) || try_alu(i) || try_composite(i) || try_matrix(i) ||
        try_image(i) || try_atomic(i) || try_barrier(i) || try_derivative(i) || try_subgroup(i) ||
        try_emit(i)) {
        return;
    }
    if (i.op == spv::Op::OpExtInst && i.word(0) == m_.glsl_set) {
        glsl(i);
        return;
    }
    unsupported("SPIR-V instruction " + std::to_string(static_cast<unsigned>(i.op)));
}

bool Translator::try_flow(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpPhi:
        phi(i);
        return true;
    case spv::Op::OpSelectionMerge:
    case spv::Op::OpLoopMerge:
    case spv::Op::OpLine:
    case spv::Op::OpNoLine:
    case spv::Op::OpNop:
    case spv::Op::OpVariable: // declared up front
    case spv::Op::OpAssumeTrueKHR:
    // A tile's fragments run one primitive after the other, so pixels and samples never overlap.
    case spv::Op::OpBeginInvocationInterlockEXT:
    case spv::Op::OpEndInvocationInterlockEXT:
        return true;
    case spv::Op::OpUndef: {
        std::vector<Base> bases;
        m_.leaf_bases(i.type, bases);
        Leaves out;
        for (const Base base : bases) {
            out.push_back(b_.constant(base, 0));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpDemoteToHelperInvocation:
        b_.raw(HwOp::demote, HwType::none, {}, {});
        return true;
    case spv::Op::OpIsHelperInvocationEXT:
        set(i.id, {b_.sys(hw::SysVal::helper)});
        return true;
    case spv::Op::OpFunctionCall:
        unsupported("function call that cannot be inlined");
    default:
        return false;
    }
}

void Translator::terminator(const Instr& i) {
    ir::Block& block = *b_.block();
    switch (i.op) {
    case spv::Op::OpBranch:
        block.term = ir::Term::jump;
        return;
    case spv::Op::OpBranchConditional:
        if (block.succs[0] == block.succs[1]) {
            block.term = ir::Term::jump;
            block.succs.pop_back();
            return;
        }
        block.term = ir::Term::branch;
        block.condition = scalar(i.word(0));
        return;
    case spv::Op::OpSwitch: {
        const uint32_t type = type_of(i.word(0));
        const unsigned width = m_.type(type).width;
        Inst* selector = scalar(i.word(0));
        selector = width < 32 ? widen_int(selector, type, false) : selector;
        const uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
        const size_t literal = width == 64 ? 2 : 1;
        for (size_t k = 2; k + literal < i.w.size(); k += literal + 1) {
            const uint64_t v =
                i.w[k] | (literal == 2 ? static_cast<uint64_t>(i.w[k + 1]) << 32 : 0);
            block.case_values.push_back(v & mask);
        }
        if (block.case_values.empty()) {
            block.term = ir::Term::jump;
            block.merge = block.continue_target == nullptr ? nullptr : block.merge;
            return;
        }
        block.term = ir::Term::switch_;
        block.condition = selector;
        return;
    }
    case spv::Op::OpReturn:
        exits_.push_back(&block);
        block.term = ir::Term::exit;
        return;
    case spv::Op::OpKill:
    case spv::Op::OpTerminateInvocation:
        b_.raw(HwOp::demote, HwType::none, {}, {});
        block.term = ir::Term::exit;
        return;
    case spv::Op::OpUnreachable:
        block.term = ir::Term::unreachable;
        return;
    default:
        corrupt("SPIR-V: bad terminator");
    }
}

void Translator::phi(const Instr& i) {
    std::vector<Base> bases;
    m_.leaf_bases(i.type, bases);
    Leaves out;
    for (uint32_t leaf = 0; leaf < bases.size(); ++leaf) {
        Inst* p = b_.raw(ir::phi, HwType::none, {bases[leaf]}, {});
        PendingPhi pending{p, leaf, {}};
        for (size_t k = 0; k + 1 < i.w.size(); k += 2) {
            pending.incoming.emplace_back(i.w[k], i.w[k + 1]);
        }
        pending_phis_.push_back(std::move(pending));
        out.push_back(p);
    }
    set(i.id, std::move(out));
    if (m_.type(i.type).kind == Kind::pointer) {
        set_pointer(i.id, pointer_from_leaves(i.type, value(i.id).leaves));
    }
}

void Translator::fill_phis() {
    for (PendingPhi& p : pending_phis_) {
        for (ir::Block* pred : p.phi->block->preds) {
            Inst* operand = nullptr;
            for (const auto& [id, label] : p.incoming) {
                const auto it = by_label_.find(label);
                if (it == by_label_.end() || blocks_[it->second].block != pred) {
                    continue;
                }
                // Pointers are computed where they arrive from.
                b_.at(pred);
                const Leaves& all = leaves(id);
                if (p.leaf >= all.size()) {
                    corrupt("SPIR-V: phi operand does not match its type");
                }
                operand = all[p.leaf];
            }
            if (operand == nullptr) {
                corrupt("SPIR-V: phi without an operand for a predecessor");
            }
            p.phi->operands.push_back(operand);
        }
    }
}

void Translator::set(uint32_t id, Leaves leaves) {
    budget_ += leaves.size() + 1;
    if (budget_ > kMaxScalars) {
        unsupported("shaders with more than " + std::to_string(kMaxScalars) + " scalar values");
    }
    values_[id].leaves = std::move(leaves);
}

void Translator::set_pointer(uint32_t id, Pointer p) {
    values_[id].pointer = std::make_shared<Pointer>(std::move(p));
}

Value& Translator::value(uint32_t id) {
    if (id >= values_.size()) {
        corrupt("SPIR-V: id out of bounds");
    }
    Value& v = values_[id];
    if (v.leaves.empty() && v.pointer == nullptr) {
        if (const Constant* c = m_.constant(id)) {
            v.leaves = constant_leaves(*c);
            if (m_.type(c->type).kind == Kind::pointer) {
                set_pointer(id, pointer_from_leaves(c->type, v.leaves));
            }
        } else if (const auto it = variables_.find(id); it != variables_.end()) {
            corrupt("SPIR-V: variable used before its declaration");
        }
    }
    return v;
}

const Translator::Leaves& Translator::leaves(uint32_t id) {
    Value& v = value(id);
    if (v.leaves.empty() && v.pointer != nullptr) {
        v.leaves = pointer_leaves(*v.pointer);
    }
    if (v.leaves.empty() && m_.type(type_of(id)).leaves != 0) {
        corrupt("SPIR-V: id " + std::to_string(id) + " has no value here");
    }
    return v.leaves;
}

Inst* Translator::scalar(uint32_t id) {
    const Leaves& l = leaves(id);
    if (l.size() != 1) {
        corrupt("SPIR-V: scalar expected");
    }
    return l[0];
}

Pointer& Translator::pointer(uint32_t id) {
    Value& v = value(id);
    if (v.pointer == nullptr) {
        if (!v.leaves.empty() && m_.type(type_of(id)).kind == Kind::pointer) {
            set_pointer(id, pointer_from_leaves(type_of(id), v.leaves));
        } else {
            corrupt("SPIR-V: pointer expected");
        }
    }
    return *v.pointer;
}

Translator::Leaves Translator::constant_leaves(const Constant& c) {
    std::vector<Base> bases;
    m_.leaf_bases(c.type, bases);
    Leaves out;
    for (size_t i = 0; i < bases.size(); ++i) {
        out.push_back(b_.constant(bases[i], c.bits[i]));
    }
    return out;
}

uint32_t Translator::type_of(uint32_t id) {
    if (const Constant* c = m_.constant(id)) {
        return c->type;
    }
    if (id >= value_types_.size() || value_types_[id] == 0) {
        corrupt("SPIR-V: id " + std::to_string(id) + " has no type");
    }
    return value_types_[id];
}

std::optional<uint64_t> Translator::constant_value(uint32_t id) {
    if (const Constant* c = m_.constant(id); c != nullptr && c->bits.size() == 1) {
        return c->bits[0];
    }
    uint64_t bits = 0;
    if (id < values_.size() && values_[id].leaves.size() == 1 &&
        ir::is_constant(values_[id].leaves[0], bits)) {
        return bits;
    }
    return std::nullopt;
}

Translator::Leaves Translator::pointer_leaves(const Pointer& described) {
    Pointer p = described;
    resolve(p);
    if (p.kind != Pointer::Kind::memory || p.component_stride != 0) {
        unsupported("variable pointers to this storage class");
    }
    if (p.space == hw::Space::global) {
        Inst* offset = p.offset == nullptr
                           ? b_.u32(p.imm)
                           : b_.alu(HwOp::iadd, HwType::u32, {p.offset, b_.u32(p.imm)});
        if (p.limit != nullptr) {
            return {p.base, offset, p.limit};
        }
        return {b_.alu(HwOp::iadd, HwType::u64, {p.base, b_.cvt(HwType::u64, HwType::u32, offset)}),
                b_.u32(0), b_.u32(0x7fffffff)};
    }
    return {p.offset == nullptr ? b_.u32(p.imm)
                                : b_.alu(HwOp::iadd, HwType::u32, {p.offset, b_.u32(p.imm)})};
}

Pointer Translator::pointer_from_leaves(uint32_t pointer_type, const Leaves& l) {
    const Type& t = m_.type(pointer_type);
    Pointer p;
    p.type = t.element;
    switch (t.storage) {
    case spv::StorageClass::PhysicalStorageBuffer:
        p.is_explicit = true;
        p.base = l[0];
        break;
    case spv::StorageClass::StorageBuffer:
    case spv::StorageClass::Uniform:
        if (l.size() < 3) {
            corrupt("SPIR-V: pointer expected");
        }
        p.is_explicit = true;
        p.base = l[0];
        p.offset = l[1];
        p.limit = l[2];
        break;
    case spv::StorageClass::Workgroup:
        p.space = hw::Space::shared;
        p.offset = l[0];
        break;
    case spv::StorageClass::Function:
    case spv::StorageClass::Private:
        p.space = hw::Space::scratch;
        p.offset = l[0];
        break;
    default:
        unsupported("variable pointers to this storage class");
    }
    return p;
}

} // namespace spirv
} // namespace kite::cc
