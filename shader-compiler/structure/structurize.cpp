// SPDX-License-Identifier: MIT
// After Ramsey, "Beyond Relooper": walk the dominator tree and wrap the blocks that are branched
// to. Two changes for lane masks: a block named as merge or continue target belongs to the header
// that names it, so that lanes meet there, and what follows a loop is placed outside its construct.
#include "shader-compiler/structure/loops.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <algorithm>
#include <utility>

namespace kite::cc {

namespace {

// Deeper recursion than this cannot end in a legal program: constructs nest at most 64 deep.
constexpr unsigned kMaxRecursion = 600;
// From this depth on, flat code is preferred over else sides.
constexpr unsigned kFlattenDepth = 24;

class Structurizer {
public:
    explicit Structurizer(const ir::Function& f) : f_(f), facts_(f) {}

    base::Result<Tree> run() {
        if (!facts_.reducible()) {
            return base::unsupported("irreducible control flow");
        }
        assign_parents();
        emit(f_.blocks[0].get(), tree_.body, 0);
        if (too_deep_) {
            return base::unsupported("control flow nested this deeply");
        }
        number_loops();
        if (lost_) {
            return base::unsupported("control flow of this shape");
        }
        return std::move(tree_);
    }

private:
    // Chooses the structural parent of every block and which blocks get a construct that ends at
    // them.
    void assign_parents() {
        const size_t n = f_.blocks.size();
        std::vector<uint32_t> parent(n);
        wrapped_.assign(n, false);
        kids_.resize(n);
        for (uint32_t b = 0; b < n; ++b) {
            parent[b] = facts_.idom(b);
            size_t forward = 0;
            for (const ir::Block* p : f_.blocks[b]->preds) {
                forward += facts_.is_back_edge(p->id, b) ? 0 : 1;
            }
            wrapped_[b] = forward >= 2;
        }
        std::vector<bool> named(n, false);
        for (const auto& header : f_.blocks) {
            for (const ir::Block* target : {header->merge, header->continue_target}) {
                if (target == nullptr || target->id == header->id ||
                    !facts_.dominates(header->id, target->id)) {
                    continue;
                }
                if (!named[target->id] || facts_.dominates(header->id, parent[target->id])) {
                    parent[target->id] = header->id;
                }
                named[target->id] = true;
                wrapped_[target->id] = true;
            }
        }
        for (uint32_t b = 1; b < n; ++b) {
            if (wrapped_[b]) {
                kids_[parent[b]].push_back(f_.blocks[b].get());
            }
        }
        for (auto& kids : kids_) {
            std::sort(kids.begin(), kids.end(), [&](const ir::Block* a, const ir::Block* b) {
                return facts_.rpo(a->id) < facts_.rpo(b->id);
            });
        }
    }

    // Emits a block and everything below it; iterates where it can so that long programs do not
    // recurse.
    void emit(const ir::Block* b, std::vector<Node>& out, unsigned depth) {
        if (depth > kMaxRecursion) {
            too_deep_ = true;
        }
        while (b != nullptr && !too_deep_) {
            const auto& kids = kids_[b->id];
            if (!facts_.is_header(b->id)) {
                b = emit_last(b, kids, kids.size(), out, depth);
                continue;
            }
            std::vector<const ir::Block*> in, after;
            for (const ir::Block* k : kids) {
                (facts_.in_loop(b->id, k->id) ? in : after).push_back(k);
            }
            b = emit_loop(b, in, after, after.size(), out, depth);
        }
    }

    // Wraps `b` in constructs for the first `count` kids; the last of them is returned to go on
    // with.
    const ir::Block* emit_last(const ir::Block* b, const std::vector<const ir::Block*>& kids,
                               size_t count, std::vector<Node>& out, unsigned depth) {
        if (count == 0) {
            out.push_back({.kind = NodeKind::code, .block = b});
            return terminate(b, out, depth);
        }
        const ir::Block* last = kids[count - 1];
        out.push_back({.kind = NodeKind::block, .block = last});
        emit_nested(b, kids, count - 1, out.back().body, depth + 1);
        return last;
    }

    void emit_nested(const ir::Block* b, const std::vector<const ir::Block*>& kids, size_t count,
                     std::vector<Node>& out, unsigned depth) {
        if (depth > kMaxRecursion) {
            too_deep_ = true;
            return;
        }
        if (const ir::Block* next = emit_last(b, kids, count, out, depth)) {
            emit(next, out, depth);
        }
    }

    const ir::Block* emit_loop(const ir::Block* b, const std::vector<const ir::Block*>& in,
                               const std::vector<const ir::Block*>& after, size_t count,
                               std::vector<Node>& out, unsigned depth) {
        if (depth > kMaxRecursion) {
            too_deep_ = true;
            return nullptr;
        }
        if (count == 0) {
            out.push_back({.kind = NodeKind::loop, .block = b});
            emit_nested(b, in, in.size(), out.back().body, depth + 1);
            return nullptr;
        }
        out.push_back({.kind = NodeKind::block, .block = after[count - 1]});
        std::vector<Node>& body = out.back().body;
        if (const ir::Block* next = emit_loop(b, in, after, count - 1, body, depth + 1)) {
            emit(next, body, depth + 1);
        }
        return after[count - 1];
    }

    [[nodiscard]] bool inlined(const ir::Block* from, const ir::Block* to) const {
        return !wrapped_[to->id] && !facts_.is_back_edge(from->id, to->id);
    }

    static void moves(const ir::Block* from, const ir::Block* to, std::vector<Node>& out) {
        out.push_back({.kind = NodeKind::moves, .block = to, .from = from});
    }

    // The edge as a branch: phi moves, then br.
    void branch(const ir::Block* from, const ir::Block* to, Condition cond,
                std::vector<Node>& out) {
        const bool back = facts_.is_back_edge(from->id, to->id);
        if (back && !cond.always()) {
            // The moves of a back edge may only touch the lanes that take it.
            Node n{.kind = NodeKind::if_, .block = from, .cond = std::move(cond)};
            branch(from, to, {}, n.body);
            out.push_back(std::move(n));
            return;
        }
        moves(from, to, out);
        out.push_back({.kind = NodeKind::br,
                       .block = to,
                       .from = from,
                       .back = back,
                       .cond = std::move(cond)});
    }

    // One side of an if.
    void side(const ir::Block* from, const ir::Block* to, std::vector<Node>& out, unsigned depth) {
        if (!inlined(from, to)) {
            branch(from, to, {}, out);
            return;
        }
        moves(from, to, out);
        emit(to, out, depth + 1);
    }

    // The terminator; returns the block whose code comes next in the same list, if any.
    const ir::Block* terminate(const ir::Block* b, std::vector<Node>& out, unsigned depth) {
        switch (b->term) {
        case ir::Term::jump:
            return follow(b, b->succs[0], out);
        case ir::Term::branch:
            return b->succs[0] == b->succs[1] ? follow(b, b->succs[0], out)
                                              : two_way(b, out, depth);
        case ir::Term::switch_:
            return multi_way(b, out, depth);
        default:
            out.push_back({.kind = NodeKind::br, .from = b});
            return nullptr;
        }
    }

    const ir::Block* follow(const ir::Block* b, const ir::Block* to, std::vector<Node>& out) {
        if (!inlined(b, to)) {
            branch(b, to, {}, out);
            return nullptr;
        }
        moves(b, to, out);
        return to;
    }

    const ir::Block* two_way(const ir::Block* b, std::vector<Node>& out, unsigned depth) {
        const ir::Block* yes = b->succs[0];
        const ir::Block* no = b->succs[1];
        const bool in_yes = inlined(b, yes), in_no = inlined(b, no);
        const auto taken = [&](bool negate) { return Condition{b->condition, negate, {}}; };
        if (!in_yes && !in_no) {
            // The nearer target comes last: falling through often reaches it without a branch.
            const bool no_first = facts_.is_back_edge(b->id, yes->id) ||
                                  (!facts_.is_back_edge(b->id, no->id) && farther(b, no, yes));
            branch(b, no_first ? no : yes, taken(no_first), out);
            branch(b, no_first ? yes : no, {}, out);
            return nullptr;
        }
        if (in_yes != in_no) {
            const ir::Block* away = in_yes ? no : yes;
            // Leaving is a plain conditional branch; an ordinary if-then keeps its shape.
            if (away != b->merge || facts_.is_header(b->id)) {
                branch(b, away, taken(in_yes), out);
                return follow(b, in_yes ? yes : no, out);
            }
        } else if (depth >= kFlattenDepth && is_leaf(yes) != is_leaf(no)) {
            const bool leaf_yes = is_leaf(yes);
            Node n{.kind = NodeKind::if_, .block = b, .cond = taken(!leaf_yes)};
            side(b, leaf_yes ? yes : no, n.body, depth);
            out.push_back(std::move(n));
            return follow(b, leaf_yes ? no : yes, out);
        }
        Node n{.kind = NodeKind::if_, .block = b, .cond = taken(false)};
        side(b, yes, n.body, depth);
        side(b, no, n.other, depth);
        out.push_back(std::move(n));
        return nullptr;
    }

    // True if `a` comes after `c` in the code, seen from block `b`.
    [[nodiscard]] bool farther(const ir::Block* b, const ir::Block* a, const ir::Block* c) const {
        const bool a_leaves = facts_.leaves_loop(b->id, a->id);
        const bool c_leaves = facts_.leaves_loop(b->id, c->id);
        return a_leaves != c_leaves ? a_leaves : facts_.rpo(a->id) > facts_.rpo(c->id);
    }

    [[nodiscard]] bool is_leaf(const ir::Block* b) const {
        return kids_[b->id].empty() && !facts_.is_header(b->id) &&
               std::none_of(b->succs.begin(), b->succs.end(),
                            [&](const ir::Block* s) { return inlined(b, s); });
    }

    const ir::Block* multi_way(const ir::Block* b, std::vector<Node>& out, unsigned depth) {
        const ir::Block* fallback = b->succs[0];
        std::vector<std::pair<const ir::Block*, Condition>> targets;
        for (size_t i = 0; i < b->case_values.size(); ++i) {
            const ir::Block* to = b->succs[i + 1];
            if (to == fallback) {
                continue;
            }
            auto it = std::find_if(targets.begin(), targets.end(),
                                   [&](const auto& t) { return t.first == to; });
            if (it == targets.end()) {
                targets.push_back({to, Condition{b->condition, false, {}}});
                it = std::prev(targets.end());
            }
            it->second.cases.push_back(b->case_values[i]);
        }
        for (auto& [to, cond] : targets) {
            if (!inlined(b, to)) {
                branch(b, to, std::move(cond), out);
                continue;
            }
            Node n{.kind = NodeKind::if_, .block = b, .cond = std::move(cond)};
            side(b, to, n.body, depth);
            out.push_back(std::move(n));
        }
        return follow(b, fallback, out);
    }

    void number_loops() {
        tree_.block_loop.assign(f_.blocks.size(), -1);
        tree_.header_loop.assign(f_.blocks.size(), -1);
        number(tree_.body, -1);
    }

    // Also checks that every branch leads to a construct around it.
    void number(const std::vector<Node>& nodes, int32_t loop) {
        for (const Node& n : nodes) {
            int32_t inner = loop;
            const bool is_loop = n.kind == NodeKind::loop;
            if (n.kind == NodeKind::code) {
                tree_.block_loop[n.block->id] = loop;
            } else if (is_loop) {
                inner = static_cast<int32_t>(tree_.loops.size());
                tree_.header_loop[n.block->id] = inner;
                tree_.loops.push_back({.header = n.block, .parent = loop});
            } else if (n.kind == NodeKind::br && n.block != nullptr) {
                const std::pair target{n.block, n.back};
                lost_ = lost_ || std::find(open_.begin(), open_.end(), target) == open_.end();
            }
            const bool label = is_loop || n.kind == NodeKind::block;
            if (label) {
                open_.emplace_back(n.block, is_loop);
            }
            number(n.body, inner);
            number(n.other, inner);
            if (label) {
                open_.pop_back();
            }
        }
    }

    const ir::Function& f_;
    FlowFacts facts_;
    Tree tree_;
    std::vector<bool> wrapped_;
    std::vector<std::vector<const ir::Block*>> kids_;
    std::vector<std::pair<const ir::Block*, bool>> open_; // labels around the node being numbered
    bool too_deep_ = false;
    bool lost_ = false;
};

} // namespace

bool Tree::inside(int32_t loop, uint32_t b) const {
    for (int32_t l = block_loop[b]; l >= 0; l = loops[static_cast<size_t>(l)].parent) {
        if (l == loop) {
            return true;
        }
    }
    return false;
}

base::Result<Tree> structurize(const ir::Function& f) {
    return Structurizer(f).run();
}

} // namespace kite::cc
