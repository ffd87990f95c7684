-- Rille as a library: installed into a folder, and the hosts of examples/embed/ built against it,
-- as a stranger's program would be. The release build only, which is the one that has a package.

local folders = require "spec.support.folder"
local process = require "spec.support.process"

local release = os.getenv "RILLE_BUILD" == "release"
local test = release and it or function(name) pending(name .. " (the release build only)") end

local folder, prefix, built

--- Runs a piece of shell in the folder, where $prefix is what was installed; what it printed.
local function shell(text)
  local result = process.run {
    "-c", ("set -eu; prefix=%s; embed=%s/examples/embed; cd %s; export PKG_CONFIG_PATH="
      .. "$(dirname $(find $prefix -name rille.pc)) LD_LIBRARY_PATH=$(dirname $(find $prefix -name "
      .. "librille.so)); %s"):format(prefix, process.root, folder.path, text),
    program = "bash", seconds = 60,
  }
  assert.equal("", result.stderr)
  assert.equal(0, result.status)
  return result.stdout
end

local function install()
  local result = process.run {
    "--install", process.program:match "^(.*)/", "--prefix", prefix, program = "cmake",
  }
  assert.equal(0, result.status, result.stderr)
end

local fibs = "fib(20) = 6765\nfib(21) = 10946\nfib(22) = 17711\nfib(23) = 28657\nfib(24) = 46368\n"

-- What the other hosts print.
local printed = {
  own_loop = "sum: 50000005000000\nthe host went on: yes\n",
  image_filter = "checksum dc8013dc\nthe host went on: yes\n",
  frames = "frames went on meanwhile: yes\nfound a path: yes\n",
  host = "Copernicus\nfalse\tmap::at\nCopernicus\n",
}

--- The C of docs/embedding.md, with what it takes for granted before it.
local function blocks_of_guide()
  local file <close> = assert(io.open(process.root .. "/docs/embedding.md"))
  local parts = {
    "#include <rille.h>\n#include <stdio.h>\n",
    "extern void start_fetching(int64_t number, struct rille_ticket *ticket);\n",
  }
  for block in file:read "a":gmatch "\n```c\n(.-)```" do
    parts[#parts + 1] = block
  end
  assert.is_true(#parts > 4)
  return table.concat(parts, "\n")
end

describe("the installed package", function()
  setup(function()
    if not release then return end
    folder = folders.new()
    prefix = folder:at "prefix"
    install()
    shell "cmake -G Ninja -S $embed -B built -DCMAKE_PREFIX_PATH=$prefix -DCMAKE_C_FLAGS=-Werror\n"
    shell "cmake --build built"
    built = folder:at "built"
  end)

  teardown(function()
    if folder then folder:remove() end
  end)

  test("has a program that runs", function()
    assert.matches("^Rille %d+%.%d+%.%d+\n$", shell "$prefix/bin/rille --version")
  end)

  test("has the types of all modules, for editors", function()
    shell(("diff -r %s/types $prefix/share/rille/types"):format(process.root))
  end)

  test("has the manual page", function()
    assert.matches("/share/man/man1/rille.1\n$", shell "find $prefix -name rille.1")
  end)

  test("is found by find_package, shared and static", function()
    assert.equal(fibs, shell(built .. "/minimal"))
    assert.equal(fibs, shell("env -u LD_LIBRARY_PATH " .. built .. "/minimal_static"))
  end)

  test("runs its host's C functions on compute domains", function()
    for _, name in ipairs { "checksum", "checksum_static" } do
      local lines = shell(built .. "/" .. name)
      assert.matches("^%x%x%x%x%x%x%x%x 1048576 bytes of a\n", lines)
      assert.matches("\ncbf43926 123456789\n$", lines)
    end
  end)

  test("runs what each of the other hosts is about, shared and static", function()
    for name, expected in pairs(printed) do
      assert.equal(expected, shell(built .. "/" .. name), name)
      local static = shell(("env -u LD_LIBRARY_PATH %s/%s_static"):format(built, name))
      assert.equal(expected, static, name)
    end
  end)

  test("is found by pkg-config, shared and static, wherever it was moved", function()
    shell [[
      mv $prefix moved; trap 'mv moved $prefix' EXIT
      export PKG_CONFIG_PATH=${PKG_CONFIG_PATH/prefix/moved}
      export LD_LIBRARY_PATH=${LD_LIBRARY_PATH/prefix/moved}
      for name in rille rille-static; do
        cc $embed/minimal.c $(pkg-config --cflags --libs $name) -o $name
        ./$name >$name.txt
      done]]
    assert.equal(fibs, shell "cat rille.txt")
    assert.equal(fibs, shell "cat rille-static.txt")
  end)

  test("builds every host with pkg-config, as its first lines say", function()
    local hosts = shell [[
      for source in $embed/*.c $embed/*.cpp; do
        name=$(basename $source) line=$(sed -n 's,^ *[*/]* *\(c[c+]* .*pkg-config.*\),\1,p' $source)
        (cd $embed; eval "${line% -o *} -Wall -Wextra -Werror -o $OLDPWD/by_line")
        ./by_line >by_line.txt
        echo $name $(wc -l <by_line.txt)
      done]]
    assert.matches("checksum.c 5\n", hosts)
    assert.matches("frames.c 2\n", hosts)
    assert.matches("host.cpp 3\n", hosts)
    assert.matches("image_filter.c 2\n", hosts)
    assert.matches("minimal.c 5\n", hosts)
    assert.matches("own_loop.c 2\n", hosts)
  end)

  test("compiles what its guide shows", function()
    folder:write("shown.c", blocks_of_guide())
    shell "cc -std=c11 -Wall -Wextra -Werror -Wno-unused -fsyntax-only \z
      $(pkg-config --cflags rille) shown.c"
  end)

  test("shows nothing but what begins with rille_", function()
    local seen = shell "nm -D --defined-only --format=posix $LD_LIBRARY_PATH/librille.so"
    local count = 0
    for name in seen:gmatch "(%S+)[^\n]*\n" do
      if not name:match "^RILLE_" then -- the version of the interface
        assert.matches("^rille_", name)
        count = count + 1
      end
    end
    assert.is_true(count >= 5)
  end)

  test("hides the rest in the static library as well", function()
    local seen = shell "nm -g --defined-only --format=posix $LD_LIBRARY_PATH/librille.a"
    local count = 0
    for name in seen:gmatch "(%S+) %a [^\n]*\n" do
      assert.matches("^rille_", name)
      count = count + 1
    end
    assert.is_true(count >= 5)
  end)

  test("has the interface that was recorded", function()
    if process.run({ "-c", "command -v abidiff", program = "sh" }).status ~= 0 then
      return pending "there is no abidiff: scripts/setup abi installs it"
    end
    local result = process.run {
      "--check", prefix, program = process.root .. "/scripts/abi", seconds = 60,
    }
    assert.equal("", result.stdout .. result.stderr)
    assert.equal(0, result.status)
  end)

  test("shows every function of its header", function()
    local header = shell "sed 's://.*::' $prefix/include/rille.h | tr -d '\\n'"
    local seen = shell "nm -D --defined-only --format=posix $LD_LIBRARY_PATH/librille.so"
    local functions = 0
    header = header:gsub("/%*.-%*/", ""):gsub("typedef[^;]*;", "")
    for name in header:gmatch "(rille_[a-z_]+)%([^()]*%);" do
      assert.matches("%f[%w_]" .. name .. "@", seen)
      functions = functions + 1
    end
    assert.is_true(functions >= 5)
  end)

  test("does not take the place of its host's malloc", function()
    local needed = shell "readelf -d $LD_LIBRARY_PATH/librille.so"
    assert.matches("liblua5%.4%.so", needed)
    assert.is_nil(needed:find "mimalloc")
  end)

  test("has a header that C++ takes", function()
    shell "echo '#include <rille.h>' | g++ -x c++ -Wall -Wextra -Werror -pedantic -fsyntax-only \z
      $(pkg-config --cflags rille) -"
  end)

  test("runs a Lua C module with its own Lua", function()
    local script = folder:at "module.lua"
    folder:write("module.lua", [[
      local rille = require "rille"
      print(rille.detach(function() return require("lfs").attributes(".", "mode") end))]])
    assert.equal("directory\n", shell(built .. "/minimal " .. script))
  end)
end)
