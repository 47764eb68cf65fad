// SPDX-License-Identifier: MIT
// Turns one verified program into LLVM IR. Internal to device/exec/jit.
//
// Registers are allocas that SROA turns into values; an instruction is lowered on <W x iN> values,
// or on iN when its destination is scalar (see Shape). Masks are <W x i1> values kept in allocas:
// as they are for W = 16, as sign masks of <8 x i32> for W = 8, which AVX2 likes. One Emitter
// serves one program on one thread. Anything it can't express sets error(); the caller then
// interprets.
#pragma once

#include "device/exec/jit/pch.hpp"

#include "device/exec/jit/abi.hpp"
#include "device/exec/jit/flow_plan.hpp"
#include "kite_hw/verify.hpp"

#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace kite::dev::exec::jit {

/// Whether values are one per lane or one per wave.
enum class Shape : uint8_t { scalar, vector };

/// See the head of this file.
class Emitter {
public:
    /// Emits into `module`, whose target settings are the caller's.
    Emitter(llvm::Module& module, const Program& program, const VertexKey& key, unsigned width);
    /// Emits the function called `name`. False: see error().
    bool run(const char* name);
    /// Why not.
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    using Value = llvm::Value;
    using Block = llvm::BasicBlock;

    struct Frame {
        hw::Op kind{};
        uint32_t start = 0;
        bool uniform_if = false, has_else = false, in_else = false, divergent = false;
        bool touched = false; // lanes may have left for good
        bool latch_used = false;
        llvm::AllocaInst *live = nullptr, *other = nullptr, *again = nullptr;
        Block *other_bb = nullptr, *end_bb = nullptr, *header = nullptr, *latch = nullptr;
    };

    struct Barycentrics {
        Value *i, *j;
    };

    // A located memory access, scalar (one address) or per lane.
    struct Place {
        Shape shape = Shape::scalar;
        Value* base = nullptr; // scalar host pointer
        Value* index =
            nullptr; // vector: <W x i32> signed byte offsets from base; nullptr: use pointers
        Value* low = nullptr; // scalar or vector i32: low bits of the address, for narrow gathers
        Value* pointers = nullptr; // vector: host pointers
        Value* ok = nullptr;       // in bounds: i1 or <W x i1>; nullptr: always
    };

    // --- values and registers (emitter.cpp)
    llvm::Type* ity(unsigned bits, Shape shape) const;
    llvm::Type* fty(hw::Type ty, Shape shape) const;
    Value* splat(Value* scalar) { return b_.CreateVectorSplat(width_, scalar); }
    Value* constant(uint64_t x, unsigned bits, Shape shape) const;
    Value* reg(const hw::Inst& inst, const hw::Operand& o, unsigned k, Shape shape);
    Value* value(const hw::Inst& inst, const hw::Operand& o, hw::Type ty, Shape shape);
    Value* pair(const hw::Operand& o, Shape shape);
    void write(const hw::Inst& inst, unsigned k, Value* x);
    void write_value(const hw::Inst& inst, hw::Type ty, Value* x);
    llvm::AllocaInst* alloca_of(llvm::Type* ty, const char* name, unsigned align = 0);
    Shape shape_of(const hw::Inst& inst) const;
    Shape shape_of(const hw::Operand& o) const {
        return o.file == hw::File::V ? Shape::vector : Shape::scalar;
    }
    bool fail(std::string why);
    Value* field(Value* base, size_t offset, llvm::Type* ty); // invariant load at the cursor
    Value* entry_field(Value* base, size_t offset,
                       llvm::Type* ty); // the same, once, in the entry block
    Value* address(Value* base, uint64_t offset) {
        return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), base, offset);
    }
    Value* wide_bool(Value* i1);  // i1 -> 0 / ~0
    Value* truth(Value* x);       // x != 0
    Value* helper(size_t offset); // function pointer
    Value* inst_pointer(const hw::Inst& inst);

    // --- masks (emitter.cpp)
    llvm::AllocaInst* mask_alloca(const char* name);
    Value* load_mask(llvm::AllocaInst* a);
    void store_mask(llvm::AllocaInst* a, Value* mask);
    Value* exec() { return load_mask(exec_); }
    Value* storing();
    Value* bits(Value* mask); // <W x i1> -> i32
    Value* any(Value* mask);  // i1
    Value* mask_from_bits(Value* i32);
    Value* no_lanes() const { return llvm::Constant::getNullValue(mask_type_); }

    // --- program (emitter.cpp)
    void prologue();
    void initial_exec();
    void zero_outputs();
    void epilogue();
    bool instruction(uint32_t at, const hw::Inst& inst);

    // --- lower_alu.cpp, lower_cvt.cpp
    void lower_alu(const hw::Inst& inst);
    Value* alu(hw::Op op, hw::Type ty, Shape shape, Value* a, Value* b, Value* c,
               const hw::Inst* inst);
    Value* float_alu(hw::Op op, hw::Type ty, Shape shape, Value* a, Value* b, Value* c,
                     const hw::Inst* inst);
    Value* int_alu(hw::Op op, hw::Type ty, Shape shape, Value* a, Value* b, const hw::Inst* inst);
    Value* divide(hw::Type ty, Shape shape, Value* a, Value* b, bool remainder);
    Value* quotient32(Shape shape, bool is_signed, Value* a, Value* b);
    Value* extract_field(const hw::Inst& inst, Shape shape, Value* a, Value* b, Value* c);
    Value* dot4(const hw::Inst& inst, Shape shape, Value* a, Value* b, Value* c);
    Value* to_float(hw::Type ty, Value* x, Shape shape);
    Value* from_float(hw::Type ty, Value* x, Shape shape);
    Value* convert(const hw::Inst& inst, Shape shape, Value* x);
    Value* alu_helper(const hw::Inst& inst, Shape shape, Value* a, Value* b, Value* c,
                      unsigned result_bits);

    // --- lower_lane.cpp
    void lower_lane(const hw::Inst& inst);
    void reduce(const hw::Inst& inst);
    void scan(const hw::Inst& inst);
    Value* identity_filled(const hw::Inst& inst, hw::ReduceOp op);
    Value* combine(hw::ReduceOp op, hw::Type ty, Value* a, Value* b);

    // --- lower_flow.cpp
    void lower_flow(uint32_t at, const hw::Inst& inst);
    void open_if(uint32_t at, const hw::Inst& inst);
    void open_loop(uint32_t at);
    void close(uint32_t at);
    void close_loop(Frame f);
    void branch(uint32_t at, const hw::Inst& inst);
    void masked_branch(unsigned depth, Value* leaving);
    Block* skip_target();
    Block* target_of(unsigned depth);
    Block* block(const char* name);
    void start(Block* bb) { b_.SetInsertPoint(bb); }
    void leave_if_empty();

    // --- lower_mem.cpp, lower_vecmem.cpp
    void lower_mem(const hw::Inst& inst);
    Place locate(const hw::Inst& inst, uint64_t bytes);
    Value* in_bounds(Value* offset, Shape shape, uint64_t extra, Value* limit, Shape limit_shape);
    void load(const hw::Inst& inst);
    void store(const hw::Inst& inst);
    void uniform_load(const hw::Inst& inst, const Place& p);
    void uniform_store(const hw::Inst& inst, const Place& p);
    void lane_load(const hw::Inst& inst, const Place& p, std::vector<Value*>& rows);
    void lane_store(const hw::Inst& inst, const Place& p);
    void consecutive(const hw::Inst& inst, bool is_store);
    void contiguous_load(const hw::Inst& inst, Value* ptr, std::vector<Value*>& rows);
    void contiguous_store(const hw::Inst& inst, Value* ptr);
    void scratch_access(const hw::Inst& inst, bool is_store);
    Value* gather32(const Place& p, uint64_t at, Value* mask);
    Value* gather_narrow(Value* base, Value* index, Value* low, unsigned bytes, Value* mask);
    Value* extend(hw::Type ty, Value* x, unsigned from_bits, Shape shape);
    void barrier_for(bool is_volatile);
    std::vector<Value*> store_rows(const hw::Inst& inst);
    void write_rows(const hw::Inst& inst, const std::vector<Value*>& rows);

    // --- lower_atomic.cpp
    void atomic(const hw::Inst& inst);
    void helped_atomic(const hw::Inst& inst, Value* where, Value* mask);
    Value* modify(hw::AtomicOp op, bool shared, Value* pointer, Value* x);
    Value* add_to_one(bool shared, bool wants_old, Value* pointer, Value* mask, Value* x);
    Value* lane_atomics(hw::AtomicOp op, bool shared, bool wants_old, Value* where, Value* mask,
                        Value* x);

    // --- lower_io.cpp, lower_attr.cpp, lower_tex.cpp
    void lower_io(const hw::Inst& inst);
    void system_value(const hw::Inst& inst);
    Value* fragment_value(hw::SysVal value);
    Value* compute_value(hw::SysVal value);
    void load_input(const hw::Inst& inst);
    Barycentrics barycentrics(const hw::Inst& inst, hw::Interp interp, hw::InterpLoc loc);
    Barycentrics barycentrics_at(hw::Interp interp, Value* x, Value* y);
    Value* plane(size_t c0, Value* px, Value* py);
    Value* primitive();
    Value* primitive_float(size_t offset);
    Value* pixel_offset(size_t coord, size_t origin);
    void store_output(const hw::Inst& inst);
    void load_attribute(const hw::Inst& inst);
    void attribute_by_helper(const hw::Inst& inst, std::vector<Value*>& rows);
    bool attribute_inline(const hw::Inst& inst, std::vector<Value*>& rows);
    void lower_tex(const hw::Inst& inst);
    void call_texture_unit(const hw::Inst& inst, Value* lanes);

    llvm::Module& module_;
    llvm::LLVMContext& context_;
    const Program& program_;
    const VertexKey& key_;
    const unsigned width_;
    llvm::IRBuilder<> b_;
    llvm::Function* function_ = nullptr;
    std::string error_;
    FlowPlan plan_;
    uint32_t at_ = 0;        // instruction being lowered
    uint32_t next_cell_ = 0; // texture cells handed out
    bool escaped_ = false;   // lanes may have left the program

    llvm::Type* mask_type_; // <W x i1>
    std::vector<llvm::AllocaInst*> v_, s_;
    llvm::AllocaInst *exec_ = nullptr, *live_ = nullptr;
    Value *env_ = nullptr, *draw_ = nullptr, *wave_ = nullptr, *window_ = nullptr,
          *va_mask_ = nullptr;
    Value *kill_ = nullptr, *lane_ids_ = nullptr, *initial_ = nullptr;
    Block *entry_ = nullptr, *exit_ = nullptr;
    std::map<std::tuple<Value*, size_t, llvm::Type*>, Value*> entry_fields_;
    std::map<std::pair<int, int>, Barycentrics> barycentrics_;
    std::map<std::string, llvm::AllocaInst*> buffers_;
    std::vector<Frame> frames_;
};

} // namespace kite::dev::exec::jit
