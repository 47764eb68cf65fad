// SPDX-License-Identifier: MIT
#define SPV_ENABLE_UTILITY_CODE
#include "shader-compiler/spirv/module.hpp"

#include "shader-compiler/spirv/failure.hpp"
#include "shader-compiler/spirv/spec_fold.hpp"

#include <algorithm>
#include <cstring>

namespace kite::cc::spirv {

hw::Type exact_type(const Type& t, bool is_signed) {
    if (t.kind == Kind::floating) {
        return t.width == 64 ? hw::Type::f64 : t.width == 16 ? hw::Type::f16 : hw::Type::f32;
    }
    switch (t.width) {
    case 8:
        return is_signed ? hw::Type::i8 : hw::Type::u8;
    case 16:
        return is_signed ? hw::Type::i16 : hw::Type::u16;
    case 64:
        return is_signed ? hw::Type::i64 : hw::Type::u64;
    default:
        return is_signed ? hw::Type::i32 : hw::Type::u32;
    }
}

uint32_t Instr::word(size_t i) const {
    if (i >= w.size()) {
        corrupt("SPIR-V: instruction too short");
    }
    return w[i];
}

const Type& Module::type(uint32_t id) const {
    if (id >= types.size() || types[id].kind == Kind::none) {
        corrupt("SPIR-V: id " + std::to_string(id) + " is not a type the compiler knows");
    }
    return types[id];
}

uint32_t Module::pointee(uint32_t pointer_type) const {
    const Type& t = type(pointer_type);
    if (t.kind != Kind::pointer) {
        corrupt("SPIR-V: not a pointer type");
    }
    return t.element;
}

const Constant* Module::constant(uint32_t id) const {
    const auto it = constants.find(id);
    return it == constants.end() ? nullptr : &it->second;
}

uint64_t Module::constant_int(uint32_t id) const {
    const Constant* c = constant(id);
    if (c == nullptr || c->bits.size() != 1) {
        corrupt("SPIR-V: integer constant expected");
    }
    return c->bits[0];
}

const Decor& Module::decor(uint32_t id) const {
    static const Decor none;
    const auto it = decors.find(id);
    return it == decors.end() ? none : it->second;
}

const Decor& Module::member_decor(uint32_t struct_id, uint32_t member) const {
    static const Decor none;
    const auto it = member_decors.find((static_cast<uint64_t>(struct_id) << 32) | member);
    return it == member_decors.end() ? none : it->second;
}

uint32_t Module::element_type(uint32_t type_id, uint32_t i) const {
    const Type& t = type(type_id);
    switch (t.kind) {
    case Kind::structure:
        if (i >= t.members.size()) {
            corrupt("SPIR-V: member index out of range");
        }
        return t.members[i];
    case Kind::vector:
    case Kind::matrix:
    case Kind::array:
        if (i >= t.count) {
            corrupt("SPIR-V: element index out of range");
        }
        return t.element;
    case Kind::runtime_array:
        return t.element;
    default:
        corrupt("SPIR-V: not a composite type");
    }
}

uint32_t Module::leaf_offset(uint32_t type_id, uint32_t i) const {
    const Type& t = type(type_id);
    if (t.kind == Kind::structure) {
        uint32_t sum = 0;
        for (uint32_t m = 0; m < i; ++m) {
            sum += type(element_type(type_id, m)).leaves;
        }
        (void)element_type(type_id, i);
        return sum;
    }
    return i * type(element_type(type_id, i)).leaves;
}

void Module::leaf_bases(uint32_t type_id, std::vector<ir::Base>& out) const {
    const Type& t = type(type_id);
    if (t.leaves > kMaxLeaves) {
        unsupported("composite value with more than " + std::to_string(kMaxLeaves) + " scalars");
    }
    switch (t.kind) {
    case Kind::boolean:
        out.push_back(ir::Base::boolean);
        break;
    case Kind::integer:
    case Kind::floating:
        out.push_back(t.width == 64   ? ir::Base::bits64
                      : t.width == 16 ? ir::Base::bits16
                                      : ir::Base::bits32);
        break;
    case Kind::vector:
    case Kind::matrix:
    case Kind::array:
        for (uint32_t i = 0; i < t.count; ++i) {
            leaf_bases(t.element, out);
        }
        break;
    case Kind::structure:
        for (const uint32_t m : t.members) {
            leaf_bases(m, out);
        }
        break;
    case Kind::image:
    case Kind::sampler:
        out.push_back(ir::Base::bits64);
        break;
    case Kind::sampled_image:
        out.insert(out.end(), {ir::Base::bits64, ir::Base::bits64});
        break;
    case Kind::pointer:
        if (t.storage == spv::StorageClass::PhysicalStorageBuffer) {
            out.push_back(ir::Base::bits64);
        } else if (t.storage == spv::StorageClass::StorageBuffer ||
                   t.storage == spv::StorageClass::Uniform) {
            out.insert(out.end(), {ir::Base::bits64, ir::Base::bits32, ir::Base::bits32});
        } else {
            out.push_back(ir::Base::bits32);
        }
        break;
    default:
        break;
    }
}

class ModuleParser {
public:
    explicit ModuleParser(Module& m) : m_(m) {}

    void run() {
        const std::vector<uint32_t>& w = m_.words;
        if (w.size() < 5 || w[3] > (1u << 22)) {
            corrupt("SPIR-V: bad header");
        }
        m_.bound = w[3];
        m_.types.resize(m_.bound);
        bool in_body = false;
        unsigned functions = 0;
        for (size_t i = 5; i < w.size();) {
            const size_t n = w[i] >> 16;
            if (n == 0 || i + n > w.size()) {
                corrupt("SPIR-V: truncated instruction");
            }
            Instr inst;
            inst.op = static_cast<spv::Op>(w[i] & 0xffffu);
            bool has_result = false;
            bool has_type = false;
            spv::HasResultAndType(inst.op, &has_result, &has_type);
            size_t at = i + 1;
            const size_t end = i + n;
            if (has_type && at < end) {
                inst.type = w[at++];
            }
            if (has_result && at < end) {
                inst.id = w[at++];
            }
            inst.w = std::span<const uint32_t>(w).subspan(at, end - at);
            i = end;
            if (inst.type >= m_.bound || inst.id >= m_.bound) {
                corrupt("SPIR-V: id out of bounds");
            }
            if (inst.op == spv::Op::OpFunction) {
                in_body = inst.id == entry_;
                ++functions;
                continue;
            }
            if (inst.op == spv::Op::OpFunctionEnd) {
                in_body = false;
                continue;
            }
            if (functions > 0) {
                if (in_body && inst.op != spv::Op::OpFunctionParameter &&
                    inst.op != spv::Op::OpLine && inst.op != spv::Op::OpNoLine &&
                    inst.op != spv::Op::OpNop) {
                    m_.body.push_back(inst);
                }
                continue;
            }
            global(inst);
        }
        finish();
    }

private:
    void global(const Instr& inst) {
        switch (inst.op) {
        case spv::Op::OpExtInstImport: {
            const char* name = reinterpret_cast<const char*>(inst.w.data());
            if (std::string_view(name, strnlen(name, inst.w.size_bytes())) == "GLSL.std.450") {
                m_.glsl_set = inst.id;
            }
            break;
        }
        case spv::Op::OpCapability: {
            const auto capability = static_cast<spv::Capability>(inst.word(0));
            if (capability == spv::Capability::FloatControls2) {
                m_.strict_floats = m_.signed_zeros = true;
            } else if (capability == spv::Capability::SignedZeroInfNanPreserve) {
                m_.signed_zeros = true;
            }
            break;
        }
        case spv::Op::OpEntryPoint:
            entry_ = inst.word(1);
            break;
        case spv::Op::OpExecutionMode:
        case spv::Op::OpExecutionModeId:
            (void)inst.word(1);
            m_.modes[inst.w[1]].assign(inst.w.begin() + 2, inst.w.end());
            break;
        case spv::Op::OpDecorate:
            decorate(m_.decors[inst.word(0)], inst.word(1),
                     inst.w.subspan(std::min<size_t>(2, inst.w.size())));
            break;
        case spv::Op::OpMemberDecorate:
            decorate(m_.member_decors[(static_cast<uint64_t>(inst.word(0)) << 32) | inst.word(1)],
                     inst.word(2), inst.w.subspan(std::min<size_t>(3, inst.w.size())));
            break;
        case spv::Op::OpVariable:
            m_.variables.push_back(inst);
            break;
        case spv::Op::OpTypeForwardPointer: {
            // Aggregates of the pointer may come before the OpTypePointer that completes it.
            Type t;
            t.kind = Kind::pointer;
            t.storage = static_cast<spv::StorageClass>(inst.word(1));
            t.leaves = 1;
            if (inst.word(0) < m_.types.size()) {
                m_.types[inst.word(0)] = t;
            }
            break;
        }
        default:
            if (inst.id != 0 && inst.type == 0) {
                declare_type(inst);
            } else if (inst.id != 0) {
                declare_constant(inst);
            }
            break;
        }
    }

    void decorate(Decor& d, uint32_t kind, std::span<const uint32_t> literals) {
        const uint32_t v = literals.empty() ? 0 : literals[0];
        switch (static_cast<spv::Decoration>(kind)) {
        case spv::Decoration::Location:
            d.location = v;
            break;
        case spv::Decoration::Component:
            d.component = v;
            break;
        case spv::Decoration::Index:
            d.index = v;
            break;
        case spv::Decoration::Binding:
            d.binding = v;
            break;
        case spv::Decoration::DescriptorSet:
            d.set = v;
            break;
        case spv::Decoration::Offset:
            d.offset = v;
            break;
        case spv::Decoration::ArrayStride:
            d.array_stride = v;
            break;
        case spv::Decoration::MatrixStride:
            d.matrix_stride = v;
            break;
        case spv::Decoration::BuiltIn:
            d.builtin = v;
            break;
        case spv::Decoration::InputAttachmentIndex:
            d.input_attachment = v;
            break;
        case spv::Decoration::XfbBuffer:
            d.xfb_buffer = v;
            break;
        case spv::Decoration::XfbStride:
            d.xfb_stride = v;
            break;
        case spv::Decoration::Stream:
            d.stream = v;
            break;
        case spv::Decoration::FPRoundingMode:
            d.rounding = v;
            break;
        case spv::Decoration::Flat:
            d.flat = true;
            break;
        case spv::Decoration::NoPerspective:
            d.noperspective = true;
            break;
        case spv::Decoration::Centroid:
            d.centroid = true;
            break;
        case spv::Decoration::Sample:
            d.sample = true;
            break;
        case spv::Decoration::Block:
            d.block = true;
            break;
        case spv::Decoration::BufferBlock:
            d.buffer_block = true;
            break;
        case spv::Decoration::NonWritable:
            d.non_writable = true;
            break;
        case spv::Decoration::RowMajor:
            d.row_major = true;
            break;
        case spv::Decoration::Coherent:
            d.coherent = true;
            break;
        case spv::Decoration::Volatile:
            d.is_volatile = true;
            break;
        case spv::Decoration::NoContraction:
            d.no_contraction = true;
            break;
        case spv::Decoration::NonUniform:
            d.non_uniform = true;
            break;
        case spv::Decoration::Patch:
            d.patch = true;
            break;
        case spv::Decoration::Restrict:
            d.restrict_ = true;
            break;
        case spv::Decoration::Invariant:
            d.invariant = true;
            m_.any_invariant = true;
            break;
        default:
            break;
        }
    }

    uint32_t leaves(uint32_t id) const { return m_.type(id).leaves; }

    static uint32_t saturate(uint64_t n) {
        return n > kMaxLeaves ? kMaxLeaves + 1 : static_cast<uint32_t>(n);
    }

    void declare_type(const Instr& inst) {
        Type t;
        switch (inst.op) {
        case spv::Op::OpTypeVoid:
            t.kind = Kind::void_;
            break;
        case spv::Op::OpTypeBool:
            t.kind = Kind::boolean;
            t.width = 32;
            t.leaves = 1;
            break;
        case spv::Op::OpTypeInt:
        case spv::Op::OpTypeFloat:
            t.kind = inst.op == spv::Op::OpTypeInt ? Kind::integer : Kind::floating;
            if (inst.word(0) != 8 && inst.word(0) != 16 && inst.word(0) != 32 &&
                inst.word(0) != 64) {
                unsupported(std::to_string(inst.word(0)) + "-bit scalars");
            }
            if (inst.op == spv::Op::OpTypeFloat && (inst.word(0) == 8 || inst.w.size() > 1)) {
                unsupported("alternative float encodings");
            }
            t.width = static_cast<uint8_t>(inst.word(0));
            t.is_signed = t.kind == Kind::integer && inst.word(1) != 0;
            t.leaves = 1;
            break;
        case spv::Op::OpTypeVector:
        case spv::Op::OpTypeMatrix:
            t.kind = inst.op == spv::Op::OpTypeVector ? Kind::vector : Kind::matrix;
            t.element = inst.word(0);
            t.count = inst.word(1);
            if (t.count > 16) {
                unsupported("vectors of more than 16 components");
            }
            t.leaves = saturate(static_cast<uint64_t>(leaves(t.element)) * t.count);
            break;
        case spv::Op::OpTypeArray:
            t.kind = Kind::array;
            t.element = inst.word(0);
            t.count = static_cast<uint32_t>(
                std::min<uint64_t>(m_.constant_int(inst.word(1)), 0x7fffffff));
            t.leaves = saturate(static_cast<uint64_t>(leaves(t.element)) * t.count);
            break;
        case spv::Op::OpTypeRuntimeArray:
            t.kind = Kind::runtime_array;
            t.element = inst.word(0);
            break;
        case spv::Op::OpTypeStruct: {
            t.kind = Kind::structure;
            t.members.assign(inst.w.begin(), inst.w.end());
            uint64_t sum = 0;
            for (const uint32_t m : t.members) {
                // A forward-declared pointer type is known only later; it is one 64-bit address.
                sum +=
                    m < m_.types.size() && m_.types[m].kind != Kind::none ? m_.types[m].leaves : 1;
            }
            t.leaves = saturate(sum);
            break;
        }
        case spv::Op::OpTypePointer:
            t.kind = Kind::pointer;
            t.storage = static_cast<spv::StorageClass>(inst.word(0));
            t.element = inst.word(1);
            t.leaves = t.storage == spv::StorageClass::StorageBuffer ||
                               t.storage == spv::StorageClass::Uniform
                           ? 3
                           : 1;
            break;
        case spv::Op::OpTypeImage:
            t.kind = Kind::image;
            t.element = inst.word(0);
            t.dim = static_cast<spv::Dim>(inst.word(1));
            t.arrayed = inst.word(3) != 0;
            t.multisampled = inst.word(4) != 0;
            t.sampled = inst.word(5);
            t.leaves = 1;
            break;
        case spv::Op::OpTypeSampler:
            t.kind = Kind::sampler;
            t.leaves = 1;
            break;
        case spv::Op::OpTypeSampledImage:
            t.kind = Kind::sampled_image;
            t.element = inst.word(0);
            t.leaves = 2;
            break;
        case spv::Op::OpTypeFunction:
            t.kind = Kind::function;
            break;
        default:
            return; // unused kinds surface as "not a type" when used
        }
        const auto nest = [&](uint32_t child) {
            if (child < m_.types.size()) {
                t.depth = std::max(t.depth, m_.types[child].depth + 1);
            }
        };
        if (t.kind != Kind::pointer) {
            nest(t.element);
        }
        for (const uint32_t m : t.members) {
            nest(m);
        }
        if (t.depth > kMaxDepth) {
            unsupported("types nested deeper than " + std::to_string(kMaxDepth));
        }
        m_.types[inst.id] = std::move(t);
    }

    void append_constant(std::vector<uint64_t>& out, uint32_t id) {
        const Constant* c = m_.constant(id);
        if (c == nullptr) {
            corrupt("SPIR-V: constant expected");
        }
        out.insert(out.end(), c->bits.begin(), c->bits.end());
    }

    void declare_constant(const Instr& inst) {
        Constant c;
        c.type = inst.type;
        switch (inst.op) {
        case spv::Op::OpConstantTrue:
        case spv::Op::OpSpecConstantTrue:
            c.bits = {0xffffffffu};
            break;
        case spv::Op::OpConstantFalse:
        case spv::Op::OpSpecConstantFalse:
            c.bits = {0};
            break;
        case spv::Op::OpConstant:
        case spv::Op::OpSpecConstant: {
            uint64_t v = inst.word(0);
            if (inst.w.size() > 1) {
                v |= static_cast<uint64_t>(inst.w[1]) << 32;
            }
            c.bits = {v};
            break;
        }
        case spv::Op::OpConstantComposite:
        case spv::Op::OpSpecConstantComposite:
            for (const uint32_t part : inst.w) {
                append_constant(c.bits, part);
                if (c.bits.size() > kMaxLeaves) {
                    unsupported("constant with more than " + std::to_string(kMaxLeaves) +
                                " scalars");
                }
            }
            break;
        case spv::Op::OpConstantCompositeReplicateEXT:
        case spv::Op::OpSpecConstantCompositeReplicateEXT: {
            const Constant* part = m_.constant(inst.word(0));
            const uint32_t total = m_.type(inst.type).leaves;
            if (part == nullptr || part->bits.empty() || total > kMaxLeaves) {
                unsupported("replicated constant of this type");
            }
            const std::vector<uint64_t> bits = part->bits;
            while (c.bits.size() < total) {
                c.bits.insert(c.bits.end(), bits.begin(), bits.end());
            }
            break;
        }
        case spv::Op::OpConstantNull:
        case spv::Op::OpUndef:
            if (m_.type(inst.type).leaves > kMaxLeaves) {
                unsupported("constant with more than " + std::to_string(kMaxLeaves) + " scalars");
            }
            c.bits.assign(m_.type(inst.type).leaves, 0);
            break;
        case spv::Op::OpSpecConstantOp:
            c.bits = fold_spec_constant(m_, inst);
            break;
        default:
            unsupported("module-scope instruction " +
                        std::to_string(static_cast<unsigned>(inst.op)));
        }
        if (c.bits.size() != m_.type(inst.type).leaves) {
            corrupt("SPIR-V: constant does not match its type");
        }
        m_.constants[inst.id] = std::move(c);
    }

    void finish() {
        if (m_.body.empty()) {
            corrupt("SPIR-V: the entry point has no body");
        }
        // WorkgroupSize (a constant) wins over LocalSizeId, which wins over LocalSize.
        const auto size = m_.modes.find(static_cast<uint32_t>(spv::ExecutionMode::LocalSize));
        if (size != m_.modes.end() && size->second.size() >= 3) {
            std::copy_n(size->second.begin(), 3, m_.local_size.begin());
        }
        const auto ids = m_.modes.find(static_cast<uint32_t>(spv::ExecutionMode::LocalSizeId));
        if (ids != m_.modes.end() && ids->second.size() >= 3) {
            for (size_t i = 0; i < 3; ++i) {
                m_.local_size[i] = static_cast<uint32_t>(m_.constant_int(ids->second[i]));
            }
        }
        for (const auto& [id, c] : m_.constants) {
            const Decor& d = m_.decor(id);
            if (d.builtin == static_cast<uint32_t>(spv::BuiltIn::WorkgroupSize) &&
                c.bits.size() == 3) {
                for (size_t i = 0; i < 3; ++i) {
                    m_.local_size[i] = static_cast<uint32_t>(c.bits[i]);
                }
            }
        }
    }

    Module& m_;
    uint32_t entry_ = 0;
};

std::unique_ptr<Module> parse_module(std::vector<uint32_t> words) {
    auto m = std::make_unique<Module>();
    m->words = std::move(words);
    ModuleParser(*m).run();
    return m;
}

} // namespace kite::cc::spirv
