--- Turns: whether others have their turn while something goes on that need never wait.

local rille = require "rille"

--- How often another fiber of this domain has had its turn while fn(...) ran.
return function(fn, ...)
  local count, over = 0, false
  local other = rille.spawn(function()
    while not over do
      rille.sleep(0)
      count = count + 1
    end
  end)
  rille.sleep(0)
  local before = count
  fn(...)
  local after = count
  over = true
  other:await()
  return after - before
end
