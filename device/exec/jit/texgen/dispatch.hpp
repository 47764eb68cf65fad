// SPDX-License-Identifier: MIT
// From an image instruction at run time to its texture routine: an inline cache per instruction.
//
// A Cell belongs to one instruction of one native routine. It remembers which routine served which
// static descriptor state, in immutable nodes reached through one atomic pointer, so a hit takes no
// lock; a miss asks the Library, which may compile. In front of that every worker has Slots with
// the Prepared of the last descriptors of a few cells. Generated code calls a slot's routine itself
// if draw, cell and descriptor addresses are the slot's; else it comes here, where a slot is still
// good if the words in memory are the same. Routines only ever use the private copies, so nothing
// changes between check and use. What has no routine goes to tex::execute(). Thread-safe; never
// fails.
#pragma once

#include "device/exec/jit/texgen/library.hpp"

#include <atomic>

namespace kite::dev::exec::jit::texgen {

/// What a worker remembers of a cell. Generated code reads it: kAbiVersion in abi.hpp.
struct Slot {
    Prepared prepared;       ///< of the descriptors below
    uint64_t cell;           ///< Cell::id(), 0: empty
    uint64_t draw;           ///< DrawContext::serial it was last good for; 0: never without a check
    uint64_t image_va;       ///< address of the image descriptor
    uint64_t sampler_va;     ///< and of the sampler, 0 for txf
    TexRoutine routine;      ///< nullptr: the reference
    const std::byte* window; ///< of the draw
    uint64_t va_mask;        ///< of the draw
};
/// Slots of a worker; a program's cell k uses slot k modulo this.
inline constexpr size_t kSlots = 32;

/// See the head of this file.
class Cell {
public:
    Cell();
    ~Cell();
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    /// Executes tex, txg or txf with descriptors that are the same for all lanes. Fills
    /// lanes.result for lanes of exec; lanes.coord, exec, width and fragment are set by the caller.
    void execute(Library& library, const hw::Inst& inst, const DrawContext& draw, tex::Lanes& lanes,
                 uint64_t image_va, uint64_t sampler_va, Slot& slot);
    /// Where generated code finds the number of a cell.
    static constexpr size_t kIdOffset = 0;

private:
    struct Node {
        uint32_t w2, w3, mips, sampler; // what descriptors must look like
        uint32_t bytes_per_texel;
        TexRoutine routine; // nullptr: the reference
        const Node* next;
    };
    const Node& miss(Library& library, const hw::Inst& inst, bool fragment, const uint32_t* image,
                     const uint32_t* sampler, Node& scratch);
    TexRoutine routine_for(Library& library, const hw::Inst& inst, bool fragment,
                           const uint32_t* image, const uint32_t* sampler);

    const uint64_t id_; // at kIdOffset; never reused, unlike addresses
    std::atomic<const Node*> head_{nullptr};
    std::atomic<uint32_t> count_{0};
};

} // namespace kite::dev::exec::jit::texgen
