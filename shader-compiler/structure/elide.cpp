// SPDX-License-Identifier: MIT
#include "shader-compiler/structure/tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace kite::cc {

namespace {

// The construct ends that falling off the end of a list reaches; nullptr stands for the program's
// end.
using Tails = std::vector<const ir::Block*>;

bool reaches(const Tails& tails, const Node& n) {
    return n.kind == NodeKind::br && !n.back &&
           std::find(tails.begin(), tails.end(), n.block) != tails.end();
}

void elide(std::vector<Node>& nodes, const Tails& tails) {
    while (!nodes.empty() && reaches(tails, nodes.back())) {
        nodes.pop_back();
    }
    for (size_t i = 0; i < nodes.size(); ++i) {
        Node& n = nodes[i];
        Tails inner = i + 1 == nodes.size() ? tails : Tails{};
        if (n.kind == NodeKind::block) {
            inner.push_back(n.block);
        }
        elide(n.body, inner);
        elide(n.other, inner);
    }
}

// Drops ifs without content and puts the only side of an if into its body.
void tidy(std::vector<Node>& nodes) {
    for (Node& n : nodes) {
        tidy(n.body);
        tidy(n.other);
        const bool plain = n.kind == NodeKind::if_ && n.cond.cases.empty();
        if (plain && n.body.empty() && !n.other.empty()) {
            std::swap(n.body, n.other);
            n.cond.negate = !n.cond.negate;
        }
    }
    std::erase_if(nodes, [](const Node& n) {
        return n.kind == NodeKind::if_ && n.body.empty() && n.other.empty();
    });
}

void collect_targets(const std::vector<Node>& nodes,
                     std::unordered_set<const ir::Block*>& targets) {
    for (const Node& n : nodes) {
        if (n.kind == NodeKind::br && !n.back) {
            targets.insert(n.block);
        }
        collect_targets(n.body, targets);
        collect_targets(n.other, targets);
    }
}

void unwrap(std::vector<Node>& nodes, const std::unordered_set<const ir::Block*>& targets) {
    std::vector<Node> out;
    out.reserve(nodes.size());
    for (Node& n : nodes) {
        unwrap(n.body, targets);
        unwrap(n.other, targets);
        if (n.kind == NodeKind::block && !targets.contains(n.block)) {
            std::move(n.body.begin(), n.body.end(), std::back_inserter(out));
        } else {
            out.push_back(std::move(n));
        }
    }
    nodes = std::move(out);
}

bool has_phis(const ir::Block* b) {
    return !b->insts.empty() && b->insts[0]->op == ir::phi;
}

void drop_empty_moves(std::vector<Node>& nodes) {
    for (Node& n : nodes) {
        drop_empty_moves(n.body);
        drop_empty_moves(n.other);
    }
    std::erase_if(nodes,
                  [](const Node& n) { return n.kind == NodeKind::moves && !has_phis(n.block); });
}

std::string condition_text(const Condition& c) {
    if (c.always()) {
        return "";
    }
    std::string text = fmt::format(" {}%{}", c.negate ? "!" : "", c.value->id);
    for (uint64_t v : c.cases) {
        text += fmt::format(" =={}", v);
    }
    return text;
}

void print_nodes(const std::vector<Node>& nodes, size_t depth, std::string& out) {
    const std::string pad(depth * 2, ' ');
    for (const Node& n : nodes) {
        switch (n.kind) {
        case NodeKind::code:
            out += fmt::format("{}code {}\n", pad, n.block->id);
            break;
        case NodeKind::moves:
            out += fmt::format("{}moves {} -> {}\n", pad, n.from->id, n.block->id);
            break;
        case NodeKind::br:
            out += fmt::format("{}{}{}{}\n", pad, n.back ? "continue" : "br",
                               n.block != nullptr ? fmt::format(" {}", n.block->id) : " exit",
                               condition_text(n.cond));
            break;
        case NodeKind::block:
        case NodeKind::loop:
            out += fmt::format("{}{} {}\n", pad, n.kind == NodeKind::loop ? "loop" : "block",
                               n.block->id);
            print_nodes(n.body, depth + 1, out);
            break;
        case NodeKind::if_:
            out += fmt::format("{}if{}\n", pad, condition_text(n.cond));
            print_nodes(n.body, depth + 1, out);
            if (!n.other.empty()) {
                out += pad + "else\n";
                print_nodes(n.other, depth + 1, out);
            }
            break;
        }
    }
}

} // namespace

void elide_branches(Tree& tree) {
    drop_empty_moves(tree.body);
    elide(tree.body, {nullptr});
    tidy(tree.body);
    std::unordered_set<const ir::Block*> targets;
    collect_targets(tree.body, targets);
    unwrap(tree.body, targets);
}

std::string print(const Tree& tree) {
    std::string out;
    print_nodes(tree.body, 0, out);
    return out;
}

} // namespace kite::cc
