// SPDX-License-Identifier: MIT
// A simplified SPIR-V module as tables: types, constants, decorations, variables and the
// instructions of the one function.
//
// Module owns a copy of the words; Instr views point into it, so a Module must stay where it is (it
// is not copyable). Built by parse_module() from prepare()'s output; throws Failure. Immutable
// afterwards, hence safe to read from several threads. Ids are checked when looked up: type() and
// friends throw corrupt for an id of the wrong kind.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <spirv/unified1/spirv.hpp11>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace kite::cc::spirv {

/// One instruction; `w` are the words after result type and result id.
struct Instr {
    spv::Op op{};                ///< opcode
    uint32_t type = 0;           ///< result type id or 0
    uint32_t id = 0;             ///< result id or 0
    std::span<const uint32_t> w; ///< remaining words

    /// Word i; throws corrupt if there are fewer.
    [[nodiscard]] uint32_t word(size_t i) const;
};

/// What a type is.
enum class Kind : uint8_t {
    none,
    void_,
    boolean,
    integer,
    floating,
    vector,
    matrix,
    array,
    runtime_array,
    structure,
    pointer,
    image,
    sampler,
    sampled_image,
    function,
};

/// A type.
struct Type {
    Kind kind = Kind::none;        ///< what it is
    uint8_t width = 0;             ///< scalar bits
    bool is_signed = false;        ///< integer signedness
    uint32_t element = 0;          ///< element, pointee, column or image type id
    uint32_t count = 0;            ///< elements of vector, matrix (columns), array
    std::vector<uint32_t> members; ///< of structure
    spv::StorageClass storage{};   ///< of pointer
    spv::Dim dim{};                ///< of image
    bool arrayed = false;          ///< of image
    bool multisampled = false;     ///< of image
    uint32_t sampled = 0;          ///< of image: 1 sampled, 2 storage
    uint32_t depth = 0;            ///< nesting of composites, bounded by kMaxDepth
    uint32_t leaves = 0;           ///< scalars of a value of this type, saturated at kMaxLeaves + 1
};

/// The operation type of a scalar, with its exact width.
[[nodiscard]] hw::Type exact_type(const Type& t, bool is_signed);

/// Values with more scalars than this are refused.
inline constexpr uint32_t kMaxLeaves = 16384;

/// Types nested deeper than this are refused.
inline constexpr uint32_t kMaxDepth = 300;

/// Decorations of an id or of a structure member.
struct Decor {
    std::optional<uint32_t> location, component, index, binding, set, offset, array_stride,
        matrix_stride, builtin, input_attachment, xfb_buffer, xfb_stride, stream; ///< literals
    std::optional<uint32_t> rounding; ///< FPRoundingMode
    bool flat = false, noperspective = false, centroid = false, sample = false, block = false,
         buffer_block = false, non_writable = false, row_major = false, coherent = false,
         is_volatile = false, no_contraction = false, invariant = false, non_uniform = false,
         restrict_ = false, patch = false; ///< flags
};

/// A constant: bits of its leaves, in order. Undefined constants are zero.
struct Constant {
    uint32_t type = 0;          ///< type id
    std::vector<uint64_t> bits; ///< one per leaf
};

/// The module.
class Module {
public:
    Module() = default;
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    /// Type by id.
    [[nodiscard]] const Type& type(uint32_t id) const;
    /// The type a pointer type points to.
    [[nodiscard]] uint32_t pointee(uint32_t pointer_type) const;
    /// Constant by id or nullptr.
    [[nodiscard]] const Constant* constant(uint32_t id) const;
    /// Bits of an integer constant; throws corrupt if it is none.
    [[nodiscard]] uint64_t constant_int(uint32_t id) const;
    /// Decorations of an id.
    [[nodiscard]] const Decor& decor(uint32_t id) const;
    /// Decorations of a member.
    [[nodiscard]] const Decor& member_decor(uint32_t struct_id, uint32_t member) const;
    /// Appends the element types of a value's leaves.
    void leaf_bases(uint32_t type_id, std::vector<ir::Base>& out) const;
    /// First leaf of member/element `i` inside a composite type.
    [[nodiscard]] uint32_t leaf_offset(uint32_t type_id, uint32_t i) const;
    /// Type of member/element i of a composite.
    [[nodiscard]] uint32_t element_type(uint32_t type_id, uint32_t i) const;

    std::vector<uint32_t> words;  ///< the module
    std::vector<Type> types;      ///< by id (Kind::none: not a type)
    std::vector<Instr> variables; ///< module-scope OpVariable
    std::vector<Instr> body;      ///< the entry function, OpLabel to the last terminator
    std::unordered_map<uint32_t, Constant> constants;          ///< by id
    std::unordered_map<uint32_t, Decor> decors;                ///< by id
    std::unordered_map<uint64_t, Decor> member_decors;         ///< by id << 32 | member
    uint32_t glsl_set = 0;                                     ///< id of the GLSL.std.450 import
    uint32_t bound = 0;                                        ///< ids are below
    std::array<uint32_t, 3> local_size{1, 1, 1};               ///< workgroup size
    std::unordered_map<uint32_t, std::vector<uint32_t>> modes; ///< execution modes with literals
    bool any_invariant = false; ///< some output is declared invariant
    bool strict_floats =
        false;                 ///< the module says what may be contracted (SPV_KHR_float_controls2)
    bool signed_zeros = false; ///< the sign of a zero matters
    bool per_sample = false;   ///< fragment: a per-sample input is used statically

private:
    friend class ModuleParser;
};

/// Reads prepare()'s output.
[[nodiscard]] std::unique_ptr<Module> parse_module(std::vector<uint32_t> words);

} // namespace kite::cc::spirv
