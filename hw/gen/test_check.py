#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each refusal of the generator, provoked once; and the real description, accepted."""
import copy
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import outputs  # noqa: E402
from check import check, release_state  # noqa: E402
from load import HwError  # noqa: E402
from load_all import load  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


class Refusals(unittest.TestCase):
    """Edits a copy of the real description and expects a finding that names the culprit."""

    @classmethod
    def setUpClass(cls):
        cls.pristine = load(ROOT)

    def setUp(self):
        self.desc = copy.deepcopy(self.pristine)

    def op(self, name):
        return next(op for op in self.desc.isa.ops if op.name == name)

    def record(self, name):
        return next(r for r in self.desc.records if r.name == name)

    def refused(self, *needles):
        problems = check(self.desc)
        for needle in needles:
            self.assertTrue(any(needle in p for p in problems), f"{needle!r} not in {problems}")

    def test_real_description_is_accepted(self):
        self.assertEqual(check(self.desc), [])

    def test_two_ops_with_one_code(self):
        self.op("fadd").code = self.op("fsub").code
        self.refused("has the code of")

    def test_bit_owned_twice(self):
        self.op("ld").sub[1].lo -= 1
        self.refused("op ld: bit 3 owned by n and space")

    def test_bit_owned_by_nobody(self):
        self.desc.isa.fields = [f for f in self.desc.isa.fields if f.name != "zero0"]
        self.refused("instruction word 0: bits [15] owned by nobody")

    def test_missing_docs(self):
        self.op("fadd").doc = ""
        self.desc.enums["Space"].doc = " "
        self.record("Draw").fields[0].doc = ""
        self.desc.limits[0].doc = ""
        self.refused("op fadd has no doc", "enum Space has no doc", "packet Draw.vertex_count has no doc",
                     "limit va_bits has no doc")

    def test_unknown_enum(self):
        self.op("fcmp").sub[0].enum = "Nothing"
        self.record("SetBlend").fields[1].base = "Nowhere"
        self.refused("unknown enum Nothing", "unknown enum Nowhere")

    def test_enum_value_too_wide(self):
        self.desc.enums["Space"].values["far"] = 4
        self.refused("Space.far = 4 needs more than 2 bits")

    def test_enum_value_twice(self):
        self.desc.enums["Space"].values["far"] = 0
        self.refused("Space.far has the value of global")

    def test_unknown_type_file_and_width(self):
        self.op("fadd").types = ["f8"]
        self.op("fmul").src_files = ["VX", "V"]
        self.op("fsub").dst = "7"
        self.refused("unknown type f8", "unknown operand files", "unknown width '7'")

    def test_imm_with_two_owners(self):
        self.op("ffma").imm = "offset"
        self.op("atom").src_files[0] = "VSL"
        self.refused("imm word has two owners", "imm word holds src3/src4 and a literal")

    def test_n_width_without_count(self):
        self.op("mov").dst = "n"
        self.refused("op mov: width n without a sub field n")

    def test_packet_ids(self):
        self.record("Draw").number = self.record("DrawIndexed").number
        self.record("Call").number = 0x10000
        self.refused("has the id of", "packet Call has no id that fits 16 bits")

    def test_record_bits(self):
        bits = next(f for f in self.record("SamplerDescriptor").fields if f.kind == "bits")
        bits.members[1].lo = bits.members[1].hi = bits.members[0].lo
        self.refused("owned by mag_filter and min_filter")

    def test_record_types(self):
        self.record("Draw").fields[0].kind = ""
        self.record("VertexBinding").fields[0].kind = "struct"
        self.refused("unknown type", "is not defined before its use")

    def test_member_twice(self):
        self.record("Draw").fields[0].name = self.record("Draw").fields[1].name
        self.refused("two members called instance_count")

    def test_formats(self):
        self.desc.formats[0].id = self.desc.formats[1].id
        self.desc.formats[2].profile = "shiny"
        self.desc.formats[3].problem = "name does not parse"
        self.refused("has the number of", "unknown profile shiny", "name does not parse")

    def test_released_value_changed(self):
        self.desc.released = {k: dict(v) for k, v in release_state(self.desc).items()}
        self.assertEqual(check(self.desc), [])
        self.op("fadd").code = 0x2ff
        self.desc.enums["Space"].values["shared"] = 3
        self.op("fsub").types = ["f32"]
        self.desc.isa.ops.remove(self.op("nop"))
        self.refused("released op fadd changed", "released enum Space.shared changed",
                     "released op fsub changed", "released op nop is gone")

    def test_released_kind_unknown(self):
        self.desc.released = {"colour": {"a": "1"}}
        self.refused("unknown kind colour")

    def test_duplicate_enum(self):
        with tempfile.TemporaryDirectory() as tmp:
            shutil.copytree(ROOT / "isa", Path(tmp) / "isa")
            with open(Path(tmp) / "isa" / "mem.toml", "a") as out:
                out.write('[[enum]]\nname = "Type"\ndoc = "x"\nvalues = { none = 0 }\n')
            self.assertTrue(any("enum Type defined twice" in p for p in check(load(Path(tmp)))))

    def test_bad_toml_names_the_file(self):
        with tempfile.TemporaryDirectory() as tmp:
            (Path(tmp) / "isa").mkdir()
            (Path(tmp) / "isa" / "encoding.toml").write_text("[isa\n")
            with self.assertRaisesRegex(HwError, "encoding.toml"):
                load(Path(tmp))


class Outputs(unittest.TestCase):
    def test_every_output_is_written_and_repeatable(self):
        first, second = load(ROOT), load(ROOT)
        for name, emit in outputs.OUTPUTS.items():
            text = emit(first)
            self.assertTrue(text.strip(), name)
            self.assertEqual(text, emit(second), name)

    def test_docs_name_every_op_and_packet(self):
        desc = load(ROOT)
        isa, packets = outputs.OUTPUTS["isa.md"](desc), outputs.OUTPUTS["packets.md"](desc)
        for op in desc.isa.ops:
            self.assertIn(f"### `{op.name}`", isa)
        for record in desc.records:
            if record.kind == "packet":
                self.assertIn(f"### {record.name} (", packets)


if __name__ == "__main__":
    unittest.main()
