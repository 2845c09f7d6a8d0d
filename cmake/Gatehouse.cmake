# The two helpers every directory uses, a third for fuzz targets, and the flags they share.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

if(GATEHOUSE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(GATEHOUSE_SANITIZE)
  add_compile_options(-fsanitize=${GATEHOUSE_SANITIZE} -fno-omit-frame-pointer)
  if(GATEHOUSE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
  add_link_options(-fsanitize=${GATEHOUSE_SANITIZE})
endif()

# Warnings are errors in our code; generated and third-party sources do not link this.
add_library(gatehouse_warnings INTERFACE)
target_compile_options(gatehouse_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers)

# gatehouse_library(name SOURCES ... DEPS ... PRIVATE_DEPS ...)
# One static library for one directory. DEPS are visible in its headers, PRIVATE_DEPS only in its sources.
function(gatehouse_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPS}
    PRIVATE ${arg_PRIVATE_DEPS} $<BUILD_INTERFACE:gatehouse_warnings>)
endfunction()

# gatehouse_program(name SOURCES ... DEPS ... COMPONENT ...): a binary in build/<preset>/bin, installed by the package of
# that component.
function(gatehouse_program name)
  cmake_parse_arguments(arg "" "COMPONENT" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_COMPONENT)
    set(arg_COMPONENT ${CMAKE_INSTALL_DEFAULT_COMPONENT_NAME})
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} gatehouse_warnings)
  install(TARGETS ${name} RUNTIME COMPONENT ${arg_COMPONENT})
  set_property(GLOBAL APPEND PROPERTY GATEHOUSE_PROGRAMS ${name})
endfunction()

# gatehouse_test(name SOURCES ... DEPS ... LABELS ...): a GoogleTest binary, each case a CTest test.
function(gatehouse_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(GATEHOUSE_FUZZ)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gmock GTest::gtest_main gatehouse_warnings)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}/"
    PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# gatehouse_fuzz(name SOURCES ... DEPS ... CORPUS dir SECONDS n): a libFuzzer target, run briefly by CTest in the fuzz
# preset. Seeds live in CORPUS and are read, never written; what a run finds goes to the build directory.
function(gatehouse_fuzz name)
  cmake_parse_arguments(arg "" "CORPUS;SECONDS" "SOURCES;DEPS" ${ARGN})
  if(NOT GATEHOUSE_FUZZ)
    return()
  endif()
  if(NOT arg_SECONDS)
    set(arg_SECONDS 15)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} gatehouse_warnings)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  if(NOT TARGET fuzz-targets)
    add_custom_target(fuzz-targets)
  endif()
  add_dependencies(fuzz-targets ${name})
  set(work ${CMAKE_BINARY_DIR}/fuzz/${name})
  file(MAKE_DIRECTORY ${work})
  add_test(NAME fuzz/${name}
    COMMAND ${name} -max_total_time=${arg_SECONDS} -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
            -artifact_prefix=${work}/ ${work} ${arg_CORPUS})
  math(EXPR limit "${arg_SECONDS} + 60")
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT ${limit} LABELS fuzz)
endfunction()
