-- rille.command.check: `rille check [FILES]`. Not for scripts. It compiles, runs luacheck, and
-- looks at what is detached (rille.command.check_detach).

local core = require "rille.command.core"
local options = require "rille.command.options"
local rille = require "rille"

local function parser()
  local it = options.parser("check", "Looks for mistakes: what does not compile, what luacheck "
    .. "finds, and detached functions that could not leave their domain.")
  it:argument("files", "Files, and directories of *.lua files (.)."):args "*"
  return it
end

-- Debian has luacheck for Lua 5.1, but it is the same for this one.
local function need_luacheck()
  package.path = package.path .. ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
  options.need("check", "luacheck", "lua-check")
end

-- Without a .luacheckrc luacheck would take everything for a global that any Lua has.
local function has_settings()
  local folder = require("luacheck.fs").get_current_dir()
  while folder do
    if core.look_at(folder .. "/.luacheckrc") then return true end
    folder = folder:match "^(/.*)/[^/]*$" or folder:match "^/." and "" or nil
  end
  return false
end

-- Files by their names, each once; luacheck knows how to look into folders.
local function files_of(words)
  local fs = require "luacheck.fs"
  local files = {}
  for _, word in ipairs(words[1] and words or { "." }) do
    local about, err = core.look_at(word)
    if not about then options.fail("check", "%s", err) end
    if about.kind ~= "folder" then
      table.insert(files, word)
    else
      for _, path in ipairs(fs.extract_files(word, "%.lua$")) do
        table.insert(files, (path:gsub("^%./", "")))
      end
    end
  end
  return files
end

local function read(path)
  local file, err = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  if not text then options.fail("check", "cannot read %s", err or path) end
  return text
end

-- What compiles, as { path, text }; the rest is reported, and counted.
local function compile(paths)
  local good, bad = {}, 0
  for _, path in ipairs(paths) do
    local text = read(path)
    local code = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
    local ok, err = load(code, "@" .. path, "t")
    if ok then
      table.insert(good, { path = path, text = code })
    else
      bad = bad + 1
      print(err)
    end
  end
  return good, bad
end

local function lint(files)
  local runner = require "luacheck.runner"
  local settings = {}
  if not has_settings() then settings.std = "lua54" end
  local checker, err = runner.new(settings)
  if not checker then options.fail("check", "luacheck: %s", err) end
  local inputs = {}
  for i, file in ipairs(files) do inputs[i] = { path = file.path } end
  local report
  report, err = checker:check(inputs)
  if not report then options.fail("check", "luacheck: %s", err) end
  io.write((checker:format(report, { formatter = "plain" })))
  return report.warnings + report.errors + report.fatals
end

-- The globals that a fresh compute domain has.
local function globals_there()
  return rille.detach(function()
    local names = {}
    for name in pairs(_G) do names[name] = true end
    return names
  end)
end

local function check_detached(files)
  local Source = require "rille.command.check_source"
  local detach = require "rille.command.check_detach"
  local globals, sources = globals_there(), {}
  for i, file in ipairs(files) do
    sources[i] = Source.read(file.path, file.text)
    detach.set_globals(sources[i], globals)
  end
  local count = 0
  for _, source in ipairs(sources) do
    for _, found in ipairs(detach.check(source, globals)) do
      print(("%s:%d:%d: %s"):format(found.path, found.line, found.column, found.message))
      count = count + 1
    end
  end
  return count
end

return function(...)
  local args = options.parse("check", parser(), ...)
  need_luacheck()
  local paths = files_of(args.files)
  local files, count = compile(paths)
  count = count + lint(files) + check_detached(files)
  print(("%d file%s, %s"):format(#paths, #paths == 1 and "" or "s",
    count == 0 and "nothing wrong" or count .. " to look at"))
  return count == 0 and 0 or 1
end
