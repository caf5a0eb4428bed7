"""Ctrl-C: the first press ends cleanly, the second at once."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest

from program import MODELS, ProgramTest, Terminal, main, run, start

GGUF = MODELS / "llama" / "model.gguf"
ENDLESS = ("run", GGUF, "-p", "Hello", "-n", 100000, "--context", 100000, "--ignore-eos", "--temp", 0, "--log", "off")


class Interrupt(ProgramTest):
    def test_ends_a_text_with_its_summary(self):
        child = start(*ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        begin = os.read(child.stdout.fileno(), 1)
        child.send_signal(signal.SIGINT)
        rest, summary = child.communicate()
        self.assertEqual(child.returncode, 0)
        self.assertRegex(summary.decode(), r"\A\[\d+ prompt tokens .*; interrupted\]\n\Z")
        text = (begin + rest).decode()
        self.assertTrue(text.endswith("\n"))
        whole = run(*ENDLESS[:4], *("-n", 400, "--ignore-eos", "--temp", 0)).out
        shared = min(len(text), len(whole)) - 1
        self.assertGreater(shared, 0)
        self.assertEqual(text[:shared], whole[:shared])

    def test_works_from_a_terminal(self):
        terminal = Terminal(*ENDLESS)
        terminal.expect("\n")
        terminal.send("\x03")
        terminal.expect("; interrupted]")
        self.assertEqual(terminal.finish(), 0)

    def test_keeps_what_was_tuned(self):
        kernels, out = self.folder / "kernels", self.folder / "tuned.json"

        def kept():
            files = list(kernels.glob("*.tuning.json"))
            return set(json.loads(files[0].read_text())["schedules"]) if files else set()

        def keys_of_interrupted(before):
            child = start("tune", GGUF, "--device", "vulkan:0", "--kernel-cache", kernels, "--out", out, "--json",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            while child.poll() is None and kept() == before:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            told, error = child.communicate()
            self.assertEqual(child.returncode, 1)
            self.assertEqual(error.decode(), "error: tuning: it was interrupted; what was measured is kept; "
                                             "start it again to measure the rest\n")
            self.assertEqual(set(json.loads(out.read_text())["schedules"]), kept())
            return {entry["key"] for entry in json.loads(told)["tuned"]}

        first = keys_of_interrupted(set())
        self.assertGreater(len(first), 0)
        self.assertEqual(kept(), first)
        second = keys_of_interrupted(first)
        self.assertGreater(len(second), 0)
        self.assertFalse(first & second)

    def test_a_second_press_ends_at_once(self):
        # More output than the pipe takes: the child is held in its write, which the first press does not break off.
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        child = start("inspect", GGUF, "--json", stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        os.read(reading, 1)
        while child.poll() is None:
            child.send_signal(signal.SIGINT)
            time.sleep(0.01)
        self.assertEqual(child.returncode, -signal.SIGINT)
        os.close(reading)
        child.stderr.close()


if __name__ == "__main__":
    main()
