# shellcheck shell=bash
# How the sanitizers run, for suites and by hand: `source tests/sanitizers/options.sh`.
# Libraries of the system (libonnx, libprotobuf, ONNX Runtime) are not instrumented. A std::string or vector that they
# filled and that we read would look like a container overflow, so that one check is off.
export ASAN_OPTIONS=detect_container_overflow=0:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:print_suppressions=0:halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/sanitizers/tsan.supp
export LSAN_OPTIONS=print_suppressions=0:suppressions=$PWD/tests/sanitizers/lsan.supp
