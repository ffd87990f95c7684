-- scripts/floors, on small trees in a temporary folder, each with one breach.

local function command(...)
  local pipe = io.popen(string.format(...))
  local text = pipe:read("a")
  return pipe:close() or false, text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- A sound tree with `files` (path -> text) added: whether it passes, and what is said.
local function check(files)
  local _, root = command("mktemp -d /tmp/rille-floors-XXXXXX")
  root = root:sub(1, -2)
  finally(function()
    command("rm -r '%s'", root)
  end)
  command("mkdir -p '%s/include' '%s/src' && cp src/FLOORS '%s/src'", root, root, root)
  for folder in ("base http io vm domain serve lib host"):gmatch("%S+") do
    command("mkdir '%s/src/%s'", root, folder)
    write(root .. "/src/" .. folder .. "/a.h", "")
    write(root .. "/src/" .. folder .. "/a.c", ('#include "%s/a.h"\n'):format(folder))
  end
  for path, text in pairs(files) do
    write(root .. "/" .. path, text)
  end
  return command("scripts/floors '%s' 2>&1", root)
end

-- The tree with these files fails with exactly this one message.
local function refused(files, message)
  local ok, text = check(files)
  assert.equal(message .. "\n", text)
  assert.is_false(ok)
end

local function lines(count, line)
  return (line .. "\n"):rep(count)
end

describe("floors", function()
  it("passes what looks down only", function()
    local ok, text = check {
      ["src/domain/b.c"] = '#include "base/a.h"\n#include "io/a.h"\n#include "vm/a.h"\n'
        .. "#include <uv.h>\n#include <lua.h>\n",
      ["src/lib/b.c"] = '#include "lib/modules.h"\n#include "serve/a.h"\n',
      ["src/lib/modules.h"] = "",
      ["src/host/main.c"] = '#include "rille.h"\n#include <stdio.h>\n',
    }
    assert.equal("", text)
    assert.is_true(ok)
  end)

  it("refuses to look up", function()
    refused({ ["src/io/b.c"] = '\n#include "serve/a.h"\n' },
      "src/io/b.c:2: io is below serve and must not include serve/a.h")
  end)

  it("refuses twins that meet", function()
    refused({ ["src/vm/b.c"] = '#include "io/a.h"\n' },
      "src/vm/b.c:1: vm and io are twins that never meet")
    refused({ ["src/io/b.c"] = '#include "vm/a.h"\n' },
      "src/io/b.c:1: io and vm are twins that never meet")
  end)

  it("refuses Lua in io and libuv in vm", function()
    refused({ ["src/io/b.c"] = "#include <lauxlib.h>\n" },
      "src/io/b.c:1: io must not see lauxlib.h")
    refused({ ["src/vm/b.c"] = "#include <uv.h>\n" }, "src/vm/b.c:1: vm must not see uv.h")
  end)

  it("refuses a cycle within a floor, through sources too", function()
    refused({
      ["src/base/b.c"] = '#include "base/c.h"\n',
      ["src/base/b.h"] = "",
      ["src/base/c.h"] = '#include "base/b.h"\n',
    }, "src/base/b: a cycle of includes: base/b -> base/c -> base/b")
  end)

  it("refuses files of lib that include one another", function()
    refused({ ["src/lib/b.c"] = '#include "lib/a.h"\n' },
      "src/lib/b.c:1: files of lib never include one another (lib/a.h)")
  end)

  it("refuses a main.c that sees more than rille.h, and rille.h below host", function()
    refused({ ["src/host/main.c"] = '#include "base/a.h"\n' },
      "src/host/main.c:1: main.c includes only rille.h, not base/a.h")
    refused({ ["src/host/main.c"] = "#include <lua.h>\n" },
      "src/host/main.c:1: main.c includes only rille.h, not lua.h")
    refused({ ["src/lib/b.c"] = '#include "rille.h"\n' },
      "src/lib/b.c:1: rille.h belongs to host, the top floor")
  end)

  it("refuses what is too long", function()
    refused({ ["src/base/b.c"] = lines(451, "/* */") },
      "src/base/b.c: 451 lines, 450 at most")
    refused({ ["include/rille.h"] = lines(301, "/* */") },
      "include/rille.h: 301 lines, 300 at most")
    refused({
      ["src/base/b.c"] = "int a(void) {\n}\n\nstatic int b(int one,\n             int two) {\n"
        .. lines(78, "  one++;") .. "}\n",
    }, "src/base/b.c:4: a function of 81 lines, 80 at most")
  end)
end)
