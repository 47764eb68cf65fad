// SPDX-License-Identifier: MIT
#include "shader-compiler/opt/pipeline.hpp"

namespace kite::cc {

void optimize(ir::Function& f) { f.renumber(); }

} // namespace kite::cc
