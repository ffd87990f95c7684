# What `cmake --install` installs, in four components (--component NAME installs one of them):
#   program        rille, its man page, types for the Lua language server
#   library        the shared library
#   development    rille.h, the static library, what find_package(rille) and pkg-config look for
#   documentation  docs/ and examples/
#
# This library is not the one in the program. It is position-independent and goes with the shared
# libraries of the system; any compiler's program can be linked to it, so it holds no intermediate
# code; its memory is the C library's, since mimalloc would take the place of its host's malloc; and
# it has no prompt.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(rille_package_sources ${rille_sources})
list(FILTER rille_package_sources EXCLUDE REGEX
  "/(base/allocator_[a-z]+|lib/command_editor[a-z_]*)\\.c$")
list(APPEND rille_package_sources src/base/allocator_libc.c src/lib/command_editor_missing.c)

# initial-exec: the signal handler reads a thread-local variable, which must not be made there.
add_library(rille_objects OBJECT ${rille_package_sources})
set_target_properties(rille_objects PROPERTIES
  POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION_RELEASE OFF C_VISIBILITY_PRESET hidden)
target_compile_options(rille_objects PRIVATE -ftls-model=initial-exec -fno-lto)
target_include_directories(rille_objects PRIVATE include src)
target_include_directories(rille_objects SYSTEM PRIVATE
  $<TARGET_PROPERTY:rille_dependencies,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(rille_objects PRIVATE rille_settings)

set(rille_package_folder ${PROJECT_BINARY_DIR}/package)
set(rille_visible ${PROJECT_SOURCE_DIR}/cmake/visible.txt)

add_library(rille_shared SHARED $<TARGET_OBJECTS:rille_objects>)
target_link_options(rille_shared PRIVATE
  -Wl,--no-undefined -Wl,--as-needed -Wl,--version-script=${rille_visible})
set_property(TARGET rille_shared APPEND PROPERTY LINK_DEPENDS ${rille_visible})
target_link_libraries(rille_shared PRIVATE ${rille_shared_names})
set_target_properties(rille_shared PROPERTIES
  INTERPROCEDURAL_OPTIMIZATION_RELEASE OFF
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME rille)

# The static library is one object, whose names are its own but for rille_: it shares those of its
# host, and llhttp's may be there as well. The C tests link what it is made of.
add_library(rille_unhidden STATIC $<TARGET_OBJECTS:rille_objects>)
target_link_libraries(rille_unhidden INTERFACE ${rille_shared_names})
set(rille_one ${rille_package_folder}/rille.o)
add_custom_command(
  OUTPUT ${rille_one}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${rille_package_folder}
  COMMAND ${CMAKE_C_COMPILER} -nostdlib -no-pie -r -o ${rille_one} $<TARGET_OBJECTS:rille_objects>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=rille_* ${rille_one}
  DEPENDS rille_objects $<TARGET_OBJECTS:rille_objects>
  COMMENT "Hiding what is not rille_"
  COMMAND_EXPAND_LISTS
  VERBATIM)
add_library(rille_static STATIC ${rille_one})
set_target_properties(rille_static PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(rille_static INTERFACE ${rille_shared_names})
set_target_properties(rille_static PROPERTIES EXPORT_NAME static)

set_target_properties(rille_shared rille_static PROPERTIES
  OUTPUT_NAME rille
  LIBRARY_OUTPUT_DIRECTORY ${rille_package_folder}
  ARCHIVE_OUTPUT_DIRECTORY ${rille_package_folder})

option(RILLE_DEBIAN "Prepare Debian packages, for cpack" OFF)

install(TARGETS rille COMPONENT program)
install(DIRECTORY types DESTINATION ${CMAKE_INSTALL_DATADIR}/rille COMPONENT program)
set(rille_man_page ${PROJECT_SOURCE_DIR}/docs/rille.1)
if(NOT RILLE_DEBIAN) # which compresses it
  install(FILES ${rille_man_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
endif()

install(FILES include/rille.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(TARGETS rille_shared rille_static EXPORT rille-targets
  LIBRARY COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation
  PATTERN "*.1" EXCLUDE)

# find_package(rille): the targets rille::rille, which is shared, and rille::static.
set(rille_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/rille)
install(EXPORT rille-targets NAMESPACE rille:: FILE rille-config.cmake
  DESTINATION ${rille_cmake_folder} COMPONENT development)
write_basic_package_version_file(${rille_package_folder}/rille-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${rille_package_folder}/rille-config-version.cmake DESTINATION ${rille_cmake_folder}
  COMPONENT development)

# pkg-config: rille, which is shared, and rille-static. They find the prefix from where they lie.
set(rille_pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH rille_pc_prefix /${rille_pc_folder} /)
function(rille_pkg_config name libraries)
  set(RILLE_PC_LIBRARIES ${libraries})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/rille.pc.in ${rille_package_folder}/${name}.pc @ONLY)
  install(FILES ${rille_package_folder}/${name}.pc DESTINATION ${rille_pc_folder}
    COMPONENT development)
endfunction()
rille_pkg_config(rille "-lrille")
list(TRANSFORM rille_shared_names PREPEND "-l" OUTPUT_VARIABLE rille_pc_names)
list(JOIN rille_pc_names " " rille_pc_names)
rille_pkg_config(rille-static "-l:librille.a ${rille_pc_names}")

if(RILLE_DEBIAN)
  include(debian)
endif()
