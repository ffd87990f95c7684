-- rille.command.options: what all commands do about their words: options by argparse, errors in one
-- form. Not for scripts.

local options = {}

-- A module that a command stands on but Rille does not bring along.
local function need(name, module, package)
  local ok, found = pcall(require, module)
  if ok then return found end
  io.stderr:write(("rille %s: the Lua module '%s' is missing (Debian's package %s)\n"):format(
    name, module, package))
  os.exit(1)
end
options.need = need

--- options.parser(name, description) -> a parser of argparse, for `rille NAME`
function options.parser(name, description)
  local parser = need(name, "argparse", "lua-argparse")("rille " .. name, description)
  return parser:usage_max_width(80):help_max_width(80)
end

--- options.fail(name, format, ...): says what is wrong, and ends the program with status 1.
function options.fail(name, format, ...)
  io.stderr:write(("rille %s: "):format(name), format:format(...), "\n")
  os.exit(1)
end

--- options.parse(name, parser, ...) -> what argparse makes of the words
function options.parse(name, parser, ...)
  local ok, found = parser:pparse { ... }
  if ok then return found end
  options.fail(name, "%s\nTry 'rille %s --help'.", found, name)
end

return options
