// SPDX-License-Identifier: MIT
// Variables: where each one lives, stage inputs and outputs, built-ins.
#include "shader-compiler/spirv/translator.hpp"

#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>

namespace kite::cc::spirv {

namespace {

constexpr uint32_t kMaxSlotLeaves = 512;
constexpr uint32_t kMaxScratch = 1u << 20;
constexpr uint32_t kMaxShared = 1u << 20;
constexpr uint32_t kVaryings = 128;

bool is_chain(spv::Op op) {
    return op == spv::Op::OpAccessChain || op == spv::Op::OpInBoundsAccessChain ||
           op == spv::Op::OpPtrAccessChain || op == spv::Op::OpInBoundsPtrAccessChain;
}

bool is_buffer_class(spv::StorageClass c) {
    return c == spv::StorageClass::StorageBuffer || c == spv::StorageClass::Uniform ||
           c == spv::StorageClass::PhysicalStorageBuffer;
}

} // namespace

void Translator::scan_accesses() {
    struct Root {
        uint32_t variable;
        bool dynamic;
    };
    std::unordered_map<uint32_t, Root> roots;
    const auto add_variable = [&](const Instr& i) { roots[i.id] = {i.id, false}; };
    std::for_each(m_.variables.begin(), m_.variables.end(), add_variable);
    for (const Instr& i : m_.body) {
        if (i.op == spv::Op::OpVariable) {
            add_variable(i);
        }
    }
    const auto escape = [&](uint32_t id, bool always) {
        if (const auto it = roots.find(id); it != roots.end() && (always || it->second.dynamic)) {
            indirect_.insert(it->second.variable);
        }
    };
    for (const SourceBlock& block : blocks_) {
        for (size_t n = block.first; n <= block.last; ++n) {
            const Instr& i = m_.body[n];
            const bool writes = i.op == spv::Op::OpStore || i.op == spv::Op::OpCopyMemory ||
                                (i.op >= spv::Op::OpAtomicStore && i.op <= spv::Op::OpAtomicXor) ||
                                i.op == spv::Op::OpAtomicFAddEXT ||
                                i.op == spv::Op::OpAtomicFMinEXT ||
                                i.op == spv::Op::OpAtomicFMaxEXT;
            if (writes) {
                const bool first = i.op == spv::Op::OpStore || i.op == spv::Op::OpCopyMemory ||
                                   i.op == spv::Op::OpAtomicStore || !i.w.empty();
                const uint32_t id = first ? i.word(0) : 0;
                uint32_t type = id < value_types_.size() ? value_types_[id] : 0;
                for (const Instr& v : m_.variables) {
                    type = v.id == id ? v.type : type;
                }
                writes_buffers_ =
                    writes_buffers_ || type == 0 || is_buffer_class(m_.type(type).storage);
            }
            if (is_chain(i.op)) {
                const auto it = roots.find(i.word(0));
                if (it == roots.end()) {
                    continue;
                }
                Root r = it->second;
                for (size_t k = 1; k < i.w.size(); ++k) {
                    r.dynamic = r.dynamic || m_.constant(i.w[k]) == nullptr;
                }
                roots[i.id] = r;
                if (i.op == spv::Op::OpPtrAccessChain ||
                    i.op == spv::Op::OpInBoundsPtrAccessChain) {
                    escape(i.id, true);
                }
                continue;
            }
            switch (i.op) {
            case spv::Op::OpLoad:
            case spv::Op::OpStore:
            case spv::Op::OpImageTexelPointer:
            case spv::Op::OpArrayLength:
                escape(i.word(0), false);
                if (i.op == spv::Op::OpStore) {
                    escape(i.word(1), true);
                }
                break;
            case spv::Op::OpCopyMemory:
                escape(i.word(0), false);
                escape(i.word(1), false);
                break;
            case spv::Op::OpExtInst: {
                const bool interpolates = i.word(1) >= GLSLstd450InterpolateAtCentroid &&
                                          i.word(1) <= GLSLstd450InterpolateAtOffset;
                for (size_t k = 2; k < i.w.size() && !interpolates; ++k) {
                    escape(i.w[k], false);
                }
                break;
            }
            case spv::Op::OpPhi:
            case spv::Op::OpSelect:
            case spv::Op::OpCopyObject:
            case spv::Op::OpFunctionCall:
                for (const uint32_t id : i.w) {
                    escape(id, true);
                }
                break;
            default:
                break;
            }
        }
    }
}

void Translator::declare_variables() {
    for (const Instr& i : m_.variables) {
        declare(i, false);
    }
    for (const SourceBlock& block : blocks_) {
        for (size_t n = block.first; n <= block.last; ++n) {
            if (m_.body[n].op == spv::Op::OpVariable) {
                declare(m_.body[n], true);
            }
        }
    }
}

uint32_t Translator::allocate_scratch(uint32_t type_id) {
    const uint32_t align = std::max(4u, implicit_align(type_id));
    const uint32_t at = (f_->scratch_bytes + align - 1) / align * align;
    const uint64_t end = static_cast<uint64_t>(at) + implicit_size(type_id);
    if (end > kMaxScratch) {
        unsupported("more than 1 MiB of private variables");
    }
    f_->scratch_bytes = static_cast<uint32_t>((end + 3) & ~3ull);
    return at;
}

void Translator::declare(const Instr& i, bool local) {
    auto owned = std::make_unique<Variable>();
    Variable& v = *owned;
    v.id = i.id;
    v.storage = static_cast<spv::StorageClass>(i.word(0));
    v.type = m_.pointee(i.type);
    value_types_[i.id] = i.type;
    if (v.type >= m_.types.size() || m_.types[v.type].kind == Kind::none) {
        return; // a type the compiler does not know: an error only if something uses it
    }
    const uint32_t count = m_.type(v.type).leaves;
    const bool indirect = indirect_.contains(v.id);
    Pointer p;
    p.type = v.type;
    p.variable = &v;
    std::vector<Base> bases;
    switch (v.storage) {
    case spv::StorageClass::Input:
    case spv::StorageClass::Output: {
        if (declare_record(v, p)) {
            break;
        }
        if (count > kMaxSlotLeaves) {
            unsupported("interface variables with more than " + std::to_string(kMaxSlotLeaves) +
                        " scalars");
        }
        const Decor& d = m_.decor(v.id);
        uint32_t location = d.location.value_or(0);
        IoLeaf like;
        interface_leaves(v, v.type, like, location, d.component.value_or(0), d);
        v.home = v.storage == spv::StorageClass::Input ? Home::input : Home::slots;
        break;
    }
    case spv::StorageClass::Function:
    case spv::StorageClass::Private:
        v.home = Home::slots;
        break;
    case spv::StorageClass::Workgroup: {
        v.home = Home::shared;
        p.space = hw::Space::shared;
        uint64_t end = 0;
        if (m_.decor(v.type).block) {
            p.is_explicit = true; // explicitly laid out blocks alias at offset 0
            end = explicit_size(v.type, false, 0);
        } else {
            const uint32_t align = std::max(4u, implicit_align(v.type));
            p.imm = v.offset = (f_->shared_bytes + align - 1) / align * align;
            end = static_cast<uint64_t>(v.offset) + implicit_size(v.type);
        }
        if (end > kMaxShared) {
            unsupported("more than 1 MiB of workgroup memory");
        }
        f_->shared_bytes = std::max(f_->shared_bytes, static_cast<uint32_t>((end + 3) & ~3ull));
        break;
    }
    case spv::StorageClass::PushConstant:
        v.home = Home::push;
        p.is_explicit = p.invariant = true;
        p.base = sys(hw::SysVal::push_va);
        facts_.push_bytes = std::max(
            facts_.push_bytes,
            static_cast<uint32_t>(std::min<uint64_t>(explicit_size(v.type, false, 0), 0x10000)));
        break;
    case spv::StorageClass::Uniform:
    case spv::StorageClass::StorageBuffer:
    case spv::StorageClass::UniformConstant:
        v.home = Home::resource;
        p.kind = Pointer::Kind::resource;
        break;
    default:
        unsupported("storage class " + std::to_string(static_cast<unsigned>(v.storage)));
    }
    if (v.home == Home::slots || v.home == Home::input) {
        const bool memory = indirect || count > kMaxSlotLeaves;
        p.kind = memory ? Pointer::Kind::memory : Pointer::Kind::slots;
        if (memory) {
            p.space = hw::Space::scratch;
            p.imm = v.offset = allocate_scratch(v.type);
            if (v.home == Home::input) {
                store(p, load_input(v, 0, count), false);
            }
            v.home = Home::scratch;
        } else if (v.home == Home::slots) {
            m_.leaf_bases(v.type, bases);
            v.first_slot = static_cast<uint32_t>(slots_.size());
            for (const Base base : bases) {
                slots_.add(base);
            }
        }
    }
    set_pointer(v.id, p);
    Variable* stable = owned.get();
    variables_[v.id] = std::move(owned);
    ordered_variables_.push_back(stable);
    if (i.w.size() > 1 && v.storage == spv::StorageClass::Workgroup) {
        zeroed_shared_ = true;
    } else if (i.w.size() > 1) {
        const Constant* c = m_.constant(i.w[1]);
        if (c == nullptr) {
            unsupported("initializers that are not constants");
        }
        // The entry block may be a loop header only through the prologue, so initializing there is
        // once per invocation.
        store(p, constant_leaves(*c), false);
    }
    (void)local;
}

uint32_t Translator::location_count(uint32_t type_id) {
    const Type& t = m_.type(type_id);
    switch (t.kind) {
    case Kind::vector:
        return m_.type(t.element).width == 64 && t.count > 2 ? 2 : 1;
    case Kind::matrix:
    case Kind::array:
        return t.count * location_count(t.element);
    case Kind::structure: {
        uint32_t sum = 0;
        for (const uint32_t m : t.members) {
            sum += location_count(m);
        }
        return sum;
    }
    default:
        return 1;
    }
}

void Translator::interface_leaves(Variable& v, uint32_t type_id, IoLeaf like, uint32_t& location,
                                  uint32_t component, const Decor& decor) {
    if (decor.builtin) {
        like.builtin = decor.builtin;
    }
    if (decor.flat) {
        like.interp = hw::Interp::flat;
    } else if (decor.noperspective) {
        like.interp = hw::Interp::linear;
    }
    if (decor.centroid) {
        like.loc = hw::InterpLoc::centroid;
    } else if (decor.sample) {
        like.loc = hw::InterpLoc::sample;
    }
    const bool dual = decor.index.value_or(0) != 0;
    const Type& t = m_.type(type_id);
    if (like.builtin && t.kind != Kind::structure) {
        std::vector<Base> bases;
        m_.leaf_bases(type_id, bases);
        for (uint32_t k = 0; k < bases.size(); ++k) {
            like.base = bases[k];
            like.type = scalar_type(type_id);
            like.slot = k;
            v.io.push_back(like);
        }
        return;
    }
    switch (t.kind) {
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
    case Kind::vector: {
        const uint32_t n = t.kind == Kind::vector ? t.count : 1;
        const Type& s = scalar_of(type_id);
        const bool attribute =
            options_.stage == hw::Stage::vertex && v.storage == spv::StorageClass::Input;
        const uint32_t step = s.width == 64 && !attribute ? 2 : 1;
        const uint32_t first = s.width == 64 && attribute ? component / 2 : component;
        for (uint32_t k = 0; k < n; ++k) {
            like.base = s.kind == Kind::boolean ? Base::boolean
                        : s.width == 64         ? Base::bits64
                        : s.width == 16         ? Base::bits16
                                                : Base::bits32;
            like.type = scalar_type(type_id);
            like.slot = location * 4 + first + k * step;
            if (dual) {
                like.slot += static_cast<uint32_t>(hw::FragmentOut::dual0);
            }
            if (s.kind != Kind::floating || s.width == 64) {
                like.interp = hw::Interp::flat;
            }
            v.io.push_back(like);
        }
        location += location_count(type_id);
        return;
    }
    case Kind::matrix:
    case Kind::array:
        for (uint32_t k = 0; k < t.count; ++k) {
            interface_leaves(v, t.element, like, location, component, decor);
        }
        return;
    case Kind::structure:
        for (uint32_t k = 0; k < t.members.size(); ++k) {
            const Decor& d = m_.member_decor(type_id, k);
            location = d.location.value_or(location);
            interface_leaves(v, t.members[k], like, location, d.component.value_or(0), d);
        }
        return;
    default:
        unsupported("interface variables of this type");
    }
}

Translator::Leaves Translator::load_input(const Variable& v, uint32_t leaf, uint32_t count) {
    Leaves out;
    const uint32_t end = leaf + count;
    if (end > v.io.size()) {
        corrupt("SPIR-V: input index out of range");
    }
    while (leaf < end) {
        const IoLeaf& first = v.io[leaf];
        if (first.builtin) {
            out.push_back(load_builtin(first));
            ++leaf;
            continue;
        }
        if (options_.stage == hw::Stage::compute) {
            corrupt("SPIR-V: compute shaders have no inputs with a location");
        }
        const bool attribute = options_.stage == hw::Stage::vertex;
        uint32_t n = 1;
        while (n < 4 && leaf + n < end && !v.io[leaf + n].builtin &&
               v.io[leaf + n].type == first.type && v.io[leaf + n].slot == first.slot + n &&
               v.io[leaf + n].interp == first.interp && v.io[leaf + n].loc == first.loc &&
               (!attribute || (first.slot + n) / 4 == first.slot / 4) &&
               first.base != Base::bits64) {
            ++n;
        }
        if (attribute && first.base == Base::bits64) {
            while (n < 4 && leaf + n < end && !v.io[leaf + n].builtin &&
                   v.io[leaf + n].slot == first.slot + n &&
                   (first.slot + n) / 4 == first.slot / 4) {
                ++n;
            }
        }
        const Type& s = m_.type(first.type);
        Inst* tuple = nullptr;
        if (attribute) {
            const uint32_t location = first.slot / 4;
            if (location >= 32) {
                unsupported("vertex attribute locations above 31");
            }
            facts_.input_locations |= 1u << location;
            const HwType ty = s.kind == Kind::floating ? (s.width == 64 ? HwType::f64 : HwType::f32)
                              : s.is_signed            ? HwType::i32
                                                       : HwType::u32;
            if (s.width == 64 && s.kind != Kind::floating) {
                unsupported("64-bit integer vertex attributes");
            }
            tuple = b_.raw(HwOp::ldattr, ty,
                           {s.width == 64 ? Base::bits64 : Base::bits32, static_cast<uint8_t>(n)},
                           {}, hw::LdattrSub{.n = n - 1, .comp = first.slot % 4}.pack(), location);
        } else {
            const uint32_t regs = first.base == Base::bits64 ? 2 : n;
            if (first.slot + regs > kVaryings) {
                unsupported("varyings beyond location 31");
            }
            tuple =
                b_.raw(HwOp::ldin, HwType::none, {Base::bits32, static_cast<uint8_t>(regs)}, {},
                       hw::LdinSub{.n = regs - 1,
                                   .interp = first.interp,
                                   .loc = first.interp == hw::Interp::flat ? hw::InterpLoc::center
                                                                           : first.loc}
                           .pack(),
                       first.slot);
            f_->per_sample = f_->per_sample || (first.loc == hw::InterpLoc::sample &&
                                                first.interp != hw::Interp::flat);
        }
        for (uint32_t k = 0; k < n; ++k) {
            if (!attribute && first.base == Base::bits64) {
                out.push_back(b_.pack64(b_.extract(tuple, 0), b_.extract(tuple, 1)));
                continue;
            }
            Inst* e = b_.extract(tuple, k);
            if (s.width == 16) {
                e = s.kind == Kind::floating ? b_.cvt(HwType::f16, HwType::f32, e)
                                             : b_.cvt(HwType::u16, HwType::u32, e);
            }
            out.push_back(s.kind == Kind::boolean ? b_.to_boolean(e) : e);
        }
        leaf += n;
    }
    return out;
}

Inst* Translator::load_varying(const IoLeaf& leaf, hw::InterpLoc loc, Inst* a, Inst* b) {
    if (leaf.builtin || leaf.base == Base::bits64) {
        unsupported("interpolateAt on this input");
    }
    if (leaf.slot >= kVaryings) {
        unsupported("varyings beyond location 31");
    }
    Inst* v = b_.raw(HwOp::ldin, HwType::none, {Base::bits32}, {a, b},
                     hw::LdinSub{.n = 0, .interp = leaf.interp, .loc = loc}.pack(), leaf.slot);
    return leaf.base == Base::bits16 ? b_.cvt(HwType::f16, HwType::f32, v) : v;
}

uint32_t Translator::output_slot(const IoLeaf& leaf) {
    const bool vertex = options_.stage != hw::Stage::fragment;
    if (!leaf.builtin) {
        const uint32_t limit = vertex ? kVaryings : static_cast<uint32_t>(hw::FragmentOut::depth);
        if (leaf.slot >= limit) {
            unsupported("output locations beyond the limit");
        }
        return leaf.slot;
    }
    const auto at = [&](auto base, uint32_t count) {
        if (leaf.slot >= count) {
            unsupported("more than " + std::to_string(count) + " elements of a built-in output");
        }
        return static_cast<uint32_t>(base) + leaf.slot;
    };
    switch (static_cast<spv::BuiltIn>(*leaf.builtin)) {
    case spv::BuiltIn::Position:
        return at(hw::VertexOut::position, 4);
    case spv::BuiltIn::PointSize:
        return at(hw::VertexOut::point_size, 1);
    case spv::BuiltIn::ClipDistance:
        return at(hw::VertexOut::clip_distance, 8);
    case spv::BuiltIn::CullDistance:
        return at(hw::VertexOut::cull_distance, 8);
    case spv::BuiltIn::Layer:
        return at(hw::VertexOut::layer, 1);
    case spv::BuiltIn::ViewportIndex:
        return at(hw::VertexOut::viewport, 1);
    case spv::BuiltIn::PrimitiveId:
        return at(hw::VertexOut::primitive_id, 1);
    case spv::BuiltIn::FragDepth:
        return at(hw::FragmentOut::depth, 1);
    case spv::BuiltIn::FragStencilRefEXT:
        return at(hw::FragmentOut::stencil, 1);
    case spv::BuiltIn::SampleMask:
        return at(hw::FragmentOut::sample_mask, 1);
    default:
        unsupported("output built-in " + std::to_string(*leaf.builtin));
    }
}

Inst* Translator::output_value(const IoLeaf& leaf, Inst* value) {
    const Type& s = m_.type(leaf.type);
    if (s.kind == Kind::boolean) {
        return b_.from_boolean(value);
    }
    if (s.width == 16) {
        return s.kind == Kind::floating ? b_.cvt(HwType::f32, HwType::f16, value)
                                        : widen_int(value, leaf.type, s.is_signed);
    }
    return s.width == 8 ? widen_int(value, leaf.type, s.is_signed) : value;
}

void Translator::add_outputs(const Variable& v, bool also_unwritten,
                             std::map<uint32_t, OutputWord>& slots) {
    Leaves all;
    if (v.home == Home::scratch) {
        all = load(pointer(v.id), false);
    }
    for (uint32_t k = 0; k < v.io.size(); ++k) {
        const IoLeaf& leaf = v.io[k];
        if (v.home == Home::slots && !leaf.written && !also_unwritten) {
            continue;
        }
        Inst* value = v.home == Home::slots ? slots_.read(v.first_slot + k, b_.block()) : all[k];
        if (leaf.builtin == static_cast<uint32_t>(spv::BuiltIn::SampleMask) && leaf.slot > 0) {
            continue; // at most 4 samples: one word
        }
        uint32_t slot = output_slot(leaf);
        const bool color = options_.stage == hw::Stage::fragment && !leaf.builtin;
        if (color && slot / 4 < options_.color_target.size()) {
            const uint8_t target = options_.color_target[slot / 4];
            if (target == kNoTarget) {
                continue;
            }
            slot = target * 4u + slot % 4;
        }
        const IoLeaf* tracked = v.home == Home::slots ? &leaf : nullptr;
        if (leaf.base == Base::bits64) {
            slots[slot] = {b_.unpack64(value, 0), tracked};
            slots[slot + 1] = {b_.unpack64(value, 1), tracked};
        } else {
            slots[slot] = {output_value(leaf, value), tracked};
        }
    }
}

/// Variables of different streams may have one location: those of `stream` win.
std::map<uint32_t, Translator::OutputWord> Translator::collect_outputs(bool also_unwritten,
                                                                       uint32_t stream) {
    std::map<uint32_t, OutputWord> slots;
    for (const bool own : {false, true}) {
        for (const Variable* v : ordered_variables_) {
            if (v->storage == spv::StorageClass::Output && (stream_of(*v) == stream) == own) {
                add_outputs(*v, also_unwritten, slots);
            }
        }
    }
    return slots;
}

void Translator::write_outputs() {
    const std::map<uint32_t, OutputWord> slots = collect_outputs(false, 0);
    for (auto it = slots.begin(); it != slots.end();) {
        const uint32_t first = it->first;
        Leaves data;
        while (it != slots.end() && it->first == first + data.size() && data.size() < 4 &&
               (data.empty() || it->first % 4 != 0)) {
            data.push_back(it->second.value);
            ++it;
        }
        Inst* const operands[] = {b_.collect(data)};
        b_.raw(ir::op(HwOp::stout), HwType::none, {}, operands,
               hw::StoutSub{.n = static_cast<unsigned>(data.size() - 1)}.pack(), first);
    }
}

} // namespace kite::cc::spirv
