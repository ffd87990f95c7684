--- Folder: a directory of its own for a test, with files in it. A to-be-closed variable removes it.
--
--     local folder <close> = folders.new { ["docs/index.html"] = "<p>" }
--     folder.path, folder:write(name, text), folder:link(target, name), folder:date(name, seconds)

local lfs = require "lfs"

local shell = require "spec.support.shell"

local folders = {}
folders.__index = folders

--- A folder with these files: name -> content.
function folders.new(files)
  local pipe = assert(io.popen "mktemp -d")
  local self = setmetatable({ path = pipe:read "l" }, folders)
  pipe:close()
  for name, text in pairs(files or {}) do self:write(name, text) end
  return self
end

--- Its path, or that of something in it.
function folders:at(name)
  return self.path .. "/" .. name
end

function folders:write(name, text)
  os.execute("mkdir -p " .. shell.quoted(self:at(name):match "^(.*)/"))
  local file <close> = assert(io.open(self:at(name), "wb"))
  file:write(text)
end

function folders:link(target, name)
  assert(lfs.link(target, self:at(name), true))
end

--- When the file was changed, in seconds since 1970.
function folders:date(name, seconds)
  assert(lfs.touch(self:at(name), seconds, seconds))
end

folders.__close = function(self)
  os.execute("rm -rf " .. shell.quoted(self.path))
end

--- The same for teardown.
folders.remove = folders.__close

return folders
