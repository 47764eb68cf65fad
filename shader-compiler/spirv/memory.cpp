// SPDX-License-Identifier: MIT
// Pointers, access chains, layouts, loads and stores.
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>

namespace kite::cc::spirv {

namespace {

constexpr uint32_t kVolatileBit = 1;
constexpr unsigned kMaxVector = 4;

uint32_t align_up(uint32_t v, uint32_t a) {
    return (v + a - 1) / a * a;
}

} // namespace

bool Translator::try_memory(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpAccessChain:
    case spv::Op::OpInBoundsAccessChain:
        access_chain(i, false);
        return true;
    case spv::Op::OpPtrAccessChain:
    case spv::Op::OpInBoundsPtrAccessChain:
        access_chain(i, true);
        return true;
    case spv::Op::OpLoad: {
        const bool vol = i.w.size() > 1 && (i.w[1] & kVolatileBit) != 0;
        const Pointer p = pointer(i.word(0));
        set(i.id, load(p, vol));
        return true;
    }
    case spv::Op::OpStore: {
        const bool vol = i.w.size() > 2 && (i.w[2] & kVolatileBit) != 0;
        const Leaves data = leaves(i.word(1));
        store(pointer(i.word(0)), data, vol);
        return true;
    }
    case spv::Op::OpCopyMemory: {
        const Leaves data = load(pointer(i.word(1)), false);
        store(pointer(i.word(0)), data, false);
        return true;
    }
    case spv::Op::OpArrayLength: {
        // (size - offset of the array) / stride, 0 for a short buffer.
        Pointer p = pointer(i.word(0));
        resolve(p);
        const uint32_t offset = m_.member_decor(p.type, i.word(1)).offset.value_or(0);
        const uint32_t stride =
            m_.decor(m_.element_type(p.type, i.word(1))).array_stride.value_or(1);
        if (p.limit == nullptr || stride == 0) {
            unsupported("length of an array behind a buffer address");
        }
        Inst* skip = b_.u32(offset + p.imm);
        Inst* bytes = b_.alu(HwOp::isub, HwType::u32,
                             {b_.alu(HwOp::imax, HwType::u32, {p.limit, skip}), skip});
        set(i.id, {b_.alu(HwOp::idiv, HwType::u32, {bytes, b_.u32(stride)})});
        return true;
    }
    case spv::Op::OpConvertPtrToU: {
        Inst* a = leaves(i.word(0)).at(0);
        const unsigned width = m_.type(i.type).width;
        set(i.id, {width == 64 ? a : b_.cvt(HwType::u32, HwType::u64, a)});
        return true;
    }
    case spv::Op::OpConvertUToPtr: {
        const uint32_t from = type_of(i.word(0));
        Inst* a = m_.type(from).width == 64 ? scalar(i.word(0))
                                            : b_.cvt(HwType::u64, HwType::u32, as_u32(i.word(0)));
        set(i.id, {a});
        return true;
    }
    case spv::Op::OpPtrEqual:
    case spv::Op::OpPtrNotEqual:
    case spv::Op::OpPtrDiff: {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        if (i.op == spv::Op::OpPtrDiff) { // elements of one array, both in the same buffer
            const uint32_t pointer_type = type_of(i.word(0));
            const bool buffer = a.size() >= 2;
            const uint32_t stride =
                m_.decor(pointer_type)
                    .array_stride.value_or(
                        std::max(1u, align_up(implicit_size(m_.pointee(pointer_type)),
                                              implicit_align(m_.pointee(pointer_type)))));
            const auto address_of = [&](const Leaves& l) {
                return buffer ? b_.alu(HwOp::iadd, HwType::u64,
                                       {l[0], b_.cvt(HwType::u64, HwType::u32, l[1])})
                              : b_.cvt(HwType::u64, HwType::u32, l[0]);
            };
            Inst* bytes = b_.alu(HwOp::isub, HwType::u64, {address_of(a), address_of(c)});
            Inst* count = b_.alu(HwOp::idiv, HwType::i64, {bytes, b_.u64(std::max(1u, stride))});
            set(i.id, {m_.type(i.type).width == 64 ? count : b_.unpack64(count, 0)});
            return true;
        }
        Inst* same = b_.boolean(true);
        for (size_t k = 0; k < std::min<size_t>({a.size(), c.size(), 2}); ++k) {
            const HwType ty = a[k]->type.base == Base::bits64 ? HwType::u64 : HwType::u32;
            same = b_.and_(same, b_.icmp(hw::ICmp::eq, ty, a[k], c[k]));
        }
        set(i.id, {i.op == spv::Op::OpPtrEqual ? same : b_.not_(same)});
        return true;
    }
    default:
        return false;
    }
}

void Translator::access_chain(const Instr& i, bool element_first) {
    const Pointer& base = pointer(i.word(0));
    Pointer p = base;
    size_t at = 1;
    if (element_first) {
        resolve(p);
        if (p.kind != Pointer::Kind::memory) {
            unsupported("pointer arithmetic outside memory");
        }
        const uint32_t stride =
            m_.decor(type_of(i.word(0)))
                .array_stride.value_or(
                    p.is_explicit ? 0 : align_up(implicit_size(p.type), implicit_align(p.type)));
        add_offset(p, i.word(at++), stride);
    }
    for (; at < i.w.size(); ++at) {
        step(p, i.w[at]);
    }
    set_pointer(i.id, std::move(p));
}

void Translator::step(Pointer& p, uint32_t index_id) {
    if (p.kind == Pointer::Kind::record) {
        step_record(p, index_id);
        return;
    }
    if (p.kind == Pointer::Kind::resource) {
        const Type& t = m_.type(p.type);
        if (t.kind == Kind::array || t.kind == Kind::runtime_array) {
            Inst* index = as_u32(index_id);
            if (p.index != nullptr) {
                index = b_.alu(
                    HwOp::iadd, HwType::u32,
                    {b_.alu(HwOp::imul, HwType::u32, {p.index, b_.u32(std::max(1u, t.count))}),
                     index});
            }
            p.index = index;
            p.type = t.element;
            return;
        }
        resolve(p);
    }
    const bool input = p.variable != nullptr && p.variable->storage == spv::StorageClass::Input;
    if (p.kind == Pointer::Kind::memory) {
        const uint32_t type = p.type;
        if (input) { // interpolateAt* needs the input itself, not its copy in memory
            step_leaf(p, index_id);
            p.type = type;
        }
        step_memory(p, index_id);
        return;
    }
    if (p.kind != Pointer::Kind::slots) {
        corrupt("SPIR-V: access chain into something without parts");
    }
    step_leaf(p, index_id);
}

void Translator::step_leaf(Pointer& p, uint32_t index_id) {
    const auto index = constant_value(index_id);
    const Type& t = m_.type(p.type);
    if (!index) {
        // Only inputs get here (others with run-time indices live in memory): interpolateAt*
        // selects among the elements.
        const uint32_t per = m_.type(m_.element_type(p.type, 0)).leaves;
        Inst* step = b_.alu(HwOp::imul, HwType::u32, {as_u32(index_id), b_.u32(per)});
        p.dynamic_leaf = p.dynamic_leaf == nullptr
                             ? step
                             : b_.alu(HwOp::iadd, HwType::u32, {p.dynamic_leaf, step});
        p.type = m_.element_type(p.type, 0);
        return;
    }
    const uint32_t clamped =
        t.kind == Kind::structure
            ? static_cast<uint32_t>(*index)
            : static_cast<uint32_t>(std::min<uint64_t>(*index, t.count == 0 ? 0 : t.count - 1));
    p.leaf += m_.leaf_offset(p.type, clamped);
    p.type = m_.element_type(p.type, clamped);
}

void Translator::step_memory(Pointer& p, uint32_t index_id) {
    const Type& t = m_.type(p.type);
    switch (t.kind) {
    case Kind::structure: {
        const auto member = static_cast<uint32_t>(m_.constant_int(index_id));
        const uint32_t next = m_.element_type(p.type, member);
        const Decor& d = m_.member_decor(p.type, member);
        p.imm += p.is_explicit ? d.offset.value_or(0) : implicit_offset(p.type, member);
        p.row_major = d.row_major;
        p.matrix_stride = d.matrix_stride.value_or(0);
        p.is_volatile = p.is_volatile || d.is_volatile || d.coherent;
        p.type = next;
        return;
    }
    case Kind::array:
    case Kind::runtime_array:
        add_offset(p, index_id, array_stride(p, p.type));
        p.type = t.element;
        return;
    case Kind::matrix: {
        const uint32_t scalar_bytes = implicit_size(m_.type(t.element).element);
        if (!p.is_explicit) {
            add_offset(p, index_id, implicit_size(t.element));
        } else if (p.row_major) {
            add_offset(p, index_id, scalar_bytes);
            p.component_stride = p.matrix_stride;
        } else {
            add_offset(p, index_id, p.matrix_stride);
        }
        p.type = t.element;
        return;
    }
    case Kind::vector:
        add_offset(p, index_id,
                   p.component_stride != 0 ? p.component_stride : implicit_size(t.element));
        p.component_stride = 0;
        p.type = t.element;
        return;
    default:
        corrupt("SPIR-V: access chain into a scalar");
    }
}

void Translator::add_offset(Pointer& p, uint32_t index_id, uint64_t stride) {
    const Type& it = m_.type(type_of(index_id));
    if (const auto c = constant_value(index_id)) {
        const uint64_t sign = it.width < 64 ? 1ull << (it.width - 1) : 0;
        const uint64_t extended =
            it.width < 64 && (*c & sign) != 0 && it.is_signed ? *c | ~(2 * sign - 1) : *c;
        const uint64_t bytes = extended * stride;
        if (bytes < 0x40000000u && p.imm < 0x40000000u) {
            p.imm += static_cast<uint32_t>(bytes);
            return;
        }
        if (p.space == hw::Space::global && p.limit == nullptr) {
            p.base = b_.alu(HwOp::iadd, HwType::u64, {p.base, b_.u64(bytes)});
            return;
        }
    }
    if (p.space == hw::Space::global && p.limit == nullptr && !p.invariant) {
        // A bare address: 64-bit arithmetic, so that negative indices work.
        Inst* index = scalar(index_id);
        if (it.width != 64) {
            index =
                b_.cvt(HwType::u64, it.is_signed ? HwType::i32 : HwType::u32,
                       it.width == 32 ? index : widen_int(index, type_of(index_id), it.is_signed));
        }
        p.base = b_.alu(HwOp::iadd, HwType::u64,
                        {p.base, b_.alu(HwOp::imul, HwType::u64, {index, b_.u64(stride)})});
        return;
    }
    Inst* bytes =
        b_.alu(HwOp::imul, HwType::u32, {as_u32(index_id), b_.u32(static_cast<uint32_t>(stride))});
    p.offset = p.offset == nullptr ? bytes : b_.alu(HwOp::iadd, HwType::u32, {p.offset, bytes});
}

void Translator::resolve(Pointer& p) {
    if (p.kind != Pointer::Kind::resource) {
        return;
    }
    const Type& t = m_.type(p.type);
    if (t.kind == Kind::structure) {
        Pointer memory = buffer_pointer(*p.variable, p.index);
        memory.type = p.type;
        p = std::move(memory);
    }
}

uint32_t Translator::implicit_align(uint32_t type_id) {
    const Type& t = m_.type(type_id);
    switch (t.kind) {
    case Kind::boolean:
        return 4;
    case Kind::integer:
    case Kind::floating:
        return t.width / 8u;
    case Kind::vector:
    case Kind::matrix:
    case Kind::array:
        return implicit_align(t.element);
    case Kind::structure: {
        uint32_t a = 1;
        for (const uint32_t m : t.members) {
            a = std::max(a, implicit_align(m));
        }
        return a;
    }
    default:
        return 8;
    }
}

uint32_t Translator::implicit_offset(uint32_t struct_id, uint32_t member) {
    uint32_t offset = 0;
    const Type& t = m_.type(struct_id);
    for (uint32_t m = 0; m <= member && m < t.members.size(); ++m) {
        offset = align_up(offset, implicit_align(t.members[m]));
        if (m == member) {
            break;
        }
        offset += implicit_size(t.members[m]);
    }
    return offset;
}

uint32_t Translator::implicit_size(uint32_t type_id) {
    const Type& t = m_.type(type_id);
    uint64_t size = 0;
    switch (t.kind) {
    case Kind::boolean:
        return 4;
    case Kind::integer:
    case Kind::floating:
        return t.width / 8u;
    case Kind::vector:
    case Kind::matrix:
    case Kind::array:
        size =
            static_cast<uint64_t>(align_up(implicit_size(t.element), implicit_align(t.element))) *
            t.count;
        break;
    case Kind::structure:
        if (!t.members.empty()) {
            const auto last = static_cast<uint32_t>(t.members.size() - 1);
            size = static_cast<uint64_t>(implicit_offset(type_id, last)) +
                   implicit_size(t.members[last]);
            size = (size + implicit_align(type_id) - 1) / implicit_align(type_id) *
                   implicit_align(type_id);
        }
        break;
    case Kind::pointer:
    case Kind::sampled_image:
        size = t.leaves * 8ull;
        break;
    case Kind::image:
    case Kind::sampler:
        size = 8;
        break;
    default:
        unsupported("variables of this type in memory");
    }
    if (size > 0x1000000) {
        unsupported("variables larger than 16 MiB");
    }
    return static_cast<uint32_t>(size);
}

uint32_t Translator::array_stride(const Pointer& p, uint32_t array_type) {
    const Type& t = m_.type(array_type);
    if (p.is_explicit) {
        return m_.decor(array_type).array_stride.value_or(0);
    }
    return align_up(implicit_size(t.element), implicit_align(t.element));
}

void Translator::memory_leaves(const Pointer& p, uint32_t type_id, uint32_t offset, bool row_major,
                               uint32_t matrix_stride, uint32_t component_stride,
                               std::vector<MemoryLeaf>& out) {
    const Type& t = m_.type(type_id);
    switch (t.kind) {
    case Kind::boolean:
        out.push_back({offset, Base::boolean, 4});
        return;
    case Kind::integer:
    case Kind::floating:
        out.push_back({offset,
                       t.width == 64   ? Base::bits64
                       : t.width == 16 ? Base::bits16
                                       : Base::bits32,
                       static_cast<uint8_t>(t.width / 8)});
        return;
    case Kind::vector: {
        const uint32_t stride = component_stride != 0 ? component_stride : implicit_size(t.element);
        for (uint32_t k = 0; k < t.count; ++k) {
            memory_leaves(p, t.element, offset + k * stride, false, 0, 0, out);
        }
        return;
    }
    case Kind::matrix: {
        const uint32_t scalar_bytes = implicit_size(m_.type(t.element).element);
        for (uint32_t k = 0; k < t.count; ++k) {
            if (!p.is_explicit) {
                memory_leaves(p, t.element, offset + k * implicit_size(t.element), false, 0, 0,
                              out);
            } else if (row_major) {
                memory_leaves(p, t.element, offset + k * scalar_bytes, false, 0, matrix_stride,
                              out);
            } else {
                memory_leaves(p, t.element, offset + k * matrix_stride, false, 0, 0, out);
            }
        }
        return;
    }
    case Kind::array: {
        const uint32_t stride = array_stride(p, type_id);
        for (uint32_t k = 0; k < t.count; ++k) {
            memory_leaves(p, t.element, offset + k * stride, row_major, matrix_stride, 0, out);
        }
        return;
    }
    case Kind::structure:
        for (uint32_t k = 0; k < t.members.size(); ++k) {
            const Decor& d = m_.member_decor(type_id, k);
            const uint32_t at = p.is_explicit ? d.offset.value_or(0) : implicit_offset(type_id, k);
            memory_leaves(p, t.members[k], offset + at, d.row_major, d.matrix_stride.value_or(0), 0,
                          out);
        }
        return;
    case Kind::pointer:
        for (uint32_t k = 0; k < t.leaves; ++k) {
            const bool wide =
                k == 0 && (t.storage == spv::StorageClass::PhysicalStorageBuffer || t.leaves == 3);
            out.push_back({offset + k * 8, wide ? Base::bits64 : Base::bits32,
                           static_cast<uint8_t>(wide ? 8 : 4)});
        }
        return;
    case Kind::image:
    case Kind::sampler:
    case Kind::sampled_image:
        for (uint32_t k = 0; k < t.leaves; ++k) {
            out.push_back({offset + k * 8, Base::bits64, 8});
        }
        return;
    default:
        unsupported("loads and stores of this type");
    }
}

std::vector<Inst*> Translator::address(const Pointer& p, uint32_t extra, uint32_t& imm) {
    const uint64_t sum = static_cast<uint64_t>(p.imm) + extra;
    Inst* offset = p.offset;
    if (sum < 0x7fffffffu) {
        imm = static_cast<uint32_t>(sum);
    } else {
        imm = 0;
        Inst* constant = b_.u32(static_cast<uint32_t>(sum));
        offset = offset == nullptr ? constant : b_.alu(HwOp::iadd, HwType::u32, {offset, constant});
    }
    return {p.base, offset, options_.robust_buffers ? p.limit : nullptr};
}

namespace {

HwType element_type_of(uint8_t bytes) {
    switch (bytes) {
    case 1:
        return HwType::u8;
    case 2:
        return HwType::u16;
    case 8:
        return HwType::u64;
    default:
        return HwType::u32;
    }
}

} // namespace

Translator::Leaves Translator::load(const Pointer& source, bool is_volatile) {
    if (source.kind == Pointer::Kind::record) {
        return load_record(source);
    }
    Pointer p = source;
    resolve(p);
    const uint32_t count = m_.type(p.type).leaves;
    if (count > kMaxLeaves) {
        unsupported("loads of more than " + std::to_string(kMaxLeaves) + " scalars");
    }
    if (p.kind == Pointer::Kind::resource) {
        return handle(p);
    }
    Leaves out;
    if (p.kind == Pointer::Kind::slots) {
        if (p.variable->home == Home::input) {
            if (p.dynamic_leaf != nullptr) {
                corrupt("SPIR-V: run-time index into an input without storage");
            }
            return load_input(*p.variable, p.leaf, count);
        }
        for (uint32_t k = 0; k < count; ++k) {
            out.push_back(slots_.read(p.variable->first_slot + p.leaf + k, b_.block()));
        }
        return out;
    }
    if (p.kind != Pointer::Kind::memory) {
        corrupt("SPIR-V: load through a texel pointer");
    }
    std::vector<MemoryLeaf> parts;
    memory_leaves(p, p.type, 0, p.row_major, p.matrix_stride, p.component_stride, parts);
    const bool vol = is_volatile || p.is_volatile;
    for (size_t k = 0; k < parts.size();) {
        size_t n = 1;
        while (n < kMaxVector && k + n < parts.size() && parts[k + n].bytes == parts[k].bytes &&
               parts[k + n].base == parts[k].base &&
               parts[k + n].offset == parts[k].offset + n * parts[k].bytes) {
            ++n;
        }
        const Base base = parts[k].base == Base::boolean ? Base::bits32 : parts[k].base;
        uint32_t imm = 0;
        const std::vector<Inst*> at = address(p, parts[k].offset, imm);
        const hw::LdSub sub{.n = static_cast<unsigned>(n - 1), .space = p.space, .vol = vol};
        Inst* tuple = b_.raw(ir::op(HwOp::ld), element_type_of(parts[k].bytes),
                             {base, static_cast<uint8_t>(n)}, at, sub.pack(), imm);
        tuple->invariant = p.invariant && !vol;
        for (size_t e = 0; e < n; ++e) {
            Inst* v = b_.extract(tuple, static_cast<unsigned>(e));
            out.push_back(parts[k].base == Base::boolean ? b_.to_boolean(v) : v);
        }
        k += n;
    }
    return out;
}

void Translator::store(const Pointer& target, const Leaves& values, bool is_volatile) {
    if (target.kind == Pointer::Kind::record) {
        store_record(target, values);
        return;
    }
    Pointer p = target;
    resolve(p);
    if (values.size() != m_.type(p.type).leaves) {
        corrupt("SPIR-V: stored value does not match the pointer");
    }
    if (p.kind == Pointer::Kind::slots && p.variable->home == Home::slots) {
        for (size_t k = 0; k < values.size(); ++k) {
            const auto leaf = p.leaf + static_cast<uint32_t>(k);
            slots_.write(p.variable->first_slot + leaf, b_.block(), values[k]);
            if (leaf < p.variable->io.size()) {
                p.variable->io[leaf].written = true;
            }
        }
        return;
    }
    if (p.kind != Pointer::Kind::memory || p.invariant) {
        corrupt("SPIR-V: store to something that cannot be written");
    }
    std::vector<MemoryLeaf> parts;
    memory_leaves(p, p.type, 0, p.row_major, p.matrix_stride, p.component_stride, parts);
    for (size_t k = 0; k < parts.size();) {
        size_t n = 1;
        while (n < kMaxVector && k + n < parts.size() && parts[k + n].bytes == parts[k].bytes &&
               parts[k + n].base == parts[k].base &&
               parts[k + n].offset == parts[k].offset + n * parts[k].bytes) {
            ++n;
        }
        Leaves data;
        for (size_t e = 0; e < n; ++e) {
            data.push_back(b_.from_boolean(values[k + e]));
        }
        uint32_t imm = 0;
        std::vector<Inst*> operands = address(p, parts[k].offset, imm);
        operands.insert(operands.begin(), b_.collect(data));
        const hw::StSub sub{.n = static_cast<unsigned>(n - 1),
                            .space = p.space,
                            .vol = is_volatile || p.is_volatile};
        b_.raw(ir::op(HwOp::st), element_type_of(parts[k].bytes), {}, operands, sub.pack(), imm);
        k += n;
    }
}

} // namespace kite::cc::spirv
