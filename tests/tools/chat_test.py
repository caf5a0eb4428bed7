"""`chat`: through a pipe and at a terminal."""

import json
import subprocess
import unittest

from program import MODELS, ProgramTest, Terminal, main, run

TEMPLATE = "{% for message in messages %}{{ message['role'][0] }}:{{ message['content'] }}\n{% endfor %}a:"


class Chat(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.model_with_template(TEMPLATE)
        self.arguments = ("chat", self.model, "--temp", 0, "-n", 6, "--context", 512)

    def talk(self, *lines, more=()):
        return run(*self.arguments, *more, input="".join(line + "\n" for line in lines).encode())

    def conversation(self, *lines):
        path = self.folder / "saved.json"
        self.talk(*lines, f"/save {path}")
        return [(message["role"], message["content"]) for message in json.loads(path.read_text())["messages"]]

    def test_answers_each_line(self):
        messages = self.conversation("one", "two")
        self.assertEqual([role for role, _ in messages], ["user", "assistant"] * 2)
        self.assertEqual([messages[0][1], messages[2][1]], ["one", "two"])
        self.assertEqual(self.talk("one", "two").out, messages[1][1] + "\n" + messages[3][1] + "\n")

    def test_answers_as_run_does_to_the_rendered_template(self):
        answer = self.conversation("one")[1][1]
        told = run("run", self.model, "-p", "u:one\na:", "-n", 6, "--temp", 0, "--json")
        self.assertEqual(json.loads(told.out)["text"], answer)

    def test_what_the_cache_holds_does_not_change_the_answers(self):
        first, second = self.conversation("one", "two")[1::2]
        prompt = f"u:one\na:{first[1]}\nu:two\na:"
        told = run("run", self.model, "-p", prompt, "-n", 6, "--temp", 0, "--json")
        self.assertEqual(json.loads(told.out)["text"], second[1])

    def test_messages_may_span_lines(self):
        self.assertEqual(self.conversation("one\\", "two")[0], ("user", "one\ntwo"))
        self.assertEqual(self.conversation('"""one', "", 'two"""')[0], ("user", "one\n\ntwo"))

    def test_clear_begins_anew(self):
        self.assertEqual(self.conversation("one", "/clear", "two"), self.conversation("two"))

    def test_load_goes_on_where_save_ended(self):
        path = self.folder / "first.json"
        self.talk("one", f"/save {path}")
        self.assertEqual(self.conversation(f"/load {path}", "two"), self.conversation("one", "two"))

    def test_a_system_message_comes_first_and_survives_clear(self):
        path = self.folder / "saved.json"
        self.talk("/clear", f"/save {path}", more=("--system", "be brief"))
        self.assertEqual(json.loads(path.read_text())["messages"], [{"role": "system", "content": "be brief"}])

    def test_help_and_stats(self):
        out = self.talk("/help", "one", "/stats").out
        for word in ("/clear", "/save", "/load", "/stats", "/help", "context ", "cpu:0"):
            self.assertIn(word, out)

    def test_mistakes_keep_the_conversation(self):
        broken = self.folder / "broken.json"
        broken.write_text('{"messages": [{"role": 1}]}')
        done = self.talk("one", "/lod x", "/load", f"/load {broken}", "/save /no/such/place", "two")
        self.assertEqual(done.code, 0)
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 4)
        for error in errors:
            self.assertRegex(error, r"\Aerror: .+: .+; .+\Z")
        self.assertEqual(done.out, self.talk("one", "two").out)

    def test_a_message_that_does_not_fit_is_refused_and_forgotten(self):
        done = self.talk("one", "a b " * 400, "two")
        self.assertIn("/clear", done.err)
        self.assertEqual(done.out, self.talk("one", "two").out)

    def test_text_that_is_not_utf8_can_be_saved(self):
        path = self.folder / "saved.json"
        done = run(*self.arguments, input=b"a\xffb\n/save " + str(path).encode() + b"\n")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(json.loads(path.read_text())["messages"][0]["content"], "a\ufffdb")

    def test_stops_at_a_text(self):
        whole = self.conversation("one")[1][1]
        stop = whole[2:4]
        self.assertEqual(self.talk("one", more=("--stop", stop)).out, whole[: whole.index(stop)] + "\n")

    def test_a_closed_pipe_ends_it(self):
        with open("/dev/full", "wb") as full:
            done = run(*self.arguments, input=b"one\ntwo\n", stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"\Aerror: standard output: [^\n]+\n\Z")


class AtATerminal(ProgramTest):
    def open(self, *more, endless=False):
        self.model = self.model_with_template(TEMPLATE, endless)
        self.saved = self.folder / "saved.json"
        terminal = Terminal("chat", self.model, "--temp", 0, *more)
        terminal.expect("Ctrl-D leaves.")
        terminal.expect("> ")
        return terminal

    def messages(self, terminal):
        """What /save writes, after which the program leaves."""
        terminal.send(f"/save {self.saved}\n")
        terminal.expect("messages written")
        terminal.expect("> ")
        terminal.send("\x04")
        self.assertEqual(terminal.finish(), 0)
        return [message["content"] for message in json.loads(self.saved.read_text())["messages"]]

    def test_talks_and_leaves_with_ctrl_d(self):
        terminal = self.open("-n", 4)
        terminal.send("one\n")
        terminal.expect("> ")
        terminal.send("/stats\n")
        terminal.expect("2 messages")
        terminal.expect("> ")
        self.assertEqual(self.messages(terminal)[0], "one")

    def test_ctrl_c_stops_an_answer_and_keeps_the_conversation(self):
        terminal = self.open("-n", 1000000, "--context", 100000, endless=True)
        message, begin = self.readable_answer()
        terminal.send(message + "\n")
        terminal.expect("\r\n" + begin)
        terminal.send("\x03")
        terminal.expect("[stopped]")
        terminal.expect("> ")
        messages = self.messages(terminal)
        self.assertEqual(messages[0], message)
        self.assertTrue(messages[1].startswith(begin))

    def readable_answer(self):
        """A message whose answer can be waited for at a terminal, and how the answer begins."""
        for message in ("five", "eight", "one", "two", "three", "four"):
            told = json.loads(run("run", self.model, "--chat", "-p", message, "-n", 20, "--temp", 0, "--json").out)
            begin = told["text"][:2]
            if begin.isascii() and begin.isprintable():
                return message, begin
        self.fail("every answer begins with control characters")

    def test_ctrl_c_drops_the_line_that_is_being_written(self):
        terminal = self.open("-n", 2)
        terminal.send("wrong")
        terminal.expect("wrong")
        terminal.send("\x03")
        terminal.expect("> ")
        terminal.send("right\n")
        terminal.expect("> ")
        self.assertEqual(self.messages(terminal)[0], "right")

    def test_lines_are_edited_and_remembered(self):
        terminal = self.open("-n", 2)
        terminal.send("wxng\x02\x02\x08ro\n")  # back by two characters, delete the one before, write
        terminal.expect("> ")
        terminal.send("/clear\n")
        terminal.expect("forgotten")
        terminal.expect("> ")
        terminal.send("\x10\x10\n")  # two lines up
        terminal.expect("> ")
        message = self.messages(terminal)[0]
        if "x" in message:
            self.skipTest("the program was built without libedit")
        self.assertEqual(message, "wrong")


if __name__ == "__main__":
    main()
