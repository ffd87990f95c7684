-- rille.command.skeleton: the files of a new project. $NAME is its name. Not for scripts.

local FILES = {
  {
    name = "app.lua",
    text = [==[
-- Serves $NAME: rille app.lua [PORT]

local app = require "routes"

local server = app:listen { host = os.getenv "HOST", port = arg[1] or os.getenv "PORT" or 8080 }
print("listening on " .. server:address())
]==],
  },
  {
    name = "routes.lua",
    text = [==[
-- What $NAME answers. It does not listen: app.lua does, and the specs ask it without a network.

local http = require "rille.http"
local rille = require "rille"

local app = http.app()

app:get("/", function() return "hello from $NAME\n" end)

-- Computes on another core: the handler waits, and everybody else is served meanwhile.
local function count_primes(limit)
  local sieve, count = {}, 0
  for n = 2, limit do
    if not sieve[n] then
      count = count + 1
      for multiple = n * n, limit, n do sieve[multiple] = true end
    end
  end
  return count
end

app:get("/primes/:limit{int}", function(req)
  local limit = req.params.limit
  if limit < 0 or limit > 1000000 then return http.error(400, "a limit from 0 to 1000000") end
  return { limit = limit, primes = rille.detach(count_primes, limit) }
end)

return app
]==],
  },
  { name = "spec" },
  {
    name = "spec/app_spec.lua",
    text = [==[
-- Run by `rille test`, in a fiber: what a spec calls may wait.

local app = require "routes"
local json = require "rille.json"

describe("$NAME", function()
  it("says hello", function()
    local answer = app:inject "/"
    assert.equal(200, answer.status)
    assert.equal("hello from $NAME\n", answer.body)
  end)

  it("counts primes", function()
    local answer = app:inject "/primes/100"
    assert.same({ limit = 100, primes = 25 }, json.decode(answer.body))
  end)

  it("refuses to count for ever", function()
    assert.equal(400, app:inject("/primes/1000001").status)
  end)
end)
]==],
  },
  {
    name = "README.md",
    text = [==[
# $NAME

A server in Lua, on Rille.

```sh
rille app.lua            # serve on port 8080
rille --watch app.lua    # the same, started again after every change
rille test               # run the specs in spec/
rille check              # look for mistakes
```

`routes.lua` is what it answers, `app.lua` where it listens (`HOST`, `PORT`), `spec/` has its specs.

To deploy it, put the directory at `/opt/$NAME` and `$NAME.service` into `/etc/systemd/system`,
then `systemctl enable --now $NAME`. To look around in it:
`sudo rille repl --attach /run/$NAME/control`. Or `docker build --tag $NAME .`, which wants a Rille
package beside the `Dockerfile`.
]==],
  },
  {
    name = "Dockerfile",
    -- The package's name is left open: it has version and machine in it.
    text = [==[
# Wants the package of Rille beside it: rille_VERSION_ARCHITECTURE.deb
FROM debian:bookworm-slim

COPY rille_*.deb /tmp/
RUN apt-get update \
 && apt-get install --yes --no-install-recommends /tmp/rille_*.deb \
 && rm -rf /tmp/rille_*.deb /var/lib/apt/lists/*

WORKDIR /opt/$NAME
COPY *.lua ./

USER nobody
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
CMD ["rille", "--loops", "auto", "app.lua"]
]==],
  },
  {
    name = "$NAME.service",
    text = [==[
[Unit]
Description=$NAME
After=network.target

[Service]
WorkingDirectory=/opt/$NAME
Environment=PORT=8080
ExecStart=/usr/bin/rille --loops auto --control /run/$NAME/control app.lua
Restart=on-failure
# Rille gives running requests ten seconds.
TimeoutStopSec=15

DynamicUser=yes
RuntimeDirectory=$NAME
RuntimeDirectoryMode=0700
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
]==],
  },
  {
    name = ".luacheckrc",
    text = [==[
std = "lua54"
files["spec"] = { std = "+busted" }
]==],
  },
  {
    name = ".luarc.json",
    text = [==[
{
  "runtime.version": "Lua 5.4",
  "diagnostics.globals": ["describe", "it", "before_each", "after_each", "setup", "teardown"],
  "workspace.checkThirdParty": false,
  "workspace.library": ["/usr/share/rille/types", "/usr/local/share/rille/types"]
}
]==],
  },
  { name = ".gitignore", text = "*.deb\nluacov.*.out\n" },
}

--- skeleton(name) -> { { name, text }, .. }, in the order in which they are made; a folder has no
-- text.
return function(name)
  local function fill(text) return text and (text:gsub("%$NAME", name)) end
  local files = {}
  for i, file in ipairs(FILES) do files[i] = { name = fill(file.name), text = fill(file.text) } end
  return files
end
