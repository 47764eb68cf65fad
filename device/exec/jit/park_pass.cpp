// SPDX-License-Identifier: MIT
#include "device/exec/jit/park_pass.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IntrinsicInst.h>
#pragma GCC diagnostic pop

#include <optional>
#include <utility>
#include <vector>

namespace kite::dev::exec::jit {

namespace {

using llvm::BasicBlock;
using llvm::Instruction;
using llvm::Loop;
using llvm::PHINode;
using llvm::Value;

constexpr unsigned kMinBits = 256; // smaller values have registers that calls keep, or are cheap

bool calls(const BasicBlock& block) {
    for (const Instruction& inst : block) {
        if (llvm::isa<llvm::CallBase>(inst) && !llvm::isa<llvm::IntrinsicInst>(inst)) {
            return true;
        }
    }
    return false;
}

// The value behind phis that only rename it.
Value* behind(Value* v) {
    while (auto* phi = llvm::dyn_cast<PHINode>(v)) {
        if (phi->getNumIncomingValues() != 1) {
            break;
        }
        v = phi->getIncomingValue(0);
    }
    return v;
}

// One value and how it goes round: carried by the outer loop's phi, accumulated in the inner loop.
struct Carried {
    PHINode* outer; // in the outer loop's header
    PHINode* inner; // in the inner loop's header; starts as `outer`
    Value* result;  // leaves the inner loop and becomes `outer` again
    BasicBlock* before;
    BasicBlock* after;
    std::vector<std::pair<llvm::Use*, BasicBlock*>> outside; // uses behind the outer loop, by exit
};

class Parker {
public:
    Parker(llvm::Function& function, llvm::LoopInfo& loops, const llvm::DominatorTree& dominators)
        : function_(function), loops_(loops), dominators_(dominators) {}

    unsigned run() {
        unsigned parked = 0;
        for (Loop* outer : loops_.getLoopsInPreorder()) {
            if (outer->isInnermost() || outer->getLoopPreheader() == nullptr ||
                outer->getLoopLatch() == nullptr || !waits(*outer)) {
                continue;
            }
            std::vector<Carried> found;
            for (PHINode& phi : outer->getHeader()->phis()) {
                if (auto carried = match(*outer, phi)) {
                    found.push_back(std::move(*carried));
                }
            }
            for (const Carried& c : found) {
                park(*outer, c);
            }
            parked += static_cast<unsigned>(found.size());
        }
        return parked;
    }

private:
    // Does the loop call anything outside the loops inside it?
    bool waits(const Loop& outer) const {
        for (const BasicBlock* block : outer.blocks()) {
            if (loops_.getLoopFor(block) == &outer && calls(*block)) {
                return true;
            }
        }
        return false;
    }

    static bool quiet(const Loop& inner) {
        for (const BasicBlock* block : inner.blocks()) {
            if (calls(*block)) {
                return false;
            }
        }
        return true;
    }

    std::optional<Carried> match(const Loop& outer, PHINode& phi) const {
        const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(phi.getType());
        if (type == nullptr || type->getNumElements() * type->getScalarSizeInBits() < kMinBits) {
            return {};
        }
        Value* next = phi.getIncomingValueForBlock(outer.getLoopLatch());
        auto* result = llvm::dyn_cast<Instruction>(behind(next));
        if (result == nullptr || result == &phi) {
            return {};
        }
        const Loop* inner = loops_.getLoopFor(result->getParent());
        while (inner != nullptr && inner->getParentLoop() != &outer) {
            inner = inner->getParentLoop();
        }
        if (inner == nullptr || !quiet(*inner)) {
            return {};
        }
        Carried c{&phi, nullptr, result, inner->getLoopPreheader(), nullptr, {}};
        // One way on inside the outer loop; other exits leave it.
        for (const auto& [from, to] : exits(*inner)) {
            if (!outer.contains(to)) {
                continue;
            }
            if (c.after != nullptr && c.after != to) {
                return {};
            }
            c.after = to;
        }
        if (c.before == nullptr || loops_.getLoopFor(c.before) != &outer || c.after == nullptr ||
            loops_.getLoopFor(c.after) != &outer || !only_from(*c.after, *inner) ||
            !dominators_.dominates(result, c.after->getTerminator()) ||
            !only_feeds(*result, *inner, phi) || !uses(outer, *inner, c)) {
            return {};
        }
        return c;
    }

    static llvm::SmallVector<Loop::Edge, 4> exits(const Loop& loop) {
        llvm::SmallVector<Loop::Edge, 4> edges;
        loop.getExitEdges(edges);
        return edges;
    }

    static bool only_from(const BasicBlock& block, const Loop& loop) {
        for (const BasicBlock* from : llvm::predecessors(&block)) {
            if (!loop.contains(from)) {
                return false;
            }
        }
        return true;
    }

    // Outside its loop, does the value only become `phi`?
    static bool only_feeds(const Value& value, const Loop& inner, const PHINode& phi) {
        for (const llvm::User* user : value.users()) {
            const auto* inst = llvm::cast<Instruction>(user);
            if (inner.contains(inst) || inst == &phi) {
                continue;
            }
            const auto* rename = llvm::dyn_cast<PHINode>(inst);
            if (rename == nullptr || rename->getNumIncomingValues() != 1 ||
                !only_feeds(*rename, inner, phi)) {
                return false;
            }
        }
        return true;
    }

    // Sorts the uses of the outer phi; false if there is one the pass has no place for.
    bool uses(const Loop& outer, const Loop& inner, Carried& c) const {
        for (llvm::Use& use : c.outer->uses()) {
            auto* user = llvm::cast<Instruction>(use.getUser());
            auto* phi = llvm::dyn_cast<PHINode>(user);
            if (phi != nullptr && phi->getParent() == inner.getHeader() && c.inner == nullptr &&
                phi->getIncomingBlock(use) == c.before) {
                c.inner = phi;
                continue;
            }
            BasicBlock* place = phi != nullptr ? phi->getIncomingBlock(use) : user->getParent();
            if (outer.contains(user) || outer.contains(place)) {
                return false;
            }
            BasicBlock* exit = nullptr;
            for (const auto& [from, to] : exits(outer)) {
                if (from == outer.getHeader() && to->getSinglePredecessor() == from &&
                    dominators_.dominates(to, place)) {
                    exit = to;
                }
            }
            if (exit == nullptr) {
                return false;
            }
            c.outside.emplace_back(&use, exit);
        }
        return c.inner != nullptr;
    }

    void park(const Loop& outer, const Carried& c) {
        llvm::Type* type = c.outer->getType();
        llvm::IRBuilder<> b(&function_.getEntryBlock(), function_.getEntryBlock().begin());
        llvm::AllocaInst* slot = b.CreateAlloca(type, nullptr, "parked");
        slot->setAlignment(llvm::Align(64));
        const auto load = [&](BasicBlock::iterator at) {
            b.SetInsertPoint(at->getParent(), at);
            return b.CreateAlignedLoad(type, slot, llvm::Align(64));
        };
        BasicBlock* preheader = outer.getLoopPreheader();
        b.SetInsertPoint(preheader->getTerminator());
        b.CreateAlignedStore(c.outer->getIncomingValueForBlock(preheader), slot, llvm::Align(64));
        c.inner->setIncomingValueForBlock(c.before, load(c.before->getTerminator()->getIterator()));
        b.SetInsertPoint(c.after, c.after->getFirstInsertionPt());
        b.CreateAlignedStore(c.result, slot, llvm::Align(64));
        std::vector<std::pair<BasicBlock*, Value*>> loaded;
        for (const auto& [use, exit] : c.outside) {
            Value* value = nullptr;
            for (const auto& [block, v] : loaded) {
                value = block == exit ? v : value;
            }
            if (value == nullptr) {
                value = load(exit->getFirstInsertionPt());
                loaded.emplace_back(exit, value);
            }
            use->set(value);
        }
        c.outer->eraseFromParent();
    }

    llvm::Function& function_;
    llvm::LoopInfo& loops_;
    const llvm::DominatorTree& dominators_;
};

} // namespace

unsigned park_accumulators(llvm::Function& function, llvm::LoopInfo& loops,
                           const llvm::DominatorTree& dominators) {
    return Parker(function, loops, dominators).run();
}

} // namespace kite::dev::exec::jit
