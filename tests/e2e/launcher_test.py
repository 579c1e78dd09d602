"""The ./hearth wrapper: found from anywhere, silent on standard output, cheap."""
import resource
import shutil
import subprocess
import unittest

from hearth_cli import HEARTH, OK, ROOT, Case

BINARY = ROOT / "build" / "bin" / "hearth"
OVERHEAD_MAX_S = 0.015


class Launcher(Case):
    def test_it_works_from_anywhere(self):
        version = self.ok("--version")
        link = self.folder / "link"
        link.symlink_to(HEARTH)
        self.assertEqual(self.ok("--version", program=link), version)
        self.assertEqual(self.ok("--version", program="./hearth", cwd=ROOT), version)
        self.assertEqual(self.ok("hearth", "--version", program="/bin/bash", cwd=ROOT), version)
        self.assertEqual(self.ok("../hearth", "--version", program="/bin/bash", cwd=ROOT / "src"), version)
        path = {"PATH": f"{ROOT}:/usr/bin:/bin"}
        self.assertEqual(self.ok("-c", "hearth --version", program="/bin/bash", env=path), version)

    def test_it_costs_little(self):
        # Time of the processor, not of the clock: other work on the machine does not count.
        def cpu_s(program) -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([str(program), "--version"], env=self.environment(), stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        pairs = [(cpu_s(HEARTH), cpu_s(BINARY)) for _ in range(15)]
        self.assertLess(min(wrapped for wrapped, _ in pairs) - min(bare for _, bare in pairs), OVERHEAD_MAX_S)

    def test_a_tree_without_git_notices_changes(self):
        copy = self.folder / "tree"
        for name in ("src", "cmake", "scripts"):
            shutil.copytree(ROOT / name, copy / name)
        for name in ("hearth", "CMakeLists.txt", "CMakePresets.json"):
            shutil.copy2(ROOT / name, copy / name)
        # A stand-in for set-up and build: what matters here is when it is called.
        (copy / "scripts" / "build-release").write_text(
            '#!/bin/bash\nroot=${0%/scripts/*}\nmkdir -p "$root/build/bin" "$root/ort/lib"\ntouch "$root/ort/lib/libonnxruntime.so"\n'
            'echo built; printf "#!/bin/bash\\necho ran\\n" >"$root/build/bin/hearth"; chmod +x "$root/build/bin/hearth"\n'
            'printf "%s\\n%s\\n" "${@: -1}" "$root/ort" >"$root/build/bin/stamp"\n')

        def run():
            done = self.hearth(program=copy / "hearth")
            self.assertEqual((done.returncode, done.stdout), (OK, "ran\n"), done.stderr)
            return done.stderr
        self.assertEqual(run(), "built\n")
        self.assertEqual(run(), "")
        (copy / "src" / "base" / "new.cc").write_text("// new\n")
        self.assertEqual(run(), "built\n")
        self.assertEqual(run(), "")
        (copy / "src" / "base" / "new.cc").unlink()
        self.assertEqual(run(), "built\n")
        shutil.rmtree(copy / "ort")
        self.assertEqual(run(), "built\n")
        self.assertEqual(run(), "")

    def test_a_rebuild_says_nothing_on_standard_output(self):
        self.assertEqual(self.ok("--rebuild", limit_s=600), "")
        self.assertRegex(self.ok("--rebuild", "--version"), r"^hearth [\d.]+\n$")


if __name__ == "__main__":
    unittest.main()
