-- rille.command.test: `rille test [FILES]`. Not for scripts. It runs busted in a fiber, so that
-- specs may wait and detach.

local options = require "rille.command.options"

local function has(words, wanted)
  for _, word in ipairs(words) do
    if word == wanted then return true end
  end
  return false
end

return function(...)
  local words = { ... }
  options.need("test", "busted.core", "lua-busted")
  if has(words, "-c") or has(words, "--coverage") then require "rille.command.coverage"() end
  words[0] = "rille test"
  _G.arg = words -- where busted looks
  require "rille.command.busted" { standalone = false }
  return 0
end
