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

# rille_shared_names: what the installed library is linked to, as -lNAME has it.
function(rille_name_shared)
  foreach(path IN LISTS ARGV)
    string(REGEX REPLACE "^.*/lib(.*)\\.(a|so)$" "\\1" name ${path})
    string(REGEX REPLACE "_a$" "" name ${name}) # libuv_a.a
    list(APPEND rille_shared_names ${name})
  endforeach()
  set(rille_shared_names ${rille_shared_names} PARENT_SCOPE)
endfunction()

rille_name_shared(${LUA_ARCHIVE} ${UV_LIBRARY} ${XXHASH_LIBRARY})
set(rille_shared_packages liblua5.4-dev libuv1-dev libxxhash-dev) # Debian's, where these are in

# What is optional. Without its library a feature's sources are left out, and one that says so when
# it is used stands in. rille_left_out: a regular expression of the sources that are not compiled.
function(rille_optional feature package headers library sources stand_in)
  if(${headers} AND ${library})
    set(left_out ${stand_in})
    target_include_directories(rille_dependencies SYSTEM INTERFACE ${${headers}})
    target_link_libraries(rille_dependencies INTERFACE ${${library}})
    rille_name_shared(${${library}})
    set(rille_shared_names ${rille_shared_names} PARENT_SCOPE)
    set(rille_shared_packages ${rille_shared_packages} ${package} PARENT_SCOPE)
  else()
    set(left_out ${sources})
    message(STATUS "${feature}: not in this build (${package} is not installed)")
  endif()
  list(APPEND rille_left_out ${left_out})
  set(rille_left_out ${rille_left_out} PARENT_SCOPE)
endfunction()

find_path(CRYPTO_HEADERS openssl/evp.h)
find_library(CRYPTO_LIBRARY NAMES libcrypto.a crypto)
rille_optional(Cryptography libssl-dev CRYPTO_HEADERS CRYPTO_LIBRARY
  "/(codec/(cipher|keys)|lib/crypto)\\.c$" "/lib/crypto_missing\\.c$")

if(CRYPTO_HEADERS AND CRYPTO_LIBRARY MATCHES "\\.a$")
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/openssl_start.c PROPERTIES
    COMPILE_OPTIONS -fno-lto)
  target_sources(rille_dependencies INTERFACE ${CMAKE_CURRENT_LIST_DIR}/openssl_start.c)
  target_link_options(rille_dependencies INTERFACE -Wl,--wrap=OPENSSL_cpuid_setup)
endif()

find_path(GZIP_HEADERS zlib.h)
find_library(GZIP_LIBRARY NAMES libz.a z)
rille_optional("Coding gzip" zlib1g-dev GZIP_HEADERS GZIP_LIBRARY
  "/codec/gzip\\.c$" "/codec/gzip_missing\\.c$")

find_path(BROTLI_HEADERS brotli/encode.h)
find_library(BROTLI_ENCODER NAMES libbrotlienc.a brotlienc)
find_library(BROTLI_DECODER NAMES libbrotlidec.a brotlidec)
find_library(BROTLI_COMMON NAMES libbrotlicommon.a brotlicommon)
if(BROTLI_ENCODER AND BROTLI_DECODER AND BROTLI_COMMON)
  set(BROTLI_LIBRARY ${BROTLI_ENCODER} ${BROTLI_DECODER} ${BROTLI_COMMON})
endif()
rille_optional("Coding br" libbrotli-dev BROTLI_HEADERS BROTLI_LIBRARY
  "/codec/brotli\\.c$" "/codec/brotli_missing\\.c$")

find_path(ZSTD_HEADERS zstd.h)
find_library(ZSTD_LIBRARY NAMES libzstd.a zstd)
rille_optional("Coding zstd" libzstd-dev ZSTD_HEADERS ZSTD_LIBRARY
  "/codec/zstd\\.c$" "/codec/zstd_missing\\.c$")

# For the program's prompt; the library that is installed has none. With the archives come those of
# what libedit stands on.
find_path(EDIT_HEADERS histedit.h)
foreach(name edit bsd tinfo md)
  find_library(EDIT_ARCHIVE_${name} lib${name}.a)
  list(APPEND EDIT_LIBRARY ${EDIT_ARCHIVE_${name}})
endforeach()
if(EDIT_LIBRARY MATCHES "NOTFOUND")
  unset(EDIT_LIBRARY)
  find_library(EDIT_LIBRARY edit)
endif()
if(EDIT_HEADERS AND EDIT_LIBRARY)
  target_include_directories(rille_dependencies SYSTEM INTERFACE ${EDIT_HEADERS})
  target_link_libraries(rille_dependencies INTERFACE ${EDIT_LIBRARY})
  list(APPEND rille_left_out "/lib/command_editor_missing\\.c$")
else()
  list(APPEND rille_left_out "/lib/command_editor\\.c$")
  message(STATUS "Editing of lines: not in this build (libedit-dev is not installed)")
endif()

list(JOIN rille_left_out "|" rille_left_out)

# The whole of Lua, also what only a C module calls.
target_link_libraries(rille_dependencies INTERFACE
  $<LINK_LIBRARY:WHOLE_ARCHIVE,${LUA_ARCHIVE}>
  ${UV_LIBRARY} ${XXHASH_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS} m)
list(APPEND rille_shared_names pthread dl m)
