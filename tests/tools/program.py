"""The trireme program as a child process: run to its end, or held at a terminal."""

import collections
import json
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import unittest

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
MODELS = pathlib.Path(sys.argv[2]).resolve()
PATIENCE = 20  # seconds until a child counts as hanging; no test depends on how long one takes

Finished = collections.namedtuple("Finished", "code out err")


def run(*arguments, **options):
    """The exit code, and what was written to stdout and stderr."""
    command = [PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output="stdout" not in options, timeout=PATIENCE, **options)
    return Finished(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


def start(*arguments, **options):
    return subprocess.Popen([PROGRAM, *map(str, arguments)], **options)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="trireme-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def json_of(self, *arguments):
        """Runs with --json: one object on stdout, nothing on stderr."""
        done = run(*arguments, "--json")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(done.out.count("\n"), 1)
        return json.loads(done.out)

    def assert_fails(self, done, code, *parts):
        """The fixed form: `error: <what>: <why>; <what to do>` on one line of stderr, and nothing on stdout."""
        self.assertEqual(done.code, code, done.err)
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, r"\Aerror: [^\n]+: [^\n]+; [^\n]+\n\Z")
        for part in parts:
            self.assertIn(part, done.err)

    def model_with_template(self, template, endless=False):
        """A folder like the llama model's, with a chat template. An endless one has no end token and a long context."""
        folder = self.folder / "model"
        folder.mkdir()
        for name in ("model.safetensors", "tokenizer.json"):
            (folder / name).symlink_to((MODELS / "llama" / name).resolve())
        for name in ("config.json", "tokenizer_config.json"):
            values = json.loads((MODELS / "llama" / name).read_text())
            if endless:
                values = {key: value for key, value in values.items() if not key.startswith("eos_")}
                values["max_position_embeddings"] = 100000
            (folder / name).write_text(json.dumps(values))
        (folder / "chat_template.jinja").write_text(template)
        return folder


class Terminal:
    """The program with a terminal as its stdin, stdout and stderr."""

    def __init__(self, *arguments):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ["TERM"] = "xterm"
            os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
        self.seen = b""  # since the last expect()

    def expect(self, text):
        """Reads until the text was shown; returns what came before it."""
        wanted = text.encode()
        while wanted not in self.seen:
            if not self._read():
                raise AssertionError(f"the program ended without {text!r}, after {self.seen!r}")
        before, _, self.seen = self.seen.partition(wanted)
        return before.decode(errors="replace")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def finish(self):
        """Reads to the end; returns the exit code, or minus the signal."""
        while self._read():
            pass
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def _read(self):
        if not select.select([self.terminal], [], [], PATIENCE)[0]:
            os.kill(self.child, 9)
            raise AssertionError(f"the program hangs after {self.seen!r}")
        try:
            piece = os.read(self.terminal, 4096)
        except OSError:  # how Linux tells that the other end is closed
            return False
        self.seen += piece
        return bool(piece)


def main():
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
