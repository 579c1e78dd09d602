# hearth_room(NAME SOURCES a.cc ... [DEPS room ...] [LIBS target ...])
#   One static library per room. Headers are included as "room/file.h" from src/.
#   With HEARTH_UNITY several files are compiled as one (not those with flags of their own, such as kernels): the names
#   in a room's anonymous namespaces must differ, and those in its tests'.
function(hearth_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(hearth_${name} STATIC ${ROOM_SOURCES})
  set_target_properties(hearth_${name} PROPERTIES UNITY_BUILD ${HEARTH_UNITY} UNITY_BUILD_BATCH_SIZE 10)
  target_include_directories(hearth_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  foreach(dep IN LISTS ROOM_DEPS)
    target_link_libraries(hearth_${name} PUBLIC hearth_${dep})
  endforeach()
  target_link_libraries(hearth_${name} PUBLIC ${ROOM_LIBS})
endfunction()

# hearth_room_tests(NAME a_test.cc ...)
#   One test program per room, hearth_NAME_test.
function(hearth_room_tests name)
  if(NOT HEARTH_TESTS)
    return()
  endif()
  add_executable(hearth_${name}_test ${ARGN})
  set_target_properties(hearth_${name}_test PROPERTIES UNITY_BUILD ${HEARTH_UNITY} UNITY_BUILD_BATCH_SIZE 10)
  target_link_libraries(hearth_${name}_test PRIVATE hearth_${name} GTest::gtest GTest::gtest_main)
  target_compile_definitions(hearth_${name}_test PRIVATE HEARTH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND hearth_${name}_test)
  set_tests_properties(${name} PROPERTIES LABELS unit)
endfunction()
