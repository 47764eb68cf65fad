// SPDX-License-Identifier: MIT
// Descriptors and system values: where buffers, images and samplers are found.
#include "shader-compiler/spirv/translator.hpp"

#include <limits>

namespace kite::cc::spirv {

namespace {

constexpr uint32_t kDescriptorSizeOffset = 8; // BufferDescriptor.size_bytes
constexpr uint32_t kBufferDescriptorBytes = 16;
constexpr uint32_t kMaxSets = 8;

} // namespace

Inst* Translator::sys(hw::SysVal value, unsigned index) {
    if (value == hw::SysVal::helper || value == hw::SysVal::clock) {
        return b_.sys(value, index); // changes while the program runs
    }
    Inst*& cached = sys_cache_[{value, index}];
    if (cached == nullptr) {
        ir::Block* here = b_.block();
        b_.at(prologue_);
        cached = b_.sys(value, index);
        b_.at(here);
    }
    return cached;
}

const Binding* Translator::find_binding(uint32_t id) {
    const Decor& d = m_.decor(id);
    const uint32_t set = d.set.value_or(0);
    const uint32_t binding = d.binding.value_or(0);
    for (const Binding& b : options_.bindings) {
        if (b.set == set && b.binding == binding) {
            if (set >= kMaxSets) {
                break;
            }
            return &b;
        }
    }
    invalid_argument("the pipeline layout has no set " + std::to_string(set) + " binding " +
                     std::to_string(binding));
}

Inst* Translator::descriptor_address(const Binding& b, Inst* index) {
    uint64_t constant = 0;
    if (index != nullptr && options_.robust_buffers && b.count != 0) {
        index = b_.alu(HwOp::imin, HwType::u32, {index, b_.u32(b.count - 1)});
    }
    const bool known = index == nullptr || ir::is_constant(index, constant);
    Inst* base = b.dynamic ? sys(hw::SysVal::dynamic_va) : sys(hw::SysVal::set_va, b.set);
    const uint64_t start =
        b.dynamic ? static_cast<uint64_t>(b.dynamic_index) * kBufferDescriptorBytes : b.offset;
    const uint64_t stride = b.dynamic ? kBufferDescriptorBytes : b.stride;
    if (known) {
        return b_.alu(HwOp::iadd, HwType::u64, {base, b_.u64(start + constant * stride)});
    }
    Inst* scaled =
        b_.alu(HwOp::imul, HwType::u64, {b_.cvt(HwType::u64, HwType::u32, index), b_.u64(stride)});
    return b_.alu(HwOp::iadd, HwType::u64,
                  {b_.alu(HwOp::iadd, HwType::u64, {base, scaled}), b_.u64(start)});
}

Pointer Translator::buffer_pointer(Variable& v, Inst* index) {
    if (v.binding == nullptr) {
        v.binding = find_binding(v.id);
    }
    uint64_t constant = 0;
    const bool known = index == nullptr || ir::is_constant(index, constant);
    const auto key = std::pair(v.id, static_cast<uint32_t>(constant));
    if (known) {
        if (const auto it = descriptor_cache_.find(key); it != descriptor_cache_.end()) {
            return it->second;
        }
    }
    // A descriptor whose index is known is loaded once, at the top.
    ir::Block* here = b_.block();
    if (known) {
        b_.at(prologue_);
    }
    uint32_t block_type = v.type;
    while (m_.type(block_type).kind == Kind::array ||
           m_.type(block_type).kind == Kind::runtime_array) {
        block_type = m_.type(block_type).element;
    }
    Pointer p;
    p.is_explicit = true;
    Inst* descriptor = descriptor_address(*v.binding, index);
    if (v.binding->kind == DescriptorKind::inline_uniform) {
        p.base = descriptor;
        p.invariant = true;
    } else if (v.binding->kind == DescriptorKind::uniform_buffer ||
               v.binding->kind == DescriptorKind::storage_buffer ||
               v.binding->kind == DescriptorKind::any) {
        const bool uniform =
            v.storage == spv::StorageClass::Uniform && !m_.decor(block_type).buffer_block;
        const Decor& d = m_.decor(v.id);
        bool read_only = d.non_writable;
        if (!read_only && !m_.type(block_type).members.empty()) {
            read_only = true;
            for (uint32_t k = 0; k < m_.type(block_type).members.size(); ++k) {
                read_only = read_only && m_.member_decor(block_type, k).non_writable;
            }
        }
        p.is_volatile = d.is_volatile || d.coherent;
        p.invariant = uniform || ((read_only || !writes_buffers_) && !p.is_volatile);
        Inst* const at[] = {descriptor};
        p.base = b_.raw(ir::op(HwOp::ld), HwType::u64, {Base::bits64}, at, hw::LdSub{}.pack(), 0);
        p.limit = b_.raw(ir::op(HwOp::ld), HwType::u32, {Base::bits32}, at, hw::LdSub{}.pack(),
                         kDescriptorSizeOffset);
        p.base->invariant = p.limit->invariant = true;
    } else {
        invalid_argument("the layout's descriptor is not a buffer");
    }
    b_.at(here);
    if (known) {
        descriptor_cache_[key] = p;
    }
    return p;
}

Translator::Leaves Translator::handle(const Pointer& p) {
    Variable& v = *p.variable;
    if (v.binding == nullptr) {
        v.binding = find_binding(v.id);
    }
    const Type& t = m_.type(p.type);
    if (t.kind == Kind::array) {
        Leaves all;
        for (uint32_t k = 0; k < t.count; ++k) {
            Pointer element = p;
            element.type = t.element;
            Inst* base = p.index == nullptr
                             ? b_.u32(0)
                             : b_.alu(HwOp::imul, HwType::u32, {p.index, b_.u32(t.count)});
            element.index = b_.alu(HwOp::iadd, HwType::u32, {base, b_.u32(k)});
            const Leaves one = handle(element);
            all.insert(all.end(), one.begin(), one.end());
        }
        return all;
    }
    const Binding& b = *v.binding;
    switch (b.kind) {
    case DescriptorKind::uniform_buffer:
    case DescriptorKind::storage_buffer:
    case DescriptorKind::inline_uniform:
        invalid_argument("the layout's descriptor is not an image or sampler");
    default:
        break;
    }
    uint64_t constant = 0;
    ir::Block* here = b_.block();
    if (p.index == nullptr || ir::is_constant(p.index, constant)) {
        b_.at(prologue_);
    }
    Leaves out{descriptor_address(b, p.index)};
    const bool combined = b.kind == DescriptorKind::combined_image_sampler ||
                          (b.kind == DescriptorKind::any && t.kind == Kind::sampled_image);
    const auto sampler_part = [&] {
        return combined ? b_.alu(HwOp::iadd, HwType::u64, {out[0], b_.u64(kCombinedSamplerOffset)})
                        : out[0];
    };
    if (t.kind == Kind::sampled_image) {
        out.push_back(sampler_part());
        if (!b.ycbcr.empty()) {
            if (p.index != nullptr && !ir::is_constant(p.index, constant)) {
                invalid_argument(
                    "an image with a sampler Y'CbCr conversion is indexed dynamically");
            }
            if (constant < b.ycbcr.size() && b.ycbcr[constant].planes != 0) {
                ycbcr_[out[0]] = &b.ycbcr[constant];
            }
        }
    } else if (t.kind == Kind::sampler) {
        out[0] = sampler_part();
    } else if (t.kind != Kind::image) {
        unsupported("descriptors of this type");
    }
    b_.at(here);
    return out;
}

} // namespace kite::cc::spirv
