# rille_embedded_source: the Lua modules under lua/rille/ as one C file (see src/vm/embedded.h).
# Included by CMakeLists.txt it says how to make the file; run by `cmake -P` it makes it.

# One row of the table for a file: its module name, its chunk name and its bytes.
function(embed_file root file row)
  file(RELATIVE_PATH path ${root} ${file})
  string(REGEX REPLACE "\\.lua$" "" module ${path})
  string(REPLACE "/" "." module ${module})
  file(READ ${file} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${bytes}")
  set(${row} "  {\"${module}\", \"@${path}\", \"${text}\", ${size}},\n" PARENT_SCOPE)
endfunction()

function(embed_all root output)
  file(GLOB_RECURSE files ${root}/rille/*.lua)
  list(LENGTH files count)
  set(rows "")
  foreach(file IN LISTS files)
    embed_file(${root} ${file} row)
    string(APPEND rows "${row}")
  endforeach()
  file(WRITE ${output}
    "#include \"vm/embedded.h\"\n\n"
    "const struct rl_embedded rl_embedded[] = {\n${rows}  {0, 0, 0, 0},\n};\n"
    "const size_t rl_embedded_count = ${count};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  embed_all(${ROOT} ${OUTPUT})
  return()
endif()

file(GLOB_RECURSE rille_modules CONFIGURE_DEPENDS lua/rille/*.lua)
set(rille_embedded_source ${CMAKE_BINARY_DIR}/embedded.c)
add_custom_command(
  OUTPUT ${rille_embedded_source}
  COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}/lua -DOUTPUT=${rille_embedded_source}
          -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${rille_modules} ${CMAKE_CURRENT_LIST_FILE}
  COMMENT "Embedding lua/rille"
  VERBATIM)
