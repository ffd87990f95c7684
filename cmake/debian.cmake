# The Debian packages, which CPack makes of the components of package.cmake: rille (the program),
# librilleN (the shared library), librille-dev and rille-doc. scripts/package configures for them.

set(RILLE_MAINTAINER "Rille <rille@users.noreply.example>" CACHE STRING
  "Who the Debian packages name as their maintainer")

set(rille_library_package librille${PROJECT_VERSION_MAJOR})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME rille)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${RILLE_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_COMPONENTS_ALL program library development documentation)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

# rille_debian_package(COMPONENT PACKAGE SECTION SUMMARY [NAME VALUE]...): the rest are its settings,
# as in CPACK_DEBIAN_COMPONENT_NAME. They all have the same description, and Debian's changelog.
function(rille_debian_package component package section summary)
  string(TOUPPER ${component} prefix)
  set(settings PACKAGE_NAME ${package} PACKAGE_SECTION ${section} ${ARGN})
  while(settings)
    list(POP_FRONT settings name value)
    set(CPACK_DEBIAN_${prefix}_${name} ${value} PARENT_SCOPE)
  endwhile()
  string(CONCAT text "${summary}\n"
    "Rille runs servers written in Lua 5.4: each request has a coroutine\n"
    "on one event loop, and functions are detached to independent Lua\n"
    "states on the other cores.")
  set(CPACK_COMPONENT_${prefix}_DESCRIPTION ${text} PARENT_SCOPE)
  set(CPACK_DEBIAN_${prefix}_DESCRIPTION ${text} PARENT_SCOPE)
  install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz COMPONENT ${component}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package})
endfunction()

list(JOIN rille_shared_packages ", " rille_static_needs)
set(rille_summary "Lua servers with parallel native compute")
rille_debian_package(program rille httpd "${rille_summary}"
  PACKAGE_SHLIBDEPS ON
  PACKAGE_RECOMMENDS "lua-argparse, lua-busted, lua-check" # of commands; a server needs none
  PACKAGE_SUGGESTS "rille-doc")
rille_debian_package(library ${rille_library_package} libs "${rille_summary}, shared library"
  PACKAGE_SHLIBDEPS ON)
rille_debian_package(development librille-dev libdevel "${rille_summary}, for programs in C"
  PACKAGE_DEPENDS "${rille_library_package} (= ${PROJECT_VERSION}), ${rille_static_needs}"
  PACKAGE_SUGGESTS "rille-doc, pkgconf")
rille_debian_package(documentation rille-doc doc "${rille_summary}, documentation"
  PACKAGE_ARCHITECTURE all)

# What is linked to the library depends on its package; the loader learns of it.
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs
  "librille ${PROJECT_VERSION_MAJOR} ${rille_library_package} (>= ${PROJECT_VERSION})\n")
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/debian/shlibs ${PROJECT_BINARY_DIR}/debian/triggers)

# Debian's own changelog, which says no more than where the changes stand. Its date is that of
# SOURCE_DATE_EPOCH, where that is set.
string(TIMESTAMP rille_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT debian/changelog CONTENT [[
rille (@PROJECT_VERSION@) unstable; urgency=medium

  * The changes are in CHANGELOG.md of the package rille-doc.

 -- @RILLE_MAINTAINER@  @rille_date@
]] @ONLY)
execute_process(COMMAND gzip -9nf changelog WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/debian)

execute_process(COMMAND gzip -9nc ${rille_man_page}
  OUTPUT_FILE ${PROJECT_BINARY_DIR}/debian/rille.1.gz)
install(FILES ${PROJECT_BINARY_DIR}/debian/rille.1.gz
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)

include(CPack)
