-- rille.command.test: `rille test [FILES]`. Not for scripts. It runs busted in a fiber, so that
-- specs may wait and detach.

local options = require "rille.command.options"

local HELP = [[
Usage: rille test [FILES] [options]

Runs specs with busted, in a fiber, so that they may wait and detach.

  FILES                 Specs, and directories with *_spec.lua (spec).
  -h, --help            Show this help message and exit.
  -c, --coverage        Count the lines that run, where luacov is installed.
  -o, --output=NAME     How results are shown: TAP, junit, json, plainTerminal ...
  -t, --tags=TAGS       Only tests with #TAGS in their names.
      --filter=PATTERN  Only tests whose names match.
      --filter-out=PATTERN
      --repeat=COUNT    Everything so many times.
      --shuffle         In any order; --seed=N: in that one.
      --no-keep-going   Only up to the first failure.
  -v, --verbose         More about failures.

All other options of busted are taken as well.
]]

local function has(words, wanted)
  for _, word in ipairs(words) do
    if word == wanted then return true end
  end
  return false
end

return function(...)
  local words = { ... }
  if has(words, "-h") or has(words, "--help") then
    io.write(HELP)
    return 0
  end
  options.need("test", "busted.core", "lua-busted")
  if has(words, "-c") or has(words, "--coverage") then require "rille.command.coverage"() end
  words[0] = "rille test"
  _G.arg = words -- where busted looks
  require "rille.command.busted" { standalone = false }
  return 0
end
