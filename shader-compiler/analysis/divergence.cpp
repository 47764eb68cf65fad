// SPDX-License-Identifier: MIT
#include "shader-compiler/analysis/divergence.hpp"

#include <algorithm>
#include <utility>

namespace kite::cc {

namespace {

// Values that differ between lanes whatever their operands are, or that only vector registers can
// hold.
bool varies_by_itself(const ir::Function& f, const ir::Inst& i) {
    if (!ir::is_hw(i.op)) {
        return false;
    }
    const hw::Op op = ir::hw_op(i.op);
    if (op == hw::Op::sys) {
        const hw::SysValInfo* sv = hw::sysval_info(static_cast<hw::SysVal>(i.imm & 0xffffu));
        if (sv == nullptr || sv->uniform) {
            return sv == nullptr;
        }
        // A wave stays inside one row of a workgroup whose rows are whole waves.
        const bool whole_rows = f.workgroup[0] % kWidestWave == 0;
        return !(whole_rows &&
                 (sv->value == hw::SysVal::local_y || sv->value == hw::SysVal::local_z));
    }
    if (op == hw::Op::ld && hw::LdSub::unpack(i.sub).space == hw::Space::scratch) {
        return true;
    }
    const hw::OpInfo* info = hw::op_info(op);
    return info == nullptr || (!info->dst_is_source && !info->dst.allows(hw::File::S));
}

// Votes and lane reads give one answer to all active lanes, whatever their sources are.
bool uniform_by_itself(const ir::Inst& i) {
    if (!ir::is_hw(i.op)) {
        return i.op == ir::constant || i.op == ir::undef;
    }
    const hw::OpInfo* info = hw::op_info(ir::hw_op(i.op));
    return info != nullptr && !info->dst_is_source && info->dst.allows(hw::File::S) &&
           !info->dst.allows(hw::File::V);
}

class Analysis {
public:
    Analysis(const ir::Function& f, Tree& tree)
        : f_(f), tree_(tree), steps_(f, tree, result_.varying) {
        uint32_t values = 0;
        for (const auto& b : f.blocks) {
            values += static_cast<uint32_t>(b->insts.size());
        }
        result_.varying.assign(values, false);
        joins_.assign(f.blocks.size(), false);
    }

    Divergence run() {
        do {
            changed_ = false;
            propagate();
            walk(tree_.body);
        } while (changed_);
        return std::move(result_);
    }

private:
    // An open construct during the walk.
    struct Open {
        const ir::Block* label; // nullptr for an if
        bool is_loop;
        int32_t loop;
        bool enters_fewer; // fewer lanes inside than around it
        bool split;        // lanes that will meet the others at this construct's end have left
    };

    [[nodiscard]] bool differs_at(const ir::Inst& value, uint32_t use) const {
        return result_.varying[value.id] || leaves_divergent_loop(tree_, value.block->id, use) >= 0;
    }

    void propagate() {
        bool again = true;
        while (again) {
            again = false;
            for (const auto& b : f_.blocks) {
                for (const auto& i : b->insts) {
                    if (!result_.varying[i->id] && varies(*i)) {
                        result_.varying[i->id] = true;
                        again = changed_ = true;
                    }
                }
            }
        }
    }

    [[nodiscard]] bool varies(const ir::Inst& i) const {
        if (uniform_by_itself(i)) {
            return false;
        }
        if (varies_by_itself(f_, i)) {
            return true;
        }
        if (i.op == ir::phi && joins_[i.block->id]) {
            return true;
        }
        const bool mixed =
            std::any_of(i.operands.begin(), i.operands.end(), [&](const ir::Inst* o) {
                return o != nullptr && differs_at(*o, i.block->id);
            });
        return mixed && !steps_.evens_out(i);
    }

    // True if fewer lanes are here than arrive at the end of open construct `at` in the end.
    [[nodiscard]] bool split_since(size_t at) const {
        if (open_[at].split) {
            return true;
        }
        for (size_t i = at + 1; i < open_.size(); ++i) {
            const Open& o = open_[i];
            if (o.enters_fewer || o.split ||
                (o.is_loop && tree_.loops[static_cast<size_t>(o.loop)].divergent)) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] bool lanes_missing() const {
        return std::any_of(open_.begin(), open_.end(), [&](const Open& o) {
            return o.enters_fewer || o.split ||
                   (o.is_loop && tree_.loops[static_cast<size_t>(o.loop)].divergent);
        });
    }

    void visit_branch(const Node& n) {
        const bool by_lane = !n.cond.always() && differs_at(*n.cond.value, n.from->id);
        if (n.block == nullptr) {
            return; // lanes that left the program meet nobody
        }
        size_t target = open_.size();
        while (target-- > 0) {
            const Open& o = open_[target];
            if (o.label == n.block && o.is_loop == n.back) {
                break;
            }
            if (o.is_loop) {
                bool& divergent = tree_.loops[static_cast<size_t>(o.loop)].divergent;
                if (!divergent && (by_lane || split_since(target))) {
                    divergent = changed_ = true;
                }
            }
        }
        const bool part = by_lane || split_since(target);
        // A next iteration that begins while some lanes still run this one must not overwrite what
        // they read.
        const bool several = n.back || n.block->preds.size() >= 2;
        if (part && several && !joins_[n.block->id]) {
            joins_[n.block->id] = true;
            changed_ = true;
        }
        open_[target].split = open_[target].split || part;
    }

    void walk(std::vector<Node>& nodes) {
        for (Node& n : nodes) {
            n.divergent = lanes_missing();
            switch (n.kind) {
            case NodeKind::code:
            case NodeKind::moves:
                break;
            case NodeKind::br:
                visit_branch(n);
                break;
            case NodeKind::block:
            case NodeKind::loop: {
                const bool is_loop = n.kind == NodeKind::loop;
                open_.push_back({n.block, is_loop, is_loop ? tree_.header_loop[n.block->id] : -1,
                                 false, false});
                walk(n.body);
                open_.pop_back();
                break;
            }
            case NodeKind::if_:
                open_.push_back(
                    {nullptr, false, -1, differs_at(*n.cond.value, n.block->id), false});
                walk(n.body);
                open_.back().split = false;
                walk(n.other);
                open_.pop_back();
                break;
            }
        }
    }

    const ir::Function& f_;
    Tree& tree_;
    Divergence result_;
    LaneSteps steps_;
    std::vector<bool> joins_; // by block: phis merge what different lanes bring
    std::vector<Open> open_;
    bool changed_ = false;
};

} // namespace

Divergence analyze_divergence(const ir::Function& f, Tree& tree) {
    return Analysis(f, tree).run();
}

int32_t leaves_divergent_loop(const Tree& tree, uint32_t def, uint32_t use) {
    int32_t found = -1;
    for (int32_t l = tree.block_loop[def]; l >= 0; l = tree.loops[static_cast<size_t>(l)].parent) {
        if (tree.inside(l, use)) {
            break;
        }
        if (tree.loops[static_cast<size_t>(l)].divergent) {
            found = l;
        }
    }
    return found;
}

} // namespace kite::cc
