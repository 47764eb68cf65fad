// SPDX-License-Identifier: MIT
#include "device/exec/jit/flow_plan.hpp"

#include <algorithm>
#include <unordered_map>

namespace kite::dev::exec::jit {

namespace {

using hw::Op;

constexpr int kMaxRounds = 12;

// Bits of the constructs 0 .. index.
uint64_t up_to(int index) {
    return index < 0 ? 0 : index >= 63 ? ~0ull : (2ull << index) - 1;
}

struct Open {
    uint32_t at;
    bool uniform_if;
    uint64_t same_at_entry;
    int broken = -1; // masked branches that leave this construct end at this one or outside it
};

// What a round learns about a loop, for the next round.
struct LoopFacts {
    bool divergent = false;
    int broken = -1;
    bool operator==(const LoopFacts&) const = default;
};

class Planner {
public:
    explicit Planner(const Program& program) : program_(program) {}

    FlowPlan run() {
        FlowPlan plan;
        for (int round = 0;; ++round) {
            plan.direct.assign(program_.code.size(), false);
            const auto before = loops_;
            pass(plan);
            if (loops_ == before) {
                break;
            }
            if (round >= kMaxRounds) { // give up precision, keep correctness
                for (auto& [at, facts] : loops_) {
                    facts.divergent = true;
                }
            }
        }
        plan.divergent.assign(program_.code.size(), false);
        for (const auto& [at, facts] : loops_) {
            plan.divergent[at] = facts.divergent;
        }
        return plan;
    }

private:
    void pass(FlowPlan& plan) {
        open_.clear();
        same_ = 0;
        for (uint32_t i = 0; i < program_.code.size(); ++i) {
            const hw::Inst& inst = program_.code[i];
            const auto depth = static_cast<int>(open_.size());
            switch (inst.op) {
            case Op::block:
                push(i, false, same_ | (1ull << depth));
                break;
            case Op::loop: {
                const LoopFacts& facts = loops_[i];
                const uint64_t inside =
                    facts.divergent ? 0 : (same_ & ~up_to(facts.broken)) | (1ull << depth);
                push(i, false, inside);
                break;
            }
            case Op::if_: {
                const bool uniform = inst.src0.file != hw::File::V;
                push(i, uniform, uniform ? same_ | (1ull << depth) : 0);
                break;
            }
            case Op::else_: {
                const Open& f = open_.back();
                same_ = f.uniform_if ? f.same_at_entry | (1ull << (depth - 1)) : 0;
                break;
            }
            case Op::end: {
                const Open f = open_.back();
                open_.pop_back();
                if (program_.code[f.at].op == Op::loop) {
                    loops_[f.at].broken = std::max(loops_[f.at].broken, f.broken);
                }
                same_ = f.same_at_entry & ~up_to(f.broken);
                break;
            }
            case Op::br:
                branch(plan, i, inst);
                break;
            default:
                break;
            }
        }
    }

    void push(uint32_t at, bool uniform_if, uint64_t inside) {
        open_.push_back({at, uniform_if, same_});
        same_ = inside;
    }

    void branch(FlowPlan& plan, uint32_t at, const hw::Inst& inst) {
        const auto open = static_cast<int>(open_.size());
        const int target = open - 1 - static_cast<int>(hw::BrSub::unpack(inst.sub).depth);
        const bool to_loop =
            target >= 0 && program_.code[open_[static_cast<size_t>(target)].at].op == Op::loop;
        const uint64_t needed = up_to(open - 1) & ~up_to(to_loop ? target - 1 : target);
        if (inst.src0.file != hw::File::V && (same_ & needed) == needed) {
            plan.direct[at] = true;
            return;
        }
        if (to_loop) {
            loops_[open_[static_cast<size_t>(target)].at].divergent = true;
        }
        for (int f = target + 1; f < open; ++f) {
            auto& broken = open_[static_cast<size_t>(f)].broken;
            broken = std::max(broken, target);
        }
        same_ &= ~up_to(target);
    }

    const Program& program_;
    std::unordered_map<uint32_t, LoopFacts> loops_;
    std::vector<Open> open_;
    uint64_t same_ = 0;
};

} // namespace

FlowPlan plan_flow(const Program& program) {
    return Planner(program).run();
}

} // namespace kite::dev::exec::jit
