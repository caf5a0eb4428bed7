"""What tools/check understands, and how it counts what ran."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(*arguments):
    return subprocess.run([ROOT / "tools/check", *arguments], capture_output=True, text=True)


def count(log):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(log)
        file.flush()
        script = f". tools/scripts/check_common.sh; count_tests {file.name}"
        return subprocess.run(["bash", "-euc", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


class Arguments(unittest.TestCase):
    def test_every_stage_can_be_chosen_and_is_explained(self):
        stages = check("--dry-run", "--long").stdout.split()
        self.assertIn("asan", stages)
        self.assertEqual(check("--dry-run", "--only", ",".join(stages)).stdout.split(), stages)
        for stage in stages:
            self.assertRegex(check("--help").stdout, rf"(?m)^  {stage} +\w")

    def test_the_long_stages_run_only_when_asked_for(self):
        usual = check("--dry-run").stdout.split()
        self.assertEqual([s for s in usual if s.startswith("long_")], [])
        self.assertEqual(check("--dry-run", "--long").stdout.split()[: len(usual)], usual)

    def test_wrong_usage_is_one_line_and_exit_code_2(self):
        for arguments in (["--only"], ["--only", "nothing"], ["--all"], ["asan"]):
            done = check(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertRegex(done.stderr, r"\Aerror: tools/check: .*; see tools/check --help\n\Z")


class Counting(unittest.TestCase):
    def test_adds_up_all_runners(self):
        self.assertEqual(count("100% tests passed, 0 tests failed out of 7\nnoise 3 passed\n5 passed, 0 failed\n"), "12 0 0")

    def test_skipped_tests_did_not_pass(self):
        log = "100% tests passed, 0 tests failed out of 7\nThe following tests did not run:\n\t  3 - A.B (Skipped)\n"
        self.assertEqual(count(log), "6 1 0")

    def test_programs_that_ran_whole_count_by_their_tests(self):
        log = "3: [  PASSED  ] 5 tests.\n4: [  PASSED  ] 1 test.\n4: [  SKIPPED ] 2 tests, listed below:\n"
        self.assertEqual(count(log + "100% tests passed, 0 tests failed out of 3\n"), "7 2 0")

    def test_failures_are_not_passes(self):
        self.assertEqual(count("71% tests passed, 2 tests failed out of 7\n1 passed, 1 failed\n"), "6 0 3")

    def test_a_log_without_tests_counts_none(self):
        self.assertEqual(count("built\n"), "0 0 0")


unittest.main()
