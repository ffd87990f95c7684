--- Peers: what a benchmark compares with, made ready on this machine.
--
-- Debian's packages are installed where they are missing, Node's modules go into
-- bench/node_modules, C programs are compiled into bench/build. All of it is left there for the
-- next call. Never install Debian's `luajit` beside these: it removes nginx's Lua module.

local peers = {}

--- The folder of the benchmarks, with a slash at its end.
peers.bench = assert(arg[0]:match("^.*/") or "./")

--- The program under test; RILLE_PROGRAM names another one, to compare two builds.
peers.rille = os.getenv("RILLE_PROGRAM") or peers.bench .. "../build/rille"

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function execute(command)
  if not os.execute(command) then error("failed: " .. command, 0) end
end

local function has_command(name)
  return os.execute("command -v " .. name .. " >/dev/null 2>&1") == true
end

--- Installs those Debian packages of the list that are not installed.
function peers.packages(names)
  local missing = {}
  for _, name in ipairs(names) do
    local query = "dpkg-query -W -f='${Status}' %s 2>/dev/null"
    if not output(query:format(name)):find("install ok installed", 1, true) then
      missing[#missing + 1] = name
    end
  end
  if #missing == 0 then return end
  local sudo = output("id -u"):match("%d+") == "0" and "" or "sudo "
  local apt = sudo .. "DEBIAN_FRONTEND=noninteractive apt-get "
  execute(apt .. "update -q >&2")
  execute(apt .. "install -q -y --no-install-recommends " .. table.concat(missing, " ") .. " >&2")
end

--- Node itself, and the modules of the list ({ name = { major of node = version } }).
function peers.node(modules)
  if not has_command("node") then peers.packages { "nodejs", "npm" } end
  local major = tonumber(output("node --version"):match("%d+"))
  for name, version in pairs(modules or {}) do
    local present = io.open(peers.bench .. "node_modules/" .. name .. "/package.json")
    if present then
      present:close()
    else
      local install = "npm install --silent --no-save --no-audit --no-fund --prefix %s %s@%s >&2"
      execute(install:format(peers.bench, name, version(major)))
    end
  end
end

--- Compiles contestants/NAME.c and returns the program's path.
function peers.compile(name, libraries)
  local program = peers.bench .. "build/" .. name
  execute(("mkdir -p %sbuild"):format(peers.bench))
  execute(("cc -std=gnu11 -O2 -Wall -Wextra -o %s %scontestants/%s.c %s"):format(
    program, peers.bench, name, libraries or ""))
  return program
end

--- The path of a contestant's script.
function peers.script(name) return peers.bench .. "contestants/" .. name end

--- How many threads every contestant's pool gets: the cores that this process may use.
function peers.cores() return tonumber(output("nproc")) end

return peers
