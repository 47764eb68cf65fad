// SPDX-License-Identifier: MIT
// The translator: one pass over the entry function's blocks in reverse post order, each instruction
// becoming IR.
//
// Everything is scalarised: a SPIR-V value is the list of its scalars ("leaves"); pointers are
// described, not computed, until memory is touched. The class is split over files by instruction
// group (ops_*.cpp, memory.cpp, interface.cpp, descriptors.cpp); this header is private to the
// folder. One Translator per compile, used by one thread; throws Failure.
#pragma once

#include "kite_cc/compiler.hpp"
#include "shader-compiler/ir/builder.hpp"
#include "shader-compiler/spirv/failure.hpp"
#include "shader-compiler/spirv/module.hpp"
#include "shader-compiler/spirv/slots.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace kite::cc::spirv {

using ir::Base;
using ir::Inst;
using HwOp = hw::Op;
using HwType = hw::Type;

/// One scalar of a stage input or output.
struct IoLeaf {
    Base base = Base::bits32; ///< element type of the SPIR-V scalar
    uint32_t type = 0;        ///< SPIR-V scalar type id
    uint32_t slot = 0;        ///< varying, attribute or output slot (location * 4 + component)
    std::optional<uint32_t> builtin;           ///< spv::BuiltIn, then `slot` is the component
    hw::Interp interp = hw::Interp::smooth;    ///< fragment inputs
    hw::InterpLoc loc = hw::InterpLoc::center; ///< fragment inputs
    bool written = false;                      ///< outputs
};

/// How a variable's storage is realised.
enum class Home : uint8_t {
    slots,    ///< SSA values (private, function, output)
    input,    ///< read with input instructions
    scratch,  ///< private memory
    shared,   ///< workgroup memory
    resource, ///< descriptor(s)
    push,     ///< push constants
    record,   ///< vertex and patch records of tessellation and geometry stages
};

/// An OpVariable.
struct Variable {
    uint32_t id = 0;                  ///< id
    uint32_t type = 0;                ///< type of the contents
    spv::StorageClass storage{};      ///< class
    Home home = Home::slots;          ///< realisation
    uint32_t first_slot = 0;          ///< slots: number of leaf 0 in Slots
    uint32_t offset = 0;              ///< scratch, shared: byte offset
    const Binding* binding = nullptr; ///< resource
    std::vector<IoLeaf> io;           ///< input, output: per leaf (record: of one element)
    hw::SysVal record_base{};         ///< record: where the first one is
    bool arrayed = false;             ///< record: the outermost index chooses the vertex
};

/// A described pointer.
struct Pointer {
    /// Where it points.
    enum class Kind : uint8_t { memory, slots, resource, texel, record };
    Kind kind = Kind::memory;            ///< kind
    uint32_t type = 0;                   ///< type of what it points to
    Variable* variable = nullptr;        ///< slots, resource
    uint32_t leaf = 0;                   ///< slots: first leaf
    Inst* dynamic_leaf = nullptr;        ///< inputs for interpolateAt*: leaves to add at run time
    Inst* index = nullptr;               ///< resource: descriptor array element (nullptr = 0)
    hw::Space space = hw::Space::global; ///< memory
    Inst* base = nullptr;                ///< memory, global: 64-bit address
    Inst* offset = nullptr;              ///< memory, record: 32-bit byte offset or nullptr
    uint32_t imm = 0;                    ///< memory, record: constant part of the offset
    bool element = false;                ///< record: the vertex is chosen
    Inst* limit = nullptr;               ///< memory: size that bounds offset + imm
    bool is_explicit = false;            ///< memory: layout from decorations
    bool invariant = false;              ///< memory: cannot change
    bool is_volatile = false;            ///< memory: accesses must not merge
    bool row_major = false;              ///< memory: matrices inside are row major
    uint32_t matrix_stride = 0;          ///< memory: stride of matrices inside
    uint32_t component_stride = 0;       ///< memory: of a vector inside a row-major matrix, else 0
    uint32_t image_type = 0;             ///< texel: image type id
    Inst* image = nullptr;               ///< texel: descriptor address
    std::vector<Inst*> coords; ///< texel: integer coordinates, then sample if multisampled
};

/// A SPIR-V value: its scalars, or a described pointer.
struct Value {
    std::vector<Inst*> leaves;        ///< scalars
    std::shared_ptr<Pointer> pointer; ///< pointers
};

class Translator {
public:
    Translator(const Module& module, const Options& options, ProgramFacts& facts);
    /// Translates the function.
    std::unique_ptr<ir::Function> run();

private:
    using Leaves = std::vector<Inst*>;

    // translate.cpp: control flow and dispatch
    void build_cfg();
    void translate_block(uint32_t index);
    void translate(const Instr& i);
    void terminator(const Instr& i);
    void phi(const Instr& i);
    void fill_phis();
    bool try_flow(const Instr& i);
    void set(uint32_t id, Leaves leaves);
    void set_pointer(uint32_t id, Pointer p);
    Value& value(uint32_t id);
    const Leaves& leaves(uint32_t id);
    Inst* scalar(uint32_t id);
    Pointer& pointer(uint32_t id);
    Leaves constant_leaves(const Constant& c);
    uint32_t type_of(uint32_t id);
    std::optional<uint64_t> constant_value(uint32_t id);
    Leaves pointer_leaves(const Pointer& p);
    Pointer pointer_from_leaves(uint32_t pointer_type, const Leaves& l);

    // types
    HwType float_type(uint32_t type_id);
    HwType int_type(uint32_t type_id, bool is_signed);
    uint32_t scalar_type(uint32_t type_id);
    const Type& scalar_of(uint32_t type_id) { return m_.type(scalar_type(type_id)); }
    Inst* widen_int(Inst* v, uint32_t type_id, bool is_signed);
    Inst* to_u32(Inst* v, uint32_t type_id);
    Inst* as_u32(uint32_t id);

    // ops_alu.cpp
    bool try_alu(const Instr& i);
    bool try_convert(const Instr& i);
    bool try_integer(const Instr& i);
    bool try_float(const Instr& i);
    bool try_bit_field(const Instr& i);
    Inst* low_bits64(Inst* count);
    Inst* narrow_int(Inst* v, unsigned width);
    Inst* float_extreme(HwOp op, HwType ty, Inst* a, Inst* b);
    bool try_composite(const Instr& i);
    bool try_matrix(const Instr& i);
    Inst* fmul(HwType ty, Inst* a, Inst* b, bool precise);
    Inst* fadd(HwType ty, Inst* a, Inst* b, bool precise);
    Inst* fsub(HwType ty, Inst* a, Inst* b, bool precise);
    Inst* dot(HwType ty, std::span<Inst* const> a, std::span<Inst* const> b, bool precise);
    Inst* bitcast_part(Inst* v, Base to);
    Leaves bitcast(const Leaves& from, uint32_t from_type, uint32_t to_type);
    Leaves select_element(const Leaves& all, size_t width, Inst* index);
    bool precise(const Instr& i) {
        return m_.decor(i.id).no_contraction || m_.any_invariant || m_.strict_floats;
    }
    bool try_dot_product(const Instr& i);

    // ops_glsl.cpp
    void glsl(const Instr& i);
    bool glsl_integer(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_pack(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_geometry(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_matrix(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_math(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_split(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    bool glsl_interpolate(const Instr& i, uint32_t op, std::span<const uint32_t> args);
    Inst* determinant(HwType ty, const Leaves& m, unsigned n);
    Inst* minor(HwType ty, const Leaves& m, unsigned n, unsigned col, unsigned row);

    // memory.cpp
    bool try_memory(const Instr& i);
    void access_chain(const Instr& i, bool element_first);
    void step(Pointer& p, uint32_t index_id);
    void step_leaf(Pointer& p, uint32_t index_id);
    void step_memory(Pointer& p, uint32_t index_id);
    void add_offset(Pointer& p, uint32_t index_id, uint64_t stride);
    void resolve(Pointer& p);
    Leaves load(const Pointer& p, bool is_volatile);
    void store(const Pointer& p, const Leaves& values, bool is_volatile);
    struct MemoryLeaf {
        uint32_t offset;
        Base base;
        uint8_t bytes;
    };
    void memory_leaves(const Pointer& p, uint32_t type_id, uint32_t offset, bool row_major,
                       uint32_t matrix_stride, uint32_t component_stride,
                       std::vector<MemoryLeaf>& out);
    uint32_t implicit_size(uint32_t type_id);
    uint32_t implicit_align(uint32_t type_id);
    uint32_t implicit_offset(uint32_t struct_id, uint32_t member);
    uint64_t explicit_size(uint32_t type_id, bool row_major, uint32_t matrix_stride);
    uint32_t array_stride(const Pointer& p, uint32_t array_type);
    std::vector<Inst*> address(const Pointer& p, uint32_t extra, uint32_t& imm);
    void zero_shared();

    // descriptors.cpp
    const Binding* find_binding(uint32_t id);
    Pointer buffer_pointer(Variable& v, Inst* index);
    Inst* descriptor_address(const Binding& b, Inst* index);
    Leaves handle(const Pointer& p);
    Inst* sys(hw::SysVal value, unsigned index = 0);

    // interface.cpp
    void declare_variables();
    void scan_accesses();
    void declare(const Instr& i, bool local);
    void interface_leaves(Variable& v, uint32_t type_id, IoLeaf like, uint32_t& location,
                          uint32_t component, const Decor& decor);
    uint32_t location_count(uint32_t type_id);
    Leaves load_input(const Variable& v, uint32_t leaf, uint32_t count);
    Inst* load_builtin(const IoLeaf& leaf);
    Inst* load_varying(const IoLeaf& leaf, hw::InterpLoc loc, Inst* a, Inst* b);
    Inst* subgroup_mask(spv::BuiltIn which, uint32_t component);
    /// An output's scalar and where it goes.
    struct OutputWord {
        Inst* value;
        const IoLeaf* leaf; // where it is known whether it is ever written, else null
    };
    std::map<uint32_t, OutputWord> collect_outputs(bool also_unwritten, uint32_t stream);
    void add_outputs(const Variable& v, bool also_unwritten, std::map<uint32_t, OutputWord>& slots);
    void write_outputs();
    Inst* output_value(const IoLeaf& leaf, Inst* value);
    uint32_t output_slot(const IoLeaf& leaf);
    std::optional<hw::Interp> interp_of(const Decor& d);
    uint32_t allocate_scratch(uint32_t type_id);

    // capture.cpp: transform feedback
    struct CapturePlace;
    void capture_outputs();
    void capture_leaves(const Variable& v, uint32_t type_id, CapturePlace& place, uint32_t& leaf);
    void capture_scalar(const IoLeaf& leaf, CapturePlace& place);
    uint32_t stream_of(const Variable& v);

    // records.cpp: tessellation and geometry stages
    void stage_modes();
    bool declare_record(Variable& v, Pointer& p);
    uint32_t record_slot(const Variable& v, const IoLeaf& leaf);
    void step_record(Pointer& p, uint32_t index_id);
    Leaves load_record(const Pointer& p);
    void store_record(const Pointer& p, const Leaves& values);
    Inst* record_offset(const Pointer& p);
    bool try_emit(const Instr& i);
    void drop_unwritten_outputs();

    // ops_image.cpp
    bool try_image(const Instr& i);
    void sample(const Instr& i);
    void gather(const Instr& i);
    void fetch(const Instr& i);
    void image_read(const Instr& i);
    void image_write(const Instr& i);
    void image_query(const Instr& i);
    void texel_pointer(const Instr& i);
    struct ImageOperands {
        uint32_t bias = 0, lod = 0, dx = 0, dy = 0, const_offset = 0, offset = 0, const_offsets = 0,
                 sample = 0, min_lod = 0;
    };
    ImageOperands image_operands(const Instr& i, size_t at);
    Leaves sampled_result(const Instr& i, Inst* tuple, HwType ty);
    /// What is sampled at `coords`, as 4 channels, given the descriptor of a plane and coordinates.
    using PlaneSample = std::function<Inst*(Inst* plane, const Leaves& coords)>;
    Inst* converted(const YcbcrConversion& y, Inst* luma, const Leaves& coords,
                    const PlaneSample& sample);
    HwType texel_type(const Type& image);
    hw::Dim dim_of(const Type& image);
    unsigned spatial(const Type& image);
    Inst* float_coord(uint32_t id, unsigned k);
    uint32_t imm_offsets(uint32_t id);
    std::vector<Inst*> storage_coords(const Type& image, uint32_t coord_id);
    uint32_t image_type_of(uint32_t id);

    // ops_atomic.cpp
    bool try_atomic(const Instr& i);
    Inst* atomic(const Pointer& p, uint32_t type_id, hw::AtomicOp op, Inst* data, Inst* compare);
    bool try_barrier(const Instr& i);

    // ops_subgroup.cpp
    bool try_derivative(const Instr& i);
    bool try_subgroup(const Instr& i);
    Inst* quad(Inst* v, unsigned l0, unsigned l1, unsigned l2, unsigned l3);
    Inst* per_half(Inst* v, auto&& one);
    Inst* shuffle(Inst* v, Inst* lane);
    Inst* read_first(Inst* v);
    void subgroup_arithmetic(const Instr& i);
    Leaves ballot_words(Inst* low);

    const Module& m_;
    const Options& options_;
    ProgramFacts& facts_;
    std::unique_ptr<ir::Function> f_;
    ir::Builder b_;
    Slots slots_;
    std::vector<Value> values_;
    std::vector<uint32_t> value_types_;
    std::unordered_map<uint32_t, std::unique_ptr<Variable>> variables_;
    std::vector<Variable*> ordered_variables_;
    std::unordered_set<uint32_t>
        indirect_; // variables that need memory: run-time indices or escaping pointers
    bool writes_buffers_ = false; // some store or atomic may change buffer memory
    bool zeroed_shared_ = false;  // workgroup variables start as zero
    std::vector<std::pair<Inst*, const IoLeaf*>> emitted_; // geometry: stouts before an emit
    std::vector<ir::Block*> exits_; // blocks that return: outputs are written there at the end
    uint64_t budget_ = 0;           // scalars produced so far
    std::map<std::pair<uint32_t, uint32_t>, Pointer> descriptor_cache_;
    /// By the descriptor address of a combined image sampler.
    std::map<const Inst*, const YcbcrConversion*> ycbcr_;
    std::map<std::pair<hw::SysVal, unsigned>, Inst*> sys_cache_;
    std::unordered_set<const Inst*> precise_;
    ir::Block* prologue_ = nullptr;

    struct SourceBlock {
        uint32_t label = 0;
        size_t first = 0; // index in m_.body of the instruction after OpLabel
        size_t last = 0;  // the terminator
        ir::Block* block = nullptr;
    };
    std::vector<SourceBlock> blocks_;                 // reverse post order
    std::unordered_map<uint32_t, uint32_t> by_label_; // label -> index in blocks_
    struct PendingPhi {
        Inst* phi;
        uint32_t leaf;
        std::vector<std::pair<uint32_t, uint32_t>> incoming; // value id, label
    };
    std::vector<PendingPhi> pending_phis_;
};

} // namespace kite::cc::spirv
