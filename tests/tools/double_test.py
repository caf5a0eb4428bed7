"""The program on an OpenCL driver that is given by its path: the test double, with accelerators and an NPU."""

import pathlib
import sys

from program import MODELS, ProgramTest, main, run

DOUBLE = str(pathlib.Path(sys.argv.pop(3)).resolve())
GGUF = MODELS / "llama" / "model.gguf"


class Double(ProgramTest):
    def test_it_is_named_so_and_only_where_it_is_asked_for(self):
        names = [device.get("name", "") for device in
                 self.json_of("devices", "--opencl-library", DOUBLE)["devices"]]
        self.assertEqual(sum(name.startswith("Trireme test double: accelerator session") for name in names), 4)
        self.assertIn("Trireme test double: custom NPU", names)
        self.assertNotIn("test double", run("devices").out)

    def test_what_the_npu_cannot_do_is_named(self):
        done = run("run", GGUF, "-p", "a", "-n", 1, "--device", "opencl:4", "--opencl-library", DOUBLE)
        self.assert_fails(done, 1, "attention blk.0.attention", "opencl:4 cannot do it")

    def test_another_device_may_do_it(self):
        flags = ("-p", "a", "-n", 8, "--temp", 0, "--kv", "F32")
        done = run("run", GGUF, *flags, "--device", "opencl:4", "--fallback", "reference:0", "--opencl-library", DOUBLE)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.out, run("run", GGUF, *flags, "--device", "reference:0").out)
        ranges = self.json_of("plan", GGUF, "--device", "opencl:4", "--fallback", "cpu:0", "--opencl-library",
                              DOUBLE)["ranges"]
        self.assertEqual([part["device"] for part in ranges], ["opencl:4", "cpu:0"])
        self.assertIn("ops that opencl:4 cannot do: attention", ranges[1]["reason"])

    def test_a_library_that_is_none(self):
        done = run("run", GGUF, "-p", "a", "--device", "opencl:0", "--opencl-library", self.folder / "none.so")
        self.assert_fails(done, 1, "none.so")

    def test_a_fallback_that_is_none(self):
        done = run("run", GGUF, "-p", "a", "--fallback", "nothing:0")
        self.assert_fails(done, 1, "device nothing:0")


if __name__ == "__main__":
    main()
