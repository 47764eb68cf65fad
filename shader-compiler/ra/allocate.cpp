// SPDX-License-Identifier: MIT
#include "shader-compiler/ra/allocate.hpp"

#include <algorithm>
#include <numeric>

namespace kite::cc {

namespace {

// One pass of the linear scan. Virtual registers that found no room are in `spilled`.
class Scan {
public:
    Scan(const mir::Function& f, const std::vector<Interval>& intervals,
         const RegisterBudget& budget)
        : f_(f), intervals_(intervals), files_{File{budget.vregs}, File{budget.sregs}} {
        places.assign(f.vregs.size(), 0);
        placed_.assign(f.vregs.size(), false);
    }

    // False if a register that may not be spilled found no room.
    bool run() {
        std::vector<uint32_t> order;
        for (uint32_t r = 0; r < f_.vregs.size(); ++r) {
            if (intervals_[r].used()) {
                order.push_back(r);
            }
        }
        std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
            return intervals_[a].start < intervals_[b].start;
        });
        for (uint32_t r : order) {
            if (!settle(r)) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] uint32_t used(hw::File file) const { return file_of(file).used; }

    mir::Places places;
    std::vector<uint32_t> spilled;

private:
    struct File {
        explicit File(uint32_t count) : busy_until(count, 0), owner(count, 0) {}
        std::vector<uint32_t> busy_until; // moment + 1 of the last need, 0 = never used
        std::vector<uint32_t> owner;
        uint32_t used = 0;
    };

    File& file_of(hw::File file) { return files_[file == hw::File::V ? 0 : 1]; }
    [[nodiscard]] const File& file_of(hw::File file) const {
        return files_[file == hw::File::V ? 0 : 1];
    }

    [[nodiscard]] bool free_at(const File& file, uint32_t first, uint32_t n, uint32_t start) const {
        if (first + n > file.busy_until.size()) {
            return false;
        }
        for (uint32_t k = first; k < first + n; ++k) {
            if (file.busy_until[k] > start) {
                return false;
            }
        }
        return true;
    }

    bool take(uint32_t r, uint32_t first) {
        const mir::VReg& v = f_.vregs[r];
        File& file = file_of(v.file);
        for (uint32_t k = first; k < first + v.regs; ++k) {
            file.busy_until[k] = intervals_[r].end + 1;
            file.owner[k] = r;
        }
        places[r] = static_cast<uint16_t>(first);
        placed_[r] = true;
        file.used = std::max(file.used, first + v.regs);
        return true;
    }

    bool find_room(uint32_t r) {
        const mir::VReg& v = f_.vregs[r];
        const File& file = file_of(v.file);
        const uint32_t start = intervals_[r].start;
        if (v.hint >= 0 && placed_[static_cast<size_t>(v.hint)] &&
            f_.vregs[static_cast<size_t>(v.hint)].file == v.file) {
            const uint32_t first = places[static_cast<size_t>(v.hint)];
            if (free_at(file, first, v.regs, start)) {
                return take(r, first);
            }
        }
        const auto count = static_cast<uint32_t>(file.busy_until.size());
        uint32_t run = 0;
        for (uint32_t k = 0; k < count; ++k) {
            run = file.busy_until[k] > start ? 0 : run + 1;
            if (run == v.regs) {
                return take(r, k + 1 - v.regs);
            }
        }
        return false;
    }

    // Evicts whoever is needed farthest from now until `r` fits, or gives up `r` itself.
    bool settle(uint32_t r) {
        const uint32_t start = intervals_[r].start;
        File& file = file_of(f_.vregs[r].file);
        while (!find_room(r)) {
            uint32_t victim = r;
            bool found = !f_.vregs[r].no_spill;
            for (size_t k = 0; k < file.owner.size(); ++k) {
                const uint32_t o = file.owner[k];
                if (file.busy_until[k] <= start || f_.vregs[o].no_spill) {
                    continue;
                }
                if (!found || intervals_[o].end > intervals_[victim].end) {
                    victim = o;
                    found = true;
                }
            }
            if (!found) {
                return false;
            }
            spilled.push_back(victim);
            if (victim == r) {
                return true;
            }
            for (size_t k = 0; k < file.owner.size(); ++k) {
                if (file.owner[k] == victim && file.busy_until[k] > start) {
                    file.busy_until[k] = start;
                }
            }
        }
        return true;
    }

    const mir::Function& f_;
    const std::vector<Interval>& intervals_;
    File files_[2];
    std::vector<bool> placed_;
};

} // namespace

base::Result<Allocation> allocate(mir::Function& f, const RegisterBudget& budget) {
    Allocation out;
    // Each round spills something that stays spilled; the bound only guards against our own
    // mistakes.
    for (int round = 0; round < 64; ++round) {
        const std::vector<Interval> intervals = live_intervals(f);
        Scan scan(f, intervals, budget);
        if (!scan.run()) {
            break;
        }
        if (scan.spilled.empty()) {
            out.places = std::move(scan.places);
            out.vregs = scan.used(hw::File::V);
            out.sregs = scan.used(hw::File::S);
            return out;
        }
        out.spills += static_cast<uint32_t>(scan.spilled.size());
        spill(f, scan.spilled);
    }
    return base::unsupported("shaders that need this many registers at once");
}

} // namespace kite::cc
