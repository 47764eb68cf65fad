// SPDX-License-Identifier: MIT
// From a verified program to a relocatable object, and from an object to callable code.
//
// compile() is pure and may run on any number of threads at once: each call has its own LLVM
// context. LLVM can't be stopped from aborting on an internal error, so what reaches it is plain IR
// that its verifier accepts; anything the lowering does not know returns an error and the program
// is interpreted. Linker owns the code memory of all objects it linked and frees an object's when
// its Code goes. No LLVM type appears here.
#pragma once

#include "device/exec/jit/abi.hpp"

#include <memory>
#include <string>

namespace kite::dev::exec::jit {

/// Name of the function in every object.
inline constexpr const char* kEntryName = "kite_wave";

/// Stack a routine may use; fibers have twice that. A program that needs more is interpreted.
inline constexpr unsigned kMaxFrameBytes = 512 * 1024;

/// What code is generated for.
struct Target {
    unsigned width = 16;   ///< lanes
    std::string cpu;       ///< LLVM's name
    std::string features;  ///< LLVM's feature string
    bool dump_ir = false;  ///< KITE_JIT_DEBUG=ir
    bool dump_asm = false; ///< KITE_JIT_DEBUG=asm
};

/// The host's target for a width; unsupported if the CPU lacks what the width needs.
[[nodiscard]] base::Result<Target> host_target(unsigned width);
/// Version of the code generator, for cache keys.
[[nodiscard]] std::string generator_version();

/// Compiles a program to an object file.
[[nodiscard]] base::Result<std::vector<std::byte>>
compile(const Program& program, const VertexKey& key, const Target& target);

/// Linked code; keeps it mapped.
class Code {
public:
    virtual ~Code() = default;
    /// The function.
    [[nodiscard]] Entry entry() const { return entry_; }
    /// Its size in bytes as far as known, for profilers.
    [[nodiscard]] size_t size() const { return size_; }

protected:
    Entry entry_ = nullptr;
    size_t size_ = 0;
};

/// Puts objects into executable memory. Thread-safe.
class Linker {
public:
    virtual ~Linker() = default;
    /// Links one object. corrupt if it is not one of ours.
    [[nodiscard]] virtual base::Result<std::unique_ptr<Code>>
    link(std::span<const std::byte> object) = 0;
};

/// Creates the process's linker.
[[nodiscard]] base::Result<std::unique_ptr<Linker>> create_linker();

} // namespace kite::dev::exec::jit
