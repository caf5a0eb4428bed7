# Optimises less: for code that runs once a start, where the time to build weighs more than the time to run. GCC is
# quickest with -Og; with -O0 it spends more on writing out what it did not inline.
function(trireme_cold target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Og>)
endfunction()

# As trireme_cold, for programs that leave the work to the libraries. Clang under sanitizers takes half as long with -O0
# as with -O1.
function(trireme_cold_program target)
  trireme_cold(${target})
  if(TRIREME_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# trireme_hot(SOURCES ...): loops over all weights, which run at each start. They are compiled by themselves.
function(trireme_hot)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O3> SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# The warnings that every target has, as errors.
function(trireme_warnings target)
  # g++ 12 reports -Wrestrict on correct std::string concatenation (GCC bug 105329). clang reports that libstdc++ 12's
  # std::stable_sort calls what the library itself deprecates.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                           $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
                                           $<$<BOOL:${CMAKE_UNITY_BUILD}>:$<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>>
                                           -Werror)
endfunction()

# trireme_find(PACKAGE ...): find_package(PACKAGE ... REQUIRED) for a library, and the same for everyone who uses the
# installed package.
macro(trireme_find)
  find_package(${ARGN} REQUIRED)
  string(REPLACE ";" " " trireme_find_arguments "${ARGN}")
  set_property(GLOBAL APPEND PROPERTY TRIREME_DEPENDENCIES "find_dependency(${trireme_find_arguments})")
endmacro()

# trireme_library(NAME [NO_INSTALL] SOURCES ... COLD_SOURCES ... HEADERS ... DEPENDS ... PRIVATE_DEPENDS ...): one layer
# or backend as a static library. A target sees only the layers that it links, so the arrows of the architecture hold at
# build time. COLD_SOURCES are part of it too, see trireme_cold. HEADERS are what users of the installed package may
# include, and what those headers include themselves.
function(trireme_library name)
  cmake_parse_arguments(ARG "NO_INSTALL" "" "SOURCES;COLD_SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  if(ARG_COLD_SOURCES)
    add_library(${name}_cold OBJECT ${ARG_COLD_SOURCES})
    target_include_directories(${name}_cold PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name}_cold PRIVATE ${ARG_DEPENDS} ${ARG_PRIVATE_DEPENDS})
    trireme_warnings(${name}_cold)
    trireme_cold(${name}_cold)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${name}_cold>)
  endif()
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  trireme_warnings(${name})
  if(NOT ARG_NO_INSTALL)
    trireme_export(${name})
  endif()
endfunction()

# trireme_missing_backends(RESULT BACKENDS ...): those of the backends that this build does not have.
function(trireme_missing_backends result)
  list(REMOVE_ITEM ARGN ${TRIREME_BACKENDS})
  set(${result} ${ARGN} PARENT_SCOPE)
endfunction()

# trireme_test(NAME [WAITS] SOURCES ... DEPENDS ... SEPARATE ... BACKENDS ... DEFINITIONS ...): one GoogleTest program.
# The files in SEPARATE have helpers of the same names as their neighbours and are not compiled together with them.
# Without one of BACKENDS the program is left out, which is said when configuring. One that WAITS, mostly for drivers to
# compile or for whole models, is left out under sanitizers, which look at neither. ctest -L NAME runs its tests.
function(trireme_test name)
  cmake_parse_arguments(ARG "WAITS" "" "SOURCES;DEPENDS;SEPARATE;BACKENDS;DEFINITIONS" ${ARGN})
  if(ARG_WAITS AND TRIREME_SANITIZE)
    message(STATUS "Left out ${name}: it mostly waits for what sanitizers do not see")
    return()
  endif()
  trireme_missing_backends(missing ${ARG_BACKENDS})
  if(missing)
    message(STATUS "Left out ${name}: it needs the backend ${missing}")
    return()
  endif()
  list(TRANSFORM ARG_BACKENDS PREPEND trireme_backend_)
  set_source_files_properties(${ARG_SEPARATE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} ${ARG_BACKENDS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TRIREME_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" ${ARG_DEFINITIONS})
  trireme_warnings(${name})
  trireme_cold_program(${name})
  if(TRIREME_SANITIZE)
    # Times are not promised then.
    target_compile_definitions(${name} PRIVATE TRIREME_SANITIZED)
    # Memory that cannot be had is refused as it is elsewhere, and tests ask for such amounts.
    set(refusals "ASAN_OPTIONS=allocator_may_return_null=1;TSAN_OPTIONS=allocator_may_return_null=1")
    # A sanitizer takes longer to start than most tests take to run, so a process runs half of a program's tests.
    foreach(shard 0 1)
      add_test(NAME ${name}.${shard} COMMAND ${name} --gtest_brief=1)
      set_tests_properties(${name}.${shard} PROPERTIES
        LABELS ${name} ENVIRONMENT "GTEST_TOTAL_SHARDS=2;GTEST_SHARD_INDEX=${shard};${refusals}")
    endforeach()
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${name})
  endif()
endfunction()
