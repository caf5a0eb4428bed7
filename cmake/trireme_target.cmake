# Optimises less: for code that runs once a start, where the time to build weighs more than the time to run.
function(trireme_cold target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# The warnings that every target has, as errors.
function(trireme_warnings target)
  # g++ 12 reports -Wrestrict on correct std::string concatenation (GCC bug 105329).
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                           $<$<BOOL:${CMAKE_UNITY_BUILD}>:$<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>>
                                           -Werror)
endfunction()

# trireme_library(NAME SOURCES ... DEPENDS ... PRIVATE_DEPENDS ...): one layer or backend as a static library.
# A target sees only the layers that it links, so the arrows of the architecture hold at build time.
function(trireme_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/trireme>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  trireme_warnings(${name})
endfunction()

# trireme_test(NAME SOURCES ... DEPENDS ... SEPARATE ... LABELS ...): one GoogleTest program. The files in SEPARATE have
# helpers of the same names as their neighbours and are not compiled together with them.
function(trireme_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;SEPARATE;LABELS" ${ARGN})
  set_source_files_properties(${ARG_SEPARATE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TRIREME_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  trireme_warnings(${name})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS "${ARG_LABELS}")
endfunction()
