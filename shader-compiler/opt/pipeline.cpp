// SPDX-License-Identifier: MIT
#include "shader-compiler/opt/pipeline.hpp"

#include "shader-compiler/opt/passes.hpp"

namespace kite::cc {

void optimize(ir::Function& f) {
    constexpr int kRounds = 4;
    f.renumber();
    for (int round = 0; round < kRounds; ++round) {
        bool progress = opt::simplify(f);
        progress |= opt::gvn(f);
        progress |= opt::simplify_cfg(f);
        opt::dce(f);
        if (!progress) {
            break;
        }
    }
    opt::merge_loads(f);
    if (opt::licm(f)) {
        opt::gvn(f);
        opt::simplify(f);
    }
    opt::dce(f);
}

} // namespace kite::cc
