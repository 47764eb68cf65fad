# SPDX-License-Identifier: MIT
"""Tests of what ./kite decides: counting, ratios, packages, the command line."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kite_cli import bench_report, cts, cts_report, enter, fuzz, igt, main, run, test, tree, ui  # noqa: E402

GTEST_OUTPUT = """\
[ RUN      ] Bits.Align
[       OK ] Bits.Align (0 ms)
[ RUN      ] Jit.Wide
device/exec/jit_test.cpp:12: Skipped
this CPU has no AVX-512
[  SKIPPED ] Jit.Wide (0 ms)
[ RUN      ] All/Texture.Wrap/3
texture_test.cpp:40: Failure
[  FAILED  ] All/Texture.Wrap/3, where GetParam() = 3 (1 ms)
[  FAILED  ] 1 test, listed below:
[  FAILED  ] All/Texture.Wrap/3, where GetParam() = 3
"""


class TallyTest(unittest.TestCase):
    """How ./kite test counts."""

    def test_cases_of_googletest(self):
        """Every case counts once, and a skipped one keeps its reason."""
        tally = test.Tally()
        tally.add({"name": "kite:base / base_test", "result": "FAIL", "stdout": GTEST_OUTPUT})
        self.assertEqual(tally.passed, 1)
        self.assertEqual(tally.failed, [("base_test: All/Texture.Wrap/3", "")])
        self.assertEqual(tally.skipped, [("base_test: Jit.Wide", "this CPU has no AVX-512")])

    def test_a_crash_is_a_failure(self):
        """A program that dies after its last good case has failed all the same."""
        tally = test.Tally()
        tally.add({"name": "x", "result": "FAIL", "stdout": "[       OK ] A.B (0 ms)\n"})
        tally.add({"name": "y", "result": "TIMEOUT"})
        self.assertEqual((tally.passed, tally.failed), (1, [("x", "fail"), ("y", "timeout")]))

    def test_plain_programs(self):
        """Without GoogleTest the program is the test; 77 is a skip with a reason."""
        tally = test.Tally()
        tally.add({"name": "x", "result": "OK", "stdout": "fine\n"})
        tally.add({"name": "y", "result": "SKIP", "stdout": "SKIP: no lavapipe\n"})
        self.assertEqual((tally.passed, tally.failed), (1, []))
        self.assertEqual(tally.skipped, [("y", "no lavapipe")])


class FuzzTest(unittest.TestCase):
    """What ./kite fuzz says."""

    def test_summary(self):
        """The last figures count, and nothing is no crash."""
        output = ("#2 INITED cov: 10 ft: 20 corp: 1/1b\n#9 NEW cov: 14 ft: 29 corp: 3/9b lim: 4\n"
                  "stat::number_of_executed_units: 345\n")
        self.assertEqual(fuzz.summary(output), "345 inputs executed, 14 edges, 3 inputs kept")
        self.assertEqual(fuzz.summary(""), "0 inputs executed, 0 edges, 0 inputs kept")

    def test_targets_have_seeds(self):
        """Every target has a corpus, and the other way round."""
        corpus = ui.REPO / "tests" / "fuzz" / "corpus"
        self.assertEqual(sorted(fuzz.TARGETS), sorted(path.name for path in corpus.iterdir()))


class BenchTest(unittest.TestCase):
    """What the table says."""

    def rows(self, better, kite, lavapipe):
        """Two drivers' results of one case."""
        samples = {("s", "c", "kite"): ("u", better, kite),
                   ("s", "c", "lavapipe"): ("u", better, lavapipe)}
        return bench_report.summarise(samples)

    def test_median_and_ratio(self):
        """Above 1 is better, whichever way the unit goes."""
        higher = self.rows("higher", [10, 30, 20], [10])
        self.assertEqual(higher[0]["median"], 20)
        self.assertEqual(bench_report.ratio(*higher), 2)
        self.assertEqual(bench_report.ratio(*self.rows("lower", [10], [20])), 2)
        self.assertIsNone(bench_report.ratio(higher[0], None))

    def test_table(self):
        """A case that one driver lacks shows a dash."""
        results = self.rows("higher", [300], [150])
        text = bench_report.table(results, ["kite", "lavapipe", "swiftshader"])
        self.assertIn("| s: c | u | 300 | 150 | - | 2.00x | - |", text)
        self.assertIn("s: geometric mean 2.00x lavapipe, worst 2.00x.", text)

    def test_numbers(self):
        """Three digits."""
        self.assertEqual([bench_report.number(v) for v in (0.01234, 1.5, 99.94, 1234.5, 0, None)],
                         ["0.0123", "1.50", "99.9", "1234", "0", "-"])


class TreeTest(unittest.TestCase):
    """The tree's key and what is visible inside."""

    def test_key_follows_packages(self):
        """Another package, another tree."""
        before = tree.key()
        with mock.patch.object(tree, "packages", return_value=[*tree.packages(), "hello"]):
            self.assertNotEqual(before, tree.key())
        self.assertEqual(before, tree.key())
        self.assertIn("mesa-vulkan-drivers/trixie-backports", tree.packages())
        self.assertNotEqual(before, tree.key(tree.IGT))

    def test_two_versions_of_one_package(self):
        """A name listed plain and with a suite is installed in two rounds."""
        first, second = tree.rounds(["a", "a/new", "b/new", "c"])
        self.assertEqual((first, second), (["a", "b/new", "c"], ["a/new"]))

    def test_bound_folders(self):
        """The checkout is inside, KITE_BIND adds to it, nested folders are named once."""
        with mock.patch.dict(os.environ, {"KITE_BIND": "/usr/share:/usr/share/doc:/nowhere"}):
            paths = enter._writable_paths()
        self.assertTrue(any(str(ui.REPO) == p or str(ui.REPO).startswith(p + "/") for p in paths))
        self.assertIn("/usr/share", paths)
        self.assertNotIn("/usr/share/doc", paths)
        self.assertNotIn("/nowhere", paths)

    def test_shared_folder(self):
        """--out may lie anywhere: the folder is made and can be written from inside the tree."""
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            wanted = pathlib.Path(folder) / "pictures"
            with mock.patch.object(enter, "_shared", []):
                self.assertNotIn(str(wanted), enter._writable_paths())
                enter.share(wanted)
                self.assertIn(str(wanted), enter._writable_paths())


class IgtTest(unittest.TestCase):
    """What ./kite igt makes of IGT's output and of its list."""

    def test_results_by_subtest(self):
        """Every subtest counts; a program without any, or one that dies after them, counts itself."""
        text = "Starting subtest: a\nSubtest a: SUCCESS (0.1s)\nSubtest b-2: SKIP (0.000s)\n"
        self.assertEqual(igt.results("p", 0, text), [("p@a", "SUCCESS"), ("p@b-2", "SKIP")])
        self.assertEqual(igt.results("p", 139, text)[-1], ("p", "FAIL"))
        self.assertEqual(igt.results("p", 77, ""), [("p", "SKIP")])
        text = "Dynamic subtest pipe-A: FAIL (0.1s)\nSubtest a: FAIL (0.1s)\n"
        self.assertEqual(igt.results("p", 98, text), [("p@a", "FAIL")])

    def test_slow_subtests(self):
        """One that takes too long is ended, and the others are run without it."""
        runs = iter([("Starting subtest: a\nSubtest a: SUCCESS (0s)\nStarting subtest: b\n", True),
                     ("Starting subtest: c\nSubtest c: SKIP (0s)\n", False)])
        words = []

        class Job:
            """One run of the program."""
            def __init__(self):
                self.stdout, self.running = next(runs)
                self.stderr, self.code = "", 137 if self.running else 0

            def kill(self, _):
                """The end of a slow one."""
                self.running = False

            def wait(self, _):
                """It has ended."""

        machine = mock.Mock()
        machine.splats.return_value = []
        machine.start.side_effect = lambda argv, **_: words.append(argv[1:]) or Job()
        with tempfile.TemporaryDirectory() as folder:
            pairs = igt._one(machine, "p", "*,!x", mock.Mock(timeout=0.1), pathlib.Path(folder))
        self.assertEqual(pairs, [("p@a", "SUCCESS"), ("p@b", "TIMEOUT"), ("p@c", "SKIP")])
        self.assertEqual(words, [["--run-subtest", "*,!x"], ["--run-subtest", "*,!x,!a,!b"]])

    def test_list_of_reasons(self):
        """Names, prefixes and kernels are told apart; what is listed but passes is not expected."""
        text = "p@a FAIL [deb13] one thing # comment\np@b* SKIP another\np@*x SKIP one\n\n"
        known = igt.expected(text, "6.12.107+deb13-amd64")
        self.assertEqual(igt.reason_of("p@a", known), ("FAIL", "one thing"))
        self.assertEqual(igt.reason_of("p@b-2", known), ("SKIP", "another"))
        self.assertEqual(igt.reason_of("p@c-x", known), ("SKIP", "one"))
        self.assertEqual(igt.reason_of("p@a", igt.expected(text, "6.12-debug")), (None, None))
        pairs = [("p@a", "SUCCESS"), ("p@b", "SKIP"), ("p@c", "SUCCESS"), ("p@d", "FAIL")]
        self.assertEqual(igt.judge(pairs, known)[1], 2)
        with self.assertRaises(ui.KiteError):
            igt.expected("p@a FAIL\n", "6.12")

    def test_the_real_list(self):
        """It can be read."""
        self.assertTrue(igt.expected(igt.EXPECTED.read_text(), "6.12.107+deb13-amd64"))


class CommandLineTest(unittest.TestCase):
    """Parsing and refusals."""

    def test_drivers(self):
        """Exactly one manifest is named; an unknown driver is refused by name."""
        chosen = run.driver_environment("kite")
        self.assertTrue(chosen["VK_DRIVER_FILES"].endswith("icd/kite_icd.x86_64.json"))
        self.assertEqual(run.driver_environment("lavapipe-512")["LP_NATIVE_VECTOR_WIDTH"], "512")
        with self.assertRaisesRegex(ui.KiteError, "no driver nvidia"):
            run.driver_environment("nvidia")

    def test_command_after_dashes(self):
        """What follows -- is the command, options and all."""
        args = main.parser().parse_args(["run", "--peer", "lavapipe", "--", "vkcube", "--c", "5"])
        self.assertEqual(args.peer, "lavapipe")
        self.assertEqual([part for part in args.command if part != "--"], ["vkcube", "--c", "5"])

    def test_failed_step_names_its_log(self):
        """A step that fails raises an error that carries the log, and the log has the output."""
        log = ui.log_dir() / "self-test.log"
        with open(os.devnull, "w", encoding="ascii") as quiet, mock.patch("sys.stderr", quiet):
            with self.assertRaises(ui.KiteError) as caught:
                ui.run_logged("a step", ["sh", "-c", "echo why; exit 3"], log)
        self.assertEqual(caught.exception.log, log)
        self.assertEqual(log.read_text(), "why\n")
        log.unlink()


DEQP_OUTPUT = """\
Writing test log into x.qpa
Test case 'dEQP-VK.info.device'..
  Pass (Not validated)

Test case 'dEQP-VK.api.a'..
  NotSupported (VK_EXT_x is not supported at vktA.cpp:1)

Test case 'dEQP-VK.api.b'..
  Fail (Images differ)

Test case 'dEQP-VK.api.c'..
"""


class CtsTest(unittest.TestCase):
    """./kite cts: what it reads, chooses and reports."""

    def test_output_in_pieces(self):
        """Whatever the pieces are, the cases that ended are found, and the one that runs."""
        for step in (1, 7, 4096):
            parser, found = cts.Parser(), []
            for i in range(0, len(DEQP_OUTPUT), step):
                found += parser.feed(DEQP_OUTPUT[i:i + step])
            self.assertEqual([row[:3] for row in found], [
                ("dEQP-VK.info.device", "Pass", "Not validated"),
                ("dEQP-VK.api.a", "NotSupported", "VK_EXT_x is not supported at vktA.cpp:1"),
                ("dEQP-VK.api.b", "Fail", "Images differ")])
            self.assertEqual(parser.case, "dEQP-VK.api.c")

    def test_shares_are_disjoint_and_complete(self):
        """Every case is in one share, and the same one whatever else there is."""
        cases = [f"dEQP-VK.m.c{i}" for i in range(1000)]
        shares = [cts.fraction_of(cases, f"{i},7") for i in range(7)]
        self.assertEqual(sorted(sum(shares, [])), sorted(cases))
        self.assertLess(max(map(len, shares)), 200)
        self.assertEqual(cts.fraction_of(cases[:500], "3,7"),
                         [name for name in shares[3] if name in cases[:500]])
        for wrong in ("7,7", "1", "a,b", "0,0"):
            with self.assertRaises(ui.KiteError):
                cts.fraction_of(cases, wrong)

    def test_a_torn_line_is_run_again(self):
        """A run that was killed leaves half a line."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.jsonl"
            path.write_text('["a", "Pass", "", 0.1]\n["b", "Fa', encoding="utf-8")
            self.assertEqual(cts.load_results(path), {"a": ("Pass", "", 0.1)})

    def test_report(self):
        """Listed failures are no surprise, anything else is, in both directions."""
        fails = cts.expectations("# head\ndEQP-VK.a.known,Fail  # why\ndEQP-VK.a.mended,Fail  # x\n")
        results = {"dEQP-VK.a.known": ("Fail", "", 1.0), "dEQP-VK.a.mended": ("Pass", "", 1.0),
                   "dEQP-VK.b.new": ("Crash", "", 1.0), "dEQP-VK.b.flaky": ("Fail", "", 1.0),
                   "dEQP-VK.b.ns": ("NotSupported", "no x at y.cpp:1", 0.0),
                   "dEQP-VK.b.fine": ("QualityWarning", "", 0.0)}
        last = dict(results, **{"dEQP-VK.b.new": ("Pass", "", 1.0)})
        peer = {"dEQP-VK.b.new": ("Pass", "", 1.0), "dEQP-VK.b.ns": ("Pass", "", 1.0)}
        report = cts_report.Report("Kite", results, last, {"lavapipe": peer}, fails,
                                   {"dEQP-VK.b.flaky": ("", "")})
        self.assertEqual([row[:2] for row in report.unexpected], [
            ("dEQP-VK.a.mended", "UnexpectedPass"), ("dEQP-VK.b.new", "Crash")])
        text = report.markdown()
        self.assertIn("| **all** | 1 | 1 | 2 | 1 | 0 | 1 |", text)
        self.assertIn("- `dEQP-VK.b.new`: Pass -> Crash", text)
        self.assertIn("- `dEQP-VK.b.new`: Crash, there Pass", text)
        self.assertIn("- 1: no x", text)


if __name__ == "__main__":
    unittest.main()
