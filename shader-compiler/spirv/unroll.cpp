// SPDX-License-Identifier: MIT
#define SPV_ENABLE_UTILITY_CODE
#include "shader-compiler/spirv/unroll.hpp"

#include <spirv/unified1/spirv.hpp11>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace kite::cc::spirv {

namespace {

constexpr uint32_t kUnroll = 1;
constexpr uint64_t kMaxTrips = 256;         // of one hinted loop
constexpr uint64_t kMaxSilentTrips = 16;    // of a loop without a hint
constexpr uint64_t kMaxGrowth = 64 * 1024;  // words of one unrolled nest
constexpr uint64_t kMaxSilentGrowth = 4096; // the same without a hint
constexpr uint64_t kMaxTotal = 512 * 1024;  // words added to a module

/// An instruction by its place in the words.
struct Place {
    spv::Op op{};
    uint32_t at = 0;
    uint32_t count = 0;
};

struct Loop {
    uint32_t header = 0;     ///< label
    uint32_t merge = 0;      ///< label
    uint32_t control_at = 0; ///< index of the loop control word
    uint32_t begin = 0;      ///< first word
    uint32_t end = 0;        ///< word of the merge block's label
    uint64_t trips = 0;      ///< 0: unknown
    bool arrays = false;     ///< indexes private arrays with run-time values
};

class Chooser {
public:
    explicit Chooser(std::vector<uint32_t>& words) : w_(words) {}

    bool run() {
        scan();
        bool any = false;
        uint64_t total = 0;
        // Outermost first: a nest counts as a whole.
        std::sort(loops_.begin(), loops_.end(),
                  [](const Loop& a, const Loop& b) { return a.begin < b.begin; });
        for (size_t k = 0; k < loops_.size(); ++k) {
            Loop& loop = loops_[k];
            uint32_t& control = w_[loop.control_at];
            const bool hinted = (control & kUnroll) != 0;
            const bool silent =
                control == 0 && loop.arrays && loop.trips != 0 && loop.trips <= kMaxSilentTrips;
            const uint64_t cost = growth(k);
            const bool fits = loop.trips != 0 && loop.trips <= kMaxTrips &&
                              total + cost <= kMaxTotal &&
                              cost <= (hinted ? kMaxGrowth : kMaxSilentGrowth);
            if ((hinted || silent) && fits) {
                control |= kUnroll;
                total += cost;
                any = true;
            } else {
                control &= ~kUnroll;
            }
        }
        return any;
    }

private:
    /// Words of the loop if it and every unrolled loop inside are unrolled.
    uint64_t growth(size_t k) const {
        uint64_t words = loops_[k].end - loops_[k].begin;
        uint64_t inner = 1;
        for (size_t n = k + 1; n < loops_.size() && loops_[n].begin < loops_[k].end; ++n) {
            // Deeper nests multiply; parallel ones do not, so this overestimates, which is safe.
            const bool unrolled = (w_[loops_[n].control_at] & kUnroll) != 0 || loops_[n].arrays;
            if (unrolled && loops_[n].trips != 0 && loops_[n].trips <= kMaxTrips &&
                inner < kMaxGrowth) {
                inner *= loops_[n].trips;
            }
        }
        return std::min<uint64_t>(words * inner, 1ull << 32) *
               std::max<uint64_t>(1, loops_[k].trips);
    }

    void scan() {
        std::unordered_map<uint32_t, uint32_t> label_at;
        uint32_t block = 0;
        uint32_t block_at = 0;
        for (uint32_t i = 5; i < w_.size();) {
            const uint32_t n = w_[i] >> 16;
            const auto op = static_cast<spv::Op>(w_[i] & 0xffffu);
            if (n == 0 || i + n > w_.size()) {
                loops_.clear();
                return;
            }
            bool has_result = false;
            bool has_type = false;
            spv::HasResultAndType(op, &has_result, &has_type);
            if (has_result && n > (has_type ? 2u : 1u)) {
                defs_[w_[i + (has_type ? 2 : 1)]] = {op, i, n};
            }
            if (op == spv::Op::OpLabel) {
                block = w_[i + 1];
                block_at = i;
                label_at[block] = i;
            } else if (op == spv::Op::OpLoopMerge && n >= 4) {
                loops_.push_back(
                    {.header = block, .merge = w_[i + 1], .control_at = i + 3, .begin = block_at});
            } else if (op == spv::Op::OpBranchConditional && n >= 4) {
                conditions_[block] = {op, i, n};
            } else if (op == spv::Op::OpBranch && n == 2) {
                jumps_[block] = w_[i + 1];
            } else if ((op == spv::Op::OpAccessChain || op == spv::Op::OpInBoundsAccessChain) &&
                       n > 4) {
                chains_.push_back(i);
            }
            i += n;
        }
        for (Loop& loop : loops_) {
            const auto it = label_at.find(loop.merge);
            loop.end = it != label_at.end() && it->second > loop.begin ? it->second : loop.begin;
            loop.trips = loop.end > loop.begin ? trip_count(loop) : 0;
        }
        for (const uint32_t at : chains_) {
            const auto base = defs_.find(w_[at + 3]);
            const bool local = base != defs_.end() && base->second.op == spv::Op::OpVariable &&
                               static_cast<spv::StorageClass>(w_[base->second.at + 3]) ==
                                   spv::StorageClass::Function;
            bool dynamic = false;
            for (uint32_t k = 4; k < (w_[at] >> 16); ++k) {
                dynamic = dynamic || !constant(w_[at + k]);
            }
            for (Loop& loop : loops_) {
                loop.arrays = loop.arrays || (local && dynamic && at > loop.begin && at < loop.end);
            }
        }
    }

    [[nodiscard]] std::optional<uint32_t> constant(uint32_t id) const {
        const auto it = defs_.find(id);
        if (it == defs_.end() || it->second.op != spv::Op::OpConstant || it->second.count != 4) {
            return std::nullopt; // 32 bits only
        }
        return w_[it->second.at + 3];
    }

    /// Runs the loop's counter: phi(init, phi +- step) against a constant bound.
    [[nodiscard]] uint64_t trip_count(const Loop& loop) const {
        auto condition = conditions_.find(loop.header);
        if (condition == conditions_.end()) {
            const auto jump = jumps_.find(loop.header);
            if (jump == jumps_.end() ||
                (condition = conditions_.find(jump->second)) == conditions_.end()) {
                return 0;
            }
        }
        const uint32_t at = condition->second.at;
        const bool leaves_when_false = w_[at + 3] == loop.merge;
        if (!leaves_when_false && w_[at + 2] != loop.merge) {
            return 0;
        }
        const auto compare = defs_.find(w_[at + 1]);
        if (compare == defs_.end() || compare->second.count != 5) {
            return 0;
        }
        const uint32_t c = compare->second.at;
        const auto bound = constant(w_[c + 4]);
        const auto phi = defs_.find(w_[c + 3]);
        if (!bound || phi == defs_.end() || phi->second.op != spv::Op::OpPhi ||
            phi->second.count != 7) {
            return 0;
        }
        const uint32_t p = phi->second.at;
        for (const uint32_t first : {3u, 5u}) {
            const auto init = constant(w_[p + first]);
            const auto next = defs_.find(w_[p + 8 - first]);
            if (!init || next == defs_.end() || next->second.count != 5) {
                continue;
            }
            const uint32_t s = next->second.at;
            auto step = constant(w_[s + 4]);
            if (!step || w_[s + 3] != w_[p + 2] ||
                (next->second.op != spv::Op::OpIAdd && next->second.op != spv::Op::OpISub)) {
                continue;
            }
            const uint32_t delta = next->second.op == spv::Op::OpIAdd ? *step : 0u - *step;
            uint32_t value = *init;
            for (uint64_t n = 0; n <= kMaxTrips; ++n) {
                const auto holds = evaluate(compare->second.op, value, *bound);
                if (!holds) {
                    return 0;
                }
                if (*holds != leaves_when_false) {
                    return n;
                }
                value += delta;
            }
        }
        return 0;
    }

    static std::optional<bool> evaluate(spv::Op op, uint32_t a, uint32_t b) {
        const auto x = static_cast<int32_t>(a);
        const auto y = static_cast<int32_t>(b);
        switch (op) {
        case spv::Op::OpSLessThan:
            return x < y;
        case spv::Op::OpSLessThanEqual:
            return x <= y;
        case spv::Op::OpSGreaterThan:
            return x > y;
        case spv::Op::OpSGreaterThanEqual:
            return x >= y;
        case spv::Op::OpULessThan:
            return a < b;
        case spv::Op::OpULessThanEqual:
            return a <= b;
        case spv::Op::OpUGreaterThan:
            return a > b;
        case spv::Op::OpUGreaterThanEqual:
            return a >= b;
        case spv::Op::OpINotEqual:
            return a != b;
        default:
            return std::nullopt;
        }
    }

    std::vector<uint32_t>& w_;
    std::vector<Loop> loops_;
    std::vector<uint32_t> chains_;
    std::unordered_map<uint32_t, Place> defs_;
    std::unordered_map<uint32_t, Place> conditions_; // by block
    std::unordered_map<uint32_t, uint32_t> jumps_;   // by block
};

} // namespace

bool choose_unrolled_loops(std::vector<uint32_t>& words) {
    return Chooser(words).run();
}

} // namespace kite::cc::spirv
