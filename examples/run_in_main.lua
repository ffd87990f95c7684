-- Tasks on other domains call back into the main domain, which may sleep there: each task waits for
-- its result, while its domain goes on with other tasks and the main domain with everything else.
--
--   rille examples/run_in_main.lua

local rille = require "rille"

local function greet(name)
  rille.sleep(0.1)
  print(("%s is greeted on domain %s"):format(name, rille.domain()))
  return "Hello, " .. name
end

local function task(name)
  local greeting = rille.run_in_main(greet, name)
  return ("%s heard '%s' on domain %s"):format(name, greeting, rille.domain())
end

local started = rille.now()
for _, line in ipairs { rille.all(rille.submit(task, "Ada"), rille.submit(task, "Grace")) } do
  print(line)
end
print(("both were greeted within %.1f s"):format(rille.now() - started))
