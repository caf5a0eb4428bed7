# trireme_fuzzer(NAME SOURCES ... DEPENDS ...): one libFuzzer program, fuzz_NAME, whose seeds are the files of
# tests/fuzz/corpus/NAME. tests/fuzz/run_all runs every program that is declared with it.
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "TRIREME_BUILD_FUZZERS needs clang: configure with --preset fuzz, or set CMAKE_CXX_COMPILER")
endif()
# Coverage feedback is wanted from every layer, not from the fuzz targets alone.
add_compile_options(-fsanitize=fuzzer-no-link)

add_custom_target(trireme_fuzzers)

function(trireme_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(NOT IS_DIRECTORY ${corpus})
    message(FATAL_ERROR "fuzz target ${name}: its seed corpus ${corpus} is missing")
  endif()
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_DEPENDS} -fsanitize=fuzzer)
  trireme_warnings(fuzz_${name})
  add_dependencies(trireme_fuzzers fuzz_${name})
endfunction()
