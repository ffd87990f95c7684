# rille_settings: how Rille's own C is compiled and linked.

include(CheckCSourceCompiles)
include(CheckIPOSupported)

add_library(rille_settings INTERFACE)
target_compile_definitions(rille_settings INTERFACE
  _GNU_SOURCE RILLE_VERSION="${PROJECT_VERSION}"
  $<$<BOOL:${RILLE_FAULTS}>:RILLE_FAULTS>)
target_compile_options(rille_settings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -fno-omit-frame-pointer)
if("$ENV{CI}" STREQUAL "true")
  target_compile_options(rille_settings INTERFACE -Werror)
endif()

# Debian's liblua5.4.a is not position-independent; nor is what it is linked into.
set(rille_fixed $<NOT:$<BOOL:$<TARGET_PROPERTY:POSITION_INDEPENDENT_CODE>>>)
target_compile_options(rille_settings INTERFACE $<${rille_fixed}:-fno-pie>)
target_link_options(rille_settings INTERFACE $<${rille_fixed}:-no-pie>)

if(RILLE_SANITIZE)
  target_compile_options(rille_settings INTERFACE
    -fsanitize=${RILLE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(rille_settings INTERFACE -fsanitize=${RILLE_SANITIZE})
endif()
if(RILLE_SANITIZE MATCHES "thread")
  target_sources(rille_settings INTERFACE ${CMAKE_CURRENT_LIST_DIR}/longjmp_tsan.c
    ${CMAKE_CURRENT_LIST_DIR}/suppressions_tsan.c)
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

check_ipo_supported(RESULT rille_lto OUTPUT rille_lto_trouble LANGUAGES C)
if(rille_lto)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
else()
  message(STATUS "Link-time optimization: none (${rille_lto_trouble})")
endif()

# The interpreter's place, where the linker takes such a script (a sanitizer's build is slow anyway).
set(rille_interpreter ${CMAKE_CURRENT_LIST_DIR}/interpreter.ld)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-T,${rille_interpreter})
check_c_source_compiles("int main(void) { return 0; }" rille_places_interpreter)
unset(CMAKE_REQUIRED_LINK_OPTIONS)

function(rille_place_interpreter target)
  if(rille_places_interpreter AND NOT RILLE_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-T,${rille_interpreter})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${rille_interpreter})
  endif()
endfunction()

# Lua C modules bind to the program's Lua. Nothing else is offered: a module that brings its own
# libuv must not meet ours.
function(rille_export_lua target)
  set(list ${PROJECT_SOURCE_DIR}/cmake/exports.txt)
  target_link_options(${target} PRIVATE -Wl,--dynamic-list=${list})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${list})
endfunction()
