-- The manual page and docs/commands.md have what `rille --help` does.

local process = require "spec.support.process"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function words(text, pattern)
  local found = {}
  for word in text:gmatch(pattern) do found[word] = true end
  return found
end

describe("the manual", function()
  local help, page, guide

  setup(function()
    help = process.run({ "--help" }).stdout
    page = read "docs/rille.1"
    guide = read "docs/commands.md"
  end)

  it("has every option of the program", function()
    local options = words(help, "%-%-(%l+)")
    for option in pairs(options) do
      assert.is_truthy(page:find("Fl .*%-" .. option .. "%f[%W]"), option)
    end
    for option in pairs(words(page:match "%.Bl.-%.El", "%.It Fl %-(%l+)")) do
      assert.is_true(options[option], option)
    end
  end)

  it("has every command, as the guide has", function()
    local commands = words(help:match "Commands.*", "\n  (%l+) ")
    assert.is_true(commands.new and commands.repl)
    for command in pairs(commands) do
      assert.is_truthy(page:find(".It Cm " .. command, 1, true), command)
      assert.is_truthy(guide:find("\n## rille " .. command), command)
    end
  end)

  it("is formatted without a complaint", function()
    local result = process.run {
      program = "groff", directory = process.root, "-mdoc", "-Tutf8", "-ww", "docs/rille.1",
    }
    if result.status == 127 then return pending "groff is not installed" end
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.matches("run servers written in Lua", result.stdout, 1, true)
  end)
end)
