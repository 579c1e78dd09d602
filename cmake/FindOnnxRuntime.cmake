# Finds ONNX Runtime (1.22 or newer library, C++ headers) and defines the target onnxruntime::onnxruntime.
# Looked for in ONNXRUNTIME_ROOT (CMake variable or environment), then in the cache folder that
# scripts/setup fills. A root has lib/libonnxruntime.so and include/onnxruntime_cxx_api.h.
set(_ort_hints ${ONNXRUNTIME_ROOT} $ENV{ONNXRUNTIME_ROOT})
if(DEFINED ENV{HEARTH_CACHE_DIR})
  list(APPEND _ort_hints "$ENV{HEARTH_CACHE_DIR}/onnxruntime-1.30.0")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  list(APPEND _ort_hints "$ENV{XDG_CACHE_HOME}/hearth/onnxruntime-1.30.0")
else()
  list(APPEND _ort_hints "$ENV{HOME}/.cache/hearth/onnxruntime-1.30.0")
endif()

find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_cxx_api.h HINTS ${_ort_hints}
          PATH_SUFFIXES include include/onnxruntime NO_DEFAULT_PATH)
find_library(OnnxRuntime_LIBRARY onnxruntime HINTS ${_ort_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)

# The linker's version node carries the release, whatever the file is called.
if(OnnxRuntime_LIBRARY AND NOT OnnxRuntime_VERSION)
  file(STRINGS "${OnnxRuntime_LIBRARY}" _ort_node REGEX "^VERS_[0-9]+\\.[0-9]+\\.[0-9]+$" LIMIT_COUNT 1)
  string(REPLACE "VERS_" "" OnnxRuntime_VERSION "${_ort_node}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime
  REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  VERSION_VAR OnnxRuntime_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup, or set ONNXRUNTIME_ROOT")

if(OnnxRuntime_FOUND AND NOT TARGET onnxruntime::onnxruntime)
  add_library(onnxruntime::onnxruntime SHARED IMPORTED)
  set_target_properties(onnxruntime::onnxruntime PROPERTIES
    IMPORTED_LOCATION "${OnnxRuntime_LIBRARY}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${OnnxRuntime_INCLUDE_DIR}"
    INTERFACE_INCLUDE_DIRECTORIES "${OnnxRuntime_INCLUDE_DIR}")
endif()
