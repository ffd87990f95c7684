# rille_dependencies: the libraries Rille stands on. Static ones are preferred, for a program that
# starts fast; Lua must be static, so that the program itself offers Lua's API to C modules.

find_package(Threads REQUIRED)

find_path(LUA_HEADERS lua.h PATH_SUFFIXES lua5.4 lua-5.4 REQUIRED)
find_library(LUA_ARCHIVE NAMES liblua5.4.a liblua.a REQUIRED)
find_path(UV_HEADERS uv.h REQUIRED)
find_library(UV_LIBRARY NAMES libuv_a.a libuv.a uv REQUIRED)
find_path(XXHASH_HEADERS xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY NAMES libxxhash.a xxhash REQUIRED)
find_path(MIMALLOC_HEADERS mimalloc.h PATH_SUFFIXES mimalloc-2.1 mimalloc-2.0 mimalloc)
find_library(MIMALLOC_LIBRARY NAMES mimalloc)

# llhttp comes as C sources, which are compiled with ours; without its strict mode it is lenient.
find_path(LLHTTP_HEADERS llhttp.h PATHS /usr/share/include /usr/local/share/include
  PATH_SUFFIXES llhttp REQUIRED)
find_path(LLHTTP_SOURCES llhttp.c PATHS /usr/share /usr/local/share PATH_SUFFIXES llhttp REQUIRED)
set(rille_llhttp_sources
  ${LLHTTP_SOURCES}/llhttp.c ${LLHTTP_SOURCES}/api.c ${LLHTTP_SOURCES}/http.c)
set_source_files_properties(${rille_llhttp_sources} PROPERTIES
  COMPILE_DEFINITIONS LLHTTP_STRICT_MODE=1 COMPILE_OPTIONS -w)

add_library(rille_dependencies INTERFACE)
target_include_directories(rille_dependencies SYSTEM INTERFACE
  ${LUA_HEADERS} ${UV_HEADERS} ${XXHASH_HEADERS} ${LLHTTP_HEADERS})

if(RILLE_MIMALLOC AND MIMALLOC_HEADERS AND MIMALLOC_LIBRARY)
  set(rille_allocator mimalloc)
  target_include_directories(rille_dependencies SYSTEM INTERFACE ${MIMALLOC_HEADERS})
  target_link_libraries(rille_dependencies INTERFACE ${MIMALLOC_LIBRARY})
  message(STATUS "Allocator: mimalloc (${MIMALLOC_LIBRARY})")
elseif(RILLE_MIMALLOC)
  set(rille_allocator libc)
  message(STATUS "Allocator: the C library's (mimalloc is not installed)")
else()
  set(rille_allocator libc)
  message(STATUS "Allocator: the C library's (RILLE_MIMALLOC is off)")
endif()

# The whole of Lua, also what only a C module calls.
target_link_libraries(rille_dependencies INTERFACE
  $<LINK_LIBRARY:WHOLE_ARCHIVE,${LUA_ARCHIVE}>
  ${UV_LIBRARY} ${XXHASH_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS} m)
