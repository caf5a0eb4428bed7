"""The commands of a README are run as a reader would type them, and none goes unnoticed."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CheckReadme(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_on(self, text, *arguments):
        readme = pathlib.Path(self.folder.name) / "README.md"
        readme.write_text(text)
        return subprocess.run([sys.executable, ROOT / "tools/scripts/check_readme", readme, "--scratch",
                               pathlib.Path(self.folder.name) / "scratch", *arguments], capture_output=True, text=True)

    def expect_passed(self, text, count):
        done = self.run_on(text)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, f"{count} passed, 0 failed"), done.stderr)
        return done

    def expect_error(self, text, *parts, arguments=()):
        done = self.run_on(text, *arguments)
        self.assertEqual(done.returncode, 1)
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("error: "), last)
        for part in parts:
            self.assertIn(part, last)
        return done

    def test_counts_each_command_of_each_block(self):
        self.expect_passed("```sh\ntrue\n\n# why\ntrue\n```\ntext\n```text\nfalse\n```\n~~~sh\ntrue\n~~~\n", 3)

    def test_blocks_share_one_shell(self):
        done = self.expect_passed("```sh\ncd hal\nword=said\n```\n```sh\nbasename $PWD; echo $word\n```\n", 3)
        self.assertIn("hal\nsaid\n", done.stdout)

    def test_a_command_may_take_several_lines(self):
        done = self.expect_passed("```sh\necho one \\\n  two\ncat <<END\nthree\nEND\necho 'four\nfive'\n```\n", 3)
        self.assertIn("one two\nthree\nfour\nfive\n", done.stdout)

    def test_works_on_a_copy_of_the_tree(self):
        done = self.expect_passed("```sh\nls tools/check\nrm -r tools\n```\n", 2)
        self.assertIn("tools/check\n", done.stdout)
        self.assertTrue((ROOT / "tools/check").exists())

    def test_cloning_gives_the_tree_as_it_is(self):
        done = self.expect_passed("```sh\ngit clone https://example.org/x/trireme.git\ncd trireme\nls tools/check\n```\n", 3)
        self.assertIn("tools/check\n", done.stdout)

    def test_the_check_does_not_run_itself(self):
        done = self.expect_passed("```sh\ntools/check --only asan\n```\n", 1)
        self.assertIn("asan\n", done.stdout)

    def test_a_wrong_argument_of_the_check_is_noticed(self):
        self.expect_error("```sh\ntools/check --onyl asan\n```\n", "exit code 2")

    def test_programs_that_ask_get_an_empty_input(self):
        self.expect_passed("```sh\ncat\n```\n", 1)

    def test_the_first_failure_ends_it_and_is_named(self):
        done = self.expect_error("```sh\ntrue\n(exit 3)\necho never\n```\n", "README.md:3: (exit 3): exit code 3")
        self.assertNotIn("never", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "1 passed, 1 failed")

    def test_leaving_the_shell_does_not_hide_the_rest(self):
        self.expect_error("```sh\nexit 0\n```\n```sh\nfalse\n```\n", "README.md:2", "exit 0")

    def test_a_command_without_end_is_stopped(self):
        self.expect_error("```sh\nsleep 1000\n```\n", "README.md:2: sleep 1000: took longer than 1 s",
                          arguments=("--timeout", "1"))

    def test_blocks_that_would_go_unnoticed_are_refused(self):
        for language in ("", "bash", "console", "shell"):
            self.expect_error(f"```{language}\ntrue\n```\n", f"line 1: a block of '{language}'", "use sh")

    def test_prompts_are_refused(self):
        self.expect_error("```sh\n$ true\n```\n", "line 2: a prompt")

    def test_an_open_quote_or_block_is_refused(self):
        self.expect_error("```sh\necho 'a\n```\n", "line 2: the command has no end")
        self.expect_error("text\n```sh\ntrue\n", "line 2: the block has no end")

    def test_a_readme_without_commands_is_refused(self):
        self.expect_error("text\n", "no sh block")


unittest.main()
