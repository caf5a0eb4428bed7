"""What goes wrong is told in one line of the fixed form, with the fixed exit code, and no file is left half written."""

import os
import resource
import signal
import subprocess
import unittest

from program import MODELS, PROGRAM, ProgramTest, main, run, start

LLAMA = MODELS / "llama"
GGUF = LLAMA / "model.gguf"


class Models(ProgramTest):
    def assert_refused(self, model, *parts):
        for command in (["run", model, "-p", "a"], ["plan", model], ["tokenize", model, "a"], ["inspect", model],
                        ["logits", model, "--ids", "1", "--out", self.folder / "out"],
                        ["quantize", model, self.folder / "out", "--type", "F16"]):
            with self.subTest(command=command[0]):
                self.assert_fails(run(*command), 1, *parts)
        self.assertNotIn("out", self.names())

    def test_a_missing_file(self):
        self.assert_refused(self.folder / "none.gguf", "none.gguf: no such file")

    def test_an_empty_file(self):
        (self.folder / "empty.gguf").touch()
        self.assert_refused(self.folder / "empty.gguf", "empty")

    def test_another_kind_of_file(self):
        (self.folder / "text.gguf").write_text("once upon a time there was no model")
        self.assert_refused(self.folder / "text.gguf", "text.gguf")

    def test_a_truncated_file(self):
        data = GGUF.read_bytes()
        for length in (3, 100, len(data) // 2, len(data) - 1):
            (self.folder / "cut.gguf").write_bytes(data[:length])
            self.assert_refused(self.folder / "cut.gguf", "cut.gguf")

    def test_a_folder_without_config(self):
        (self.folder / "bare").mkdir()
        self.assert_refused(self.folder / "bare", "holds no config.json")

    def test_a_folder_without_weights(self):
        (self.folder / "bare").mkdir()
        (self.folder / "bare" / "config.json").write_text('{"model_type": "llama"}')
        self.assert_refused(self.folder / "bare", "model.safetensors")

    @unittest.skipIf(os.geteuid() == 0, "root may read every file")
    def test_an_unreadable_file(self):
        (self.folder / "secret.gguf").touch(0)
        self.assert_refused(self.folder / "secret.gguf", "Permission denied")

    def test_an_unknown_architecture(self):
        data = GGUF.read_bytes()
        (self.folder / "other.gguf").write_bytes(data.replace(b"llama", b"lamma"))
        self.assert_fails(run("run", self.folder / "other.gguf", "-p", "a"), 1, "lamma")

    def test_a_name_with_a_line_break_stays_on_one_line(self):
        self.assert_fails(run("plan", "no\nsuch\x1b[31m.gguf"), 1, "no\\x0asuch")


class Usage(ProgramTest):
    def test_wrong_usage(self):
        for arguments, part in {
            (): "subcommand",
            ("sail",): "sail",
            ("run", GGUF): "--prompt",
            ("run", GGUF, "-p", "a", "more"): "more",
            ("run", GGUF, "-p", "a", "-n", "-1"): "--tokens",
            ("run", GGUF, "-p", "a", "-n", "1e3"): "--tokens",
            ("run", GGUF, "-p", "a", "-n", "99999999999999999999"): "--tokens",
            ("run", GGUF, "-p", "a", "--temp", "nan"): "--temp",
            ("run", GGUF, "-p", "a", "--temp", "-0.5"): "--temp",
            ("run", GGUF, "-p", "a", "--seed", "-1"): "--seed",
            ("run", GGUF, "-p", "a", "--top-p", "1.5"): "--top-p",
            ("run", GGUF, "-p", "a", "--threads", "many"): "--threads",
            ("run", GGUF, "-p", "a", "--context", "0"): "--context",
            ("run", GGUF, "-p", "a", "--stop", ""): "--stop",
            ("chat", GGUF, "--json"): "--json",
            ("logits", GGUF, "--ids", "1,,2", "--out", "x"): "--ids",
            ("logits", GGUF, "--ids", "1,", "--out", "x"): "--ids",
            ("logits", GGUF, "--ids", "one", "--out", "x"): "--ids",
            ("plan", GGUF, "--budget", "cpu:0"): "--budget",
            ("plan", GGUF, "--budget", "cpu:0=1X"): "--budget",
            ("plan", GGUF, "--budget", "cpu:0=-1"): "--budget",
            ("quantize", GGUF, "x", "--type", "Q9"): "--type",
            ("quantize", GGUF, "x", "--type", "F16", "--tensor-type", "all"): "--tensor-type",
            ("conformance", "--level", "6"): "--level",
            ("completion", "cmd"): "SHELL",
        }.items():
            with self.subTest(arguments=arguments[:1] + arguments[2:]):
                self.assert_fails(run(*arguments, cwd=self.folder), 2, part)
        self.assertEqual(self.names(), [])


class Devices(ProgramTest):
    def test_an_unknown_device(self):
        for device in ("cpu:9", "abacus:0", "cpu", "cpu:0,", "cpu:0x", "cpu:-1"):
            with self.subTest(device=device):
                self.assert_fails(run("run", GGUF, "-p", "a", "--device", device), 1, "device", "cpu:0")
        self.assert_fails(run("conformance", "--device", "abacus:0"), 1, "abacus:0")

    def test_a_device_named_twice(self):
        self.assert_fails(run("plan", GGUF, "--device", "cpu:0,cpu:0"), 1, "twice")

    def test_a_budget_of_a_device_that_is_not_used(self):
        self.assert_fails(run("plan", GGUF, "--budget", "reference:0=1G"), 1, "reference:0")


class Prompts(ProgramTest):
    def test_an_empty_prompt(self):
        self.assert_fails(run("run", GGUF, "-p", ""), 1, "prompt")

    def test_a_prompt_longer_than_the_context(self):
        self.assert_fails(run("run", GGUF, "-p", "a b " * 40, "--context", 32), 1, "32", "--context")
        self.assert_fails(run("run", GGUF, "-p", "a b " * 400), 1, "512")

    def test_a_token_outside_of_the_vocabulary(self):
        for ids in ("1,320", "-1"):
            self.assert_fails(run("logits", GGUF, "--ids=" + ids, "--out", self.folder / "out"), 1, "vocabulary")
        self.assertEqual(self.names(), [])

    def test_a_model_without_a_chat_template(self):
        self.assert_fails(run("chat", GGUF), 1, "chat template")
        self.assert_fails(run("run", GGUF, "--chat", "-p", "a"), 1, "chat template")

    def test_texts_that_cannot_be_scored(self):
        (self.folder / "empty").touch()
        (self.folder / "short").write_text("a")
        self.assert_fails(run("perplexity", GGUF, self.folder / "none"), 1, "No such file")
        self.assert_fails(run("perplexity", GGUF, self.folder), 1, "folder")
        self.assert_fails(run("perplexity", GGUF, self.folder / "empty"), 1, "empty")
        self.assert_fails(run("perplexity", GGUF, self.folder / "short"), 1, "two tokens")


class Outputs(ProgramTest):
    def writers(self, out):
        return (["logits", GGUF, "--ids", "1,2,3", "--out", out], ["quantize", LLAMA, out, "--type", "F32"])

    def test_a_full_disk(self):
        for command in self.writers("/dev/full"):
            self.assert_fails(run(*command), 1, "/dev/full", "No space left on device")

    def test_a_file_that_may_not_grow_leaves_nothing(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

        for command in self.writers(self.folder / "out"):
            (self.folder / "out").write_text("old")
            self.assert_fails(run(*command, preexec_fn=limit), 1, "out", "File too large")
            self.assertEqual((self.names(), (self.folder / "out").read_text()), (["out"], "old"))

    def test_places_that_cannot_be_written(self):
        for out in (self.folder, self.folder / "no" / "such"):
            for command in self.writers(out):
                self.assert_fails(run(*command), 1, str(out))
        self.assertEqual(self.names(), [])

    def test_a_model_is_not_replaced_by_its_own_quantisation(self):
        copy = self.folder / "model.gguf"
        copy.write_bytes(GGUF.read_bytes())
        self.assert_fails(run("quantize", copy, copy, "--type", "Q8_0"), 1, "another file")
        self.assertEqual(copy.read_bytes(), GGUF.read_bytes())

    def test_a_report_that_cannot_be_written(self):
        self.assert_fails(run("conformance", "--level", 0, "--report", GGUF), 1, "model.gguf")


class Streams(ProgramTest):
    COMMANDS = (["run", GGUF, "-p", "ab", "-n", "3"], ["inspect", GGUF], ["devices", "--json"], ["--help"], ["--version"])

    def test_a_closed_pipe(self):
        for command in self.COMMANDS:
            with self.subTest(command=command[0]):
                child = start(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                child.stdout.close()
                error = child.stderr.read().decode()
                child.stderr.close()
                self.assertEqual(child.wait(), 1)
                self.assertRegex(error, r"\Aerror: standard output: its reader has closed it; [^\n]+\n\Z")

    def test_a_full_disk(self):
        for command in self.COMMANDS:
            with self.subTest(command=command[0]), open("/dev/full", "wb") as full:
                done = run(*command, stdout=full, stderr=subprocess.PIPE)
                self.assert_fails(done, 1, "standard output: No space left on device")

    def test_closed_streams_are_not_taken_by_other_files(self):
        out = self.folder / "out"
        shell = 'exec "$0" "$@" <&- >&-'
        command = ["sh", "-c", shell, PROGRAM, "logits", GGUF, "--ids", "1", "--out", out]
        done = subprocess.run(list(map(str, command)), stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"error: standard output: ", done.stderr)
        whole = self.folder / "whole"
        run("logits", GGUF, "--ids", "1", "--out", whole)
        self.assertEqual(out.read_bytes(), whole.read_bytes())

    def test_errors_that_nobody_can_read_do_not_crash(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(run("plan", "none", stdout=subprocess.PIPE, stderr=full).code, 1)
            self.assertEqual(run("run", GGUF, "-p", "ab", "-n", 3, stdout=subprocess.PIPE, stderr=full).code, 0)


if __name__ == "__main__":
    main()
