// SPDX-License-Identifier: MIT
// Spilled vectors live in the lane's scratch memory, whose stores respect the active lanes as a
// masked write does; spilled scalars live in all lanes of a vector register. Between its mentions a
// spilled value holds no register of its file: every mention gets a short-lived one.
#include "shader-compiler/ra/allocate.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kite::cc {

namespace {

// Registers one ld or st moves at most.
constexpr unsigned kMaxElements = 16;

class Spiller {
public:
    Spiller(mir::Function& f, const std::vector<uint32_t>& which) : f_(f) {
        homes_.resize(f.vregs.size());
        for (uint32_t r : which) {
            Slot& slot = homes_[r];
            if (slot.spilled) {
                continue;
            }
            slot.spilled = true;
            if (f.vregs[r].file == hw::File::V) {
                f.scratch_bytes = (f.scratch_bytes + 3) & ~3u;
                slot.offset = f.scratch_bytes;
                f.scratch_bytes += 4u * f.vregs[r].regs;
            } else {
                slot.holder = f.add_vreg(hw::File::V, f.vregs[r].regs);
                f.vregs[slot.holder].no_spill = true;
                const std::vector<mir::Kept> kept = f.kept;
                for (const mir::Kept& k : kept) {
                    if (k.vreg == r) {
                        f.kept.push_back({slot.holder, k.loop});
                    }
                }
            }
        }
    }

    void run() {
        std::erase_if(f_.kept, [&](const mir::Kept& k) {
            return k.vreg < homes_.size() && homes_[k.vreg].spilled;
        });
        std::vector<mir::Inst> old = std::move(f_.insts);
        f_.insts.clear();
        for (mir::Inst& i : old) {
            rewrite(i);
        }
    }

private:
    struct Slot {
        bool spilled = false;
        uint32_t offset = 0; // vectors: scratch byte
        uint32_t holder = 0; // scalars: vector register
    };

    [[nodiscard]] const Slot* slot_of(const mir::Operand& o) const {
        return o.is_reg() && o.reg < homes_.size() && homes_[o.reg].spilled ? &homes_[o.reg]
                                                                            : nullptr;
    }

    uint32_t temporary(hw::File file, unsigned regs) {
        const uint32_t t = f_.add_vreg(file, regs);
        f_.vregs[t].no_spill = true;
        return t;
    }

    void memory(hw::Op op, const Slot& slot, unsigned sub, uint32_t temp, unsigned regs) {
        for (unsigned k = 0; k < regs; k += kMaxElements) {
            const unsigned n = std::min(regs - k, kMaxElements);
            f_.insts.push_back({.op = op,
                                .ty = hw::Type::u32,
                                .sub = hw::LdSub{.n = n - 1, .space = hw::Space::scratch}.pack(),
                                .imm = slot.offset + 4 * (sub + k),
                                .dst = mir::Operand::of(temp, k)});
        }
    }

    void reload(mir::Operand& o, unsigned regs) {
        const Slot* slot = slot_of(o);
        if (slot == nullptr) {
            return;
        }
        const hw::File file = f_.vregs[o.reg].file;
        const uint32_t t = temporary(file, regs);
        if (file == hw::File::V) {
            memory(hw::Op::ld, *slot, o.sub, t, regs);
        } else {
            for (unsigned k = 0; k < regs; ++k) {
                f_.insts.push_back(
                    {.op = hw::Op::readlane,
                     .dst = mir::Operand::of(t, k),
                     .src = {mir::Operand::of(slot->holder, o.sub + k), mir::Operand::literal()}});
            }
        }
        o = mir::Operand::of(t);
    }

    void rewrite(mir::Inst i) {
        const Slot* result = mir::writes_dst(i) ? slot_of(i.dst) : nullptr;
        if (result != nullptr && i.defines_nothing) {
            return;
        }
        std::array<unsigned, 6> regs{};
        for (unsigned slot = 0; slot < 6; ++slot) {
            regs[slot] = mir::operand_regs(f_, i, slot);
        }
        for (unsigned k = 0; k < 5; ++k) {
            reload(i.src[k], regs[k + 1]);
        }
        if (result == nullptr) {
            reload(i.dst, regs[0]); // the data of a store
            f_.insts.push_back(i);
            return;
        }
        const hw::File file = f_.vregs[i.dst.reg].file;
        const unsigned sub = i.dst.sub;
        const uint32_t t = temporary(file, regs[0]);
        i.dst = mir::Operand::of(t);
        i.m = false; // the store keeps the lanes that are not active
        f_.insts.push_back(i);
        if (file == hw::File::V) {
            memory(hw::Op::st, *result, sub, t, regs[0]);
            return;
        }
        for (unsigned k = 0; k < regs[0]; ++k) {
            f_.insts.push_back({.op = hw::Op::mov,
                                .dst = mir::Operand::of(result->holder, sub + k),
                                .src = {mir::Operand::of(t, k)}});
        }
    }

    mir::Function& f_;
    std::vector<Slot> homes_;
};

} // namespace

void spill(mir::Function& f, const std::vector<uint32_t>& which) {
    Spiller(f, which).run();
}

} // namespace kite::cc
