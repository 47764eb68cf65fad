# SPDX-License-Identifier: MIT
"""kite-coredump on dumps as kite.ko writes them, whole and damaged."""

import pathlib
import subprocess
import sys
import unittest

TOOL = pathlib.Path(__file__).with_name("kite-coredump")
TEXT = b"write of an address that is not mapped for it"


def dump(**changes):
    """A dump of a page fault, with some values changed."""
    words = [2, 0, 5, 1, 8, 0, 0x10100000, 0, 0, 0]
    text = TEXT.ljust(216, b"\0")
    words += [int.from_bytes(text[i:i + 4], "little") for i in range(0, 216, 4)]
    facts = {
        "kernel": "6.12", "device": "0000:01:00.0", "abi": "1.0", "code": "00ff", "executor": "x",
        "process": "app", "pid": "7", "client": "3", "fault kind": "2", "fault ring": "0",
        "fault context": "5", "fault write": "1", "fault seqno": "8",
        "fault address": "0x10100000", "fault time": "5 ns", "fault text": TEXT.decode(),
        "fault record": " ".join(f"{word:08x}" for word in words),
        "ring 0": "class graphics, submitted 8, done 8, entries 8, kills 0",
    }
    facts.update(changes)
    return "kite device core dump, format 1\n" + "".join(f"{k}: {v}\n" for k, v in facts.items())


def run(text):
    """Exit status and output of the tool."""
    done = subprocess.run([sys.executable, TOOL, "-"], input=text, capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


class Coredump(unittest.TestCase):
    """What it says and what it refuses."""

    def test_names_the_fault(self):
        code, text = run(dump())
        self.assertEqual(code, 0, text)
        self.assertIn("fault: page:", text)
        self.assertIn("write at 0x10100000", text)
        self.assertIn(TEXT.decode(), text)
        self.assertNotIn("warning", text)

    def test_compares_with_the_record(self):
        code, text = run(dump(**{"fault context": "6"}))
        self.assertEqual(code, 0)
        self.assertIn("warning: fault context", text)

    def test_refuses_what_is_no_dump(self):
        self.assertEqual(run("hello\n")[0], 1)
        self.assertEqual(run("kite device core dump, format 1\n")[0], 1)
        self.assertEqual(run(dump(**{"fault record": "1 2 3"}))[0], 1)


if __name__ == "__main__":
    unittest.main()
