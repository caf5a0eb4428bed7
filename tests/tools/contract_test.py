"""The fixed command line: what each subcommand prints for programs, and that people get tables."""

import json
import math
import struct
import unittest

from program import MODELS, ProgramTest, main, run

LLAMA = MODELS / "llama"
GGUF = LLAMA / "model.gguf"


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


class Devices(ProgramTest):
    def test_lists_both_devices(self):
        devices = {device["id"]: device for device in self.json_of("devices")["devices"]}
        self.assertTrue(devices["cpu:0"]["available"])
        self.assertTrue(devices["reference:0"]["available"])
        self.assertIn("cpu:0", run("devices").out)


class Run(ProgramTest):
    def test_tells_ids_text_and_speed(self):
        told = self.json_of("run", GGUF, "-p", "Hello", "-n", 6, "--ignore-eos", "--temp", 0)
        self.assertEqual(told["prompt_ids"], self.json_of("tokenize", GGUF, "Hello")["ids"])
        self.assertEqual(len(told["ids"]), 6)
        self.assertGreater(told["prompt_tokens_per_s"], 0)
        self.assertGreater(told["tokens_per_s"], 0)
        self.assertEqual(told["devices"], ["cpu:0"])

    def test_text_for_people_is_the_text_of_the_json(self):
        told = self.json_of("run", GGUF, "-p", "Hello", "-n", 20, "--ignore-eos")
        done = run("run", GGUF, "-p", "Hello", "-n", 20, "--ignore-eos")
        self.assertEqual(done.out, told["text"] + "\n")
        self.assertRegex(done.err, r"\A\[\d+ prompt tokens at .*/s, 20 tokens at .*/s on cpu:0; limit of tokens\]\n\Z")

    def test_a_context_longer_than_the_model_was_made_for_is_warned_of(self):
        arguments = ("run", GGUF, "-p", "ab", "-n", 2, "--ignore-eos", "--context", 600)
        done = run(*arguments)
        self.assertEqual(done.code, 0)
        self.assertRegex(done.err, r"\Awarning: context of 600 tokens: the model was made for 512, [^\n]+\n\[")
        self.assertRegex(run(*arguments, "--log", "off").err, r"\A\[")

    def test_tells_of_its_work_when_asked(self):
        done = run("run", GGUF, "-p", "ab", "-n", 2, "--log", "debug")
        for line in (r"info: cpu:0: .+", r"debug: .*model\.gguf: llama, .+", r"debug: a step of up to \d+ rows .+",
                     r"debug: a step of up to \d+ rows prepared in \d+ ms"):
            self.assertRegex(done.err, rf"(?m)^{line}$")

    def test_greedy_is_the_same_again_and_from_a_folder(self):
        texts = {self.json_of("run", model, "-p", "ab", "-n", 12, "--temp", 0, "--ignore-eos")["text"]
                 for model in (GGUF, GGUF, LLAMA)}
        self.assertEqual(len(texts), 1)

    def test_the_seed_decides_what_is_sampled(self):
        def ids(seed):
            return tuple(self.json_of("run", GGUF, "-p", "a", "-n", 16, "--temp", 1.5, "--seed", seed,
                                      "--ignore-eos")["ids"])
        self.assertEqual(ids(1), ids(1))
        self.assertGreater(len({ids(seed) for seed in range(1, 5)}), 1)

    def test_stops_at_an_end_token_unless_told_otherwise(self):
        ended = self.json_of("run", GGUF, "-p", "ab", "-n", 64, "--temp", 0)
        self.assertEqual((ended["stop"], ended["ids"][-1]), ("end of text", 2))
        longer = self.json_of("run", GGUF, "-p", "ab", "-n", 64, "--temp", 0, "--ignore-eos")
        self.assertEqual((longer["stop"], len(longer["ids"])), ("limit of tokens", 64))

    def test_stops_before_a_text_that_spans_tokens(self):
        whole = self.json_of("run", GGUF, "-p", "Hello", "-n", 40, "--temp", 0, "--ignore-eos")["text"]
        stop = whole[9:13]
        before = whole[: whole.index(stop)]
        told = self.json_of("run", GGUF, "-p", "Hello", "-n", 40, "--temp", 0, "--ignore-eos", "--stop", "never there",
                            "--stop", stop)
        self.assertEqual((told["text"], told["stop"]), (before, "stop text"))
        self.assertLess(len(told["ids"]), 40)

    def test_a_full_context_ends_the_text_and_loses_none(self):
        told = self.json_of("run", GGUF, "-p", "Hello", "-n", 100, "--context", 32, "--ignore-eos")
        self.assertEqual(told["stop"], "context is full")
        # The last token needs no room: nothing is computed from it.
        self.assertEqual(len(told["prompt_ids"]) + len(told["ids"]), 33)

    def test_layers_over_two_devices_give_the_same_tokens(self):
        arguments = ("run", GGUF, "-p", "Hello", "-n", 8, "--temp", 0, "--ignore-eos")
        split = self.json_of(*arguments, "--device", "cpu:0,reference:0")
        self.assertEqual(split["devices"], ["cpu:0", "reference:0"])
        self.assertEqual(split["ids"], self.json_of(*arguments)["ids"])

    def test_chat_renders_the_models_own_template(self):
        model = self.model_with_template("<{{ messages[0]['content'] }}>")
        told = self.json_of("run", model, "--chat", "-p", "hi", "-n", 1)
        self.assertEqual(told["prompt_ids"], self.json_of("tokenize", GGUF, "<hi>")["ids"])


class Logits(ProgramTest):
    def test_writes_one_row_a_token(self):
        out = self.folder / "logits.safetensors"
        told = self.json_of("logits", GGUF, "--ids", "5,6,7", "--out", out)
        header, data = read_safetensors(out)
        self.assertEqual((header["logits"]["dtype"], header["logits"]["shape"]), ("F32", [3, told["vocab"]]))
        self.assertEqual(len(data), 3 * told["vocab"] * 4)
        self.assertEqual(self.names(), ["logits.safetensors"])

    def test_the_largest_logit_is_the_greedy_token(self):
        prompt = self.json_of("tokenize", GGUF, "Hello")["ids"]
        out = self.folder / "out"
        vocab = self.json_of("logits", GGUF, "--ids", ",".join(map(str, prompt)), "--out", out)["vocab"]
        row = struct.unpack(f"<{vocab}f", read_safetensors(out)[1][-4 * vocab :])
        greedy = self.json_of("run", GGUF, "-p", "Hello", "-n", 1, "--temp", 0)["ids"]
        self.assertEqual([row.index(max(row))], greedy)


class Perplexity(ProgramTest):
    def test_scores_every_token_of_a_window_but_its_first(self):
        text = self.folder / "text"
        text.write_text("Hello there, this is a text.")
        count = len(self.json_of("tokenize", GGUF, text.read_text())["ids"])
        whole = self.json_of("perplexity", GGUF, text)
        self.assertEqual(whole["tokens"], count - 1)
        self.assertAlmostEqual(whole["perplexity"], math.exp(whole["mean_nll"]), places=6)
        cut = self.json_of("perplexity", GGUF, text, "--context", 8, "--max-tokens", 16)
        self.assertEqual(cut["tokens"], 14)


class Tokenize(ProgramTest):
    def test_adds_no_token_and_knows_special_ones(self):
        self.assertEqual(self.json_of("tokenize", GGUF, "ab")["ids"], [67, 68])
        self.assertEqual(self.json_of("tokenize", GGUF, "a<eos>b")["ids"], [67, 2, 68])

    def test_shows_control_characters_as_text(self):
        self.assertNotIn("\x1b", run("tokenize", GGUF, "\x1b[31m").out)


class Bench(ProgramTest):
    def test_tells_rates_and_bytes(self):
        told = self.json_of("bench", GGUF, "--prompt", 16, "--gen", 4, "--repeat", 2)
        for key in ("prefill_tokens_per_s", "decode_tokens_per_s", "decode_host_us_per_step"):
            self.assertGreater(told[key]["min"], 0)
            self.assertLessEqual(told[key]["min"], told[key]["median"])
            self.assertLessEqual(told[key]["median"], told[key]["max"])
        self.assertGreater(told["peak_bytes"]["cpu:0"], told["weight_bytes"])


class Plan(ProgramTest):
    def test_gives_every_layer_to_a_device_once(self):
        told = self.json_of("plan", GGUF, "--device", "cpu:0,reference:0", "--budget", "cpu:0=4MiB", "--budget",
                            "reference:0=4M", "--context", 64)
        layers = [layer for part in told["ranges"] for layer in range(part["first_layer"], part["last_layer"] + 1)]
        self.assertEqual(layers, list(range(-1, told["layers"] + 1)))
        self.assertEqual([part["device"] for part in told["ranges"]], ["cpu:0", "reference:0"])
        for part in told["ranges"]:
            self.assertEqual(part["budget_bytes"], 4 << 20)
            self.assertLessEqual(part["weight_bytes"] + part["kv_bytes"] + part["step_bytes"], part["budget_bytes"])
            self.assertTrue(part["reason"])

    def test_understands_units(self):
        for text, size in {"8388608": 8388608, "9M": 9 << 20, "9.5MiB": 19 << 19, "10MB": 10**7, "1G": 1 << 30}.items():
            told = self.json_of("plan", GGUF, "--budget", "cpu:0=" + text)
            self.assertEqual(told["ranges"][0]["budget_bytes"], size)

    def test_a_model_that_does_not_fit_is_told_what_would(self):
        part = self.json_of("plan", GGUF, "--context", 4096)["ranges"][0]
        budget = f"cpu:0={part['weight_bytes'] + part['step_bytes'] + part['kv_bytes'] // 2}"
        done = run("plan", GGUF, "--context", 4096, "--budget", budget)
        self.assert_fails(done, 1, "cpu:0", "a context of ")
        context = int(done.err.split("a context of ")[1].split()[0])
        self.assertEqual(run("plan", GGUF, "--context", context, "--budget", budget).code, 0)
        self.assertEqual(run("plan", GGUF, "--context", context + 32, "--budget", budget).code, 1)


class Inspect(ProgramTest):
    def test_shows_metadata_tensors_and_formats(self):
        told = self.json_of("inspect", GGUF)
        self.assertEqual(told["metadata"]["general.architecture"], "llama")
        self.assertEqual(sum(tensor["bytes"] for tensor in told["tensors"]),
                         sum(total["bytes"] for total in told["formats"].values()))
        self.assertEqual(len(told["tensors"]), told["formats"]["F32"]["tensors"])
        self.assertEqual(self.json_of("inspect", LLAMA)["metadata"]["hidden_size"], 96)
        self.assertIn("token_embd.weight", run("inspect", GGUF).out)

    def test_prints_the_graph(self):
        plain = self.json_of("inspect", "--graph", GGUF)["graph"]
        fused = self.json_of("inspect", "--graph", "--fused", GGUF)["graph"]
        self.assertEqual(run("inspect", "--graph", GGUF).out, plain)
        self.assertLess(fused.count("\n"), plain.count("\n"))


class Quantize(ProgramTest):
    def test_inspect_shows_kernels_as_text(self):
        for device, sign in (("opencl:0", "__kernel"), ("vulkan:0", "OpEntryPoint GLCompute")):
            kernels = self.json_of("inspect", "--kernels", GGUF, "--device", device)["kernels"]
            self.assertGreater(len(kernels), 5)
            for kernel in kernels:
                self.assertIn(sign, kernel["code"])
                self.assertIn(kernel["name"], kernel["code"])
            self.assertIn(kernels[0]["code"], run("inspect", "--kernels", GGUF, "--device", device).out)

    def test_tune_shares_what_it_knows_between_devices_of_a_kind(self):
        out = self.folder / "tuned.json"
        tune = lambda *arguments: run("tune", "--kernel-cache", self.folder / "kernels", *arguments)
        self.assertEqual(tune("--device", "vulkan:0", "--out", out).code, 0)
        told = json.loads(out.read_text())
        self.assertEqual(told["trireme_tuning"], 3)
        self.assertEqual(tune("--device", "vulkan:0", "--from", out).code, 0)
        told["device"] = "another"
        out.write_text(json.dumps(told))
        refused = tune("--device", "vulkan:0", "--from", out)
        self.assertEqual(refused.code, 1)
        self.assertIn("it was measured on 'another'", refused.err)
        refused = tune(GGUF, "--device", "cpu:0")
        self.assertEqual(refused.code, 1)
        self.assertIn("kernels of its own", refused.err)


class Conformance(ProgramTest):
    def test_counts_the_cases_of_every_op(self):
        told = self.json_of("conformance", "--device", "cpu:0", "--level", 0, "--report", self.folder / "new" / "reports")
        self.assertEqual(json.loads((self.folder / "new/reports/report.json").read_text()), told)
        self.assertEqual((told["device"], told["level"], told["failed"]), ("cpu:0", 0, 0))
        self.assertEqual(sum(op["passed"] for op in told["ops"]), told["passed"])
        self.assertLessEqual({"matmul", "attention", "rms_norm"}, {op["op"] for op in told["ops"]})

    def test_a_level_includes_those_below(self):
        passed = [self.json_of("conformance", "--device", "reference:0", "--level", level)["passed"] for level in (0, 1)]
        self.assertGreater(passed[1], passed[0])
        self.assertIn("matmul", run("conformance", "--device", "reference:0", "--level", 0).out)


class Help(ProgramTest):
    def test_every_command_has_an_example(self):
        words = run("--help").out.split("Subcommands:\n")[1].split("\n\n")[0]
        commands = [line.split()[0] for line in words.splitlines()]
        self.assertIn("run", commands)
        for command in commands:
            done = run(command, "--help")
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertRegex(done.out, rf"Examples?:\n  .*trireme {command}")

    def test_completion_knows_commands_and_options(self):
        for shell in ("bash", "zsh", "fish"):
            script = run("completion", shell).out
            self.assertIn("perplexity", script)
            self.assertIn("max-tokens", script)


if __name__ == "__main__":
    main()
