// SPDX-License-Identifier: MIT
// All texture routines of an executor, compiled when first asked for.
//
// Owned by the executor, which outlives everything that runs its routines. Thread-safe: callers
// that need the same routine wait for one compilation. Routines are never freed before the library
// is. A key that can't be compiled is logged once and has no routine; its callers use the
// reference.
#pragma once

#include "device/exec/jit/compiler.hpp"
#include "device/exec/jit/disk_cache.hpp"
#include "device/exec/jit/texgen/key.hpp"
#include "device/exec/jit/texgen/prepared.hpp"
#include "device/exec/tex/texture.hpp"

#include <mutex>
#include <unordered_map>

namespace kite::dev::exec::jit::texgen {

/// Bump when objects of an older build must not be reused.
inline constexpr uint32_t kVersion = 3;

/// A texture routine; see builder.hpp.
using TexRoutine = void (*)(const Prepared* prepared, std::byte* window, uint64_t va_mask,
                            tex::Lanes* lanes, uint32_t imm);

/// Compiles the routine of a key to an object whose function is kEntryName.
[[nodiscard]] base::Result<std::vector<std::byte>> compile(const TexKey& key, const Target& target);

/// See the head of this file.
class Library {
public:
    /// `linker` and `disk` (may be nullptr) must outlive the library.
    Library(Target target, Linker& linker, DiskCache* disk);
    /// Lanes of the routines.
    [[nodiscard]] unsigned width() const { return target_.width; }
    /// The routine, compiled if need be; nullptr if that fails.
    [[nodiscard]] TexRoutine find(const TexKey& key);

private:
    std::unique_ptr<Code> make(const TexKey& key);

    struct Slot {
        std::once_flag once;
        std::unique_ptr<Code> code;
    };
    Target target_;
    Linker& linker_;
    DiskCache* disk_;
    std::mutex mutex_; // guards slots_
    std::unordered_map<TexKey, std::unique_ptr<Slot>, TexKeyHash> slots_;
};

} // namespace kite::dev::exec::jit::texgen
