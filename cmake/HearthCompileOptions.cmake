# Warnings, sanitizers and the default build type, applied to every target of this project.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports overlapping copies inside std::string that cannot happen (GCC bug 105651).
  add_compile_options(-Wno-restrict)
  if(HEARTH_UNITY)
    # A file's hidden class may hold types of its anonymous namespace; seen as a part of another file, that looks wrong.
    # With more to inline, g++ 12 takes parts of texts for uninitialised; clang looks for that as well.
    add_compile_options(-Wno-subobject-linkage -Wno-maybe-uninitialized)
  endif()
endif()
if(HEARTH_WERROR)
  add_compile_options(-Werror)
endif()

if(HEARTH_SANITIZE)
  add_compile_options(-fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${HEARTH_SANITIZE})
  if(HEARTH_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()

# The fuzzing engine steers by coverage of all code; only the fuzz targets themselves link it (fuzz/CMakeLists.txt).
if(HEARTH_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
