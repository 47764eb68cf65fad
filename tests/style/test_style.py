# SPDX-License-Identifier: MIT
"""The style checks find what they are for: each rule is broken once in a small made-up tree."""

import pathlib
import sys
import tempfile
import unittest

import check_docs
import check_includes

HEADER = "// SPDX-License-Identifier: MIT\n//\n// One.\n// Two.\n// Three.\n#pragma once\n"


class StyleTest(unittest.TestCase):
    """Runs the checks over a temporary tree."""

    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.holder.name)
        self.addCleanup(self.holder.cleanup)

    def write(self, name, text):
        """Put one file into the tree."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def found(self, check, word):
        """Whether a problem mentions the word."""
        return any(word in problem for problem in check.problems(self.root))

    def test_forbidden_arrows(self):
        """Each forbidden arrow is found, and the allowed ones are not."""
        bad = {
            "base/a.cpp": '#include "kite_hw/isa.hpp"',
            "device/front/b.cpp": '#include "shader-compiler/ir/ir.hpp"',
            "device/exec/c.cpp": '#include "device/raster/setup.hpp"',
            "device/exec/interp.cpp": "#include <llvm/IR/IRBuilder.h>",
            "device/exec/jit/emit.hpp": "#include <llvm/IR/IRBuilder.h>",
            "runtime/device/d.cpp": '#include "kite_device/device.hpp"',
            "runtime/pipeline/e.cpp": '#include "shader-compiler/ir/ir.hpp"',
            "shader-compiler/opt/f.cpp": '#include "shader-compiler/isel/select.hpp"',
            "icd/g.cpp": '#include "kite_cc/compiler.hpp"',
        }
        good = {
            "device/raster/h.cpp": '#include "device/exec/executor.hpp"',
            "device/exec/jit/i.cpp": "#include <llvm/IR/IRBuilder.h>",
            "runtime/kmd/embedded/j.cpp": '#include "kite_device/device.hpp"',
            "runtime/pipeline/k.cpp": '#include "kite_cc/compiler.hpp"',
            "base/l.cpp": '// #include "kite_hw/isa.hpp"',
        }
        for name, text in {**bad, **good}.items():
            self.write(name, text + "\n")
        for name in bad:
            self.assertTrue(self.found(check_includes, name), name)
        for name in good:
            self.assertFalse(self.found(check_includes, name), name)

    def test_words(self):
        """Missing README, licence and variables, open work, and files too long."""
        self.write("base/x.hpp", "#pragma once\n")
        self.write("base/y.cpp", HEADER + "// TO" + "DO later\n" + 'f("KITE_' + 'SECRET");\n')
        self.write("scripts/w.py", "os.environ.get('KITE_' + 'X')\nos.environ['KITE_PY']\n")
        self.write("base/z.cpp", HEADER + "\n" * 900)
        for word in ("base: no README.md", "x.hpp: no SPDX", "x.hpp: a header opens",
                     "y.cpp:7: open work", "KITE_SECRET is not explained",
                     "KITE_PY is not explained", "z.cpp: 906 lines"):
            self.assertTrue(self.found(check_docs, word), word)
        self.write("docs/debugging.md", "| `KITE_SECRET` | a secret |\n")
        self.assertFalse(self.found(check_docs, "KITE_SECRET"))


if __name__ == "__main__":
    sys.exit(unittest.main())
