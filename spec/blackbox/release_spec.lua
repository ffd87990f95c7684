-- scripts/release, on a small repository of its own. What it makes does not depend on the build.

local folders = require "spec.support.folder"
local process = require "spec.support.process"

local release = os.getenv "RILLE_BUILD" == "release"
local test = release and it or function(name) pending(name .. " (the release build only)") end

local function shell(folder, text)
  return process.run {
    "-c", ("export HOME=$PWD; cd %s; %s"):format(folder.path, text), program = "bash",
  }
end

local SETTINGS = "git config user.name x; git config user.email x@x.example; "

-- A repository whose version is 1.2.3, with this as its changes.
local function repository(changes)
  local folder = folders.new {
    ["CMakeLists.txt"] = "project(rille VERSION 1.2.3 LANGUAGES C)\n",
    ["CHANGELOG.md"] = changes,
    [".gitignore"] = "/build-*/\n",
    ["src/a.c"] = "",
  }
  local result = shell(folder, ("mkdir scripts; cp %s/scripts/release scripts/; git init -q; "
    .. SETTINGS .. "git add .; git commit -qm first"):format(process.root))
  assert.equal(0, result.status, result.stderr)
  return folder
end

local DATED = "# Changes\n\n## 1.2.3 (2026-11-27)\n\n- The first.\n"

describe("scripts/release", function()
  test("tags, and makes the same tarball again, wherever and whenever", function()
    local folder <close> = repository(DATED)
    local first = shell(folder, "scripts/release 1.2.3")
    assert.equal(0, first.status, first.stderr)
    assert.matches("^%x+  rille%-1%.2%.3%.tar%.xz\n$", first.stdout)
    assert.equal("v1.2.3\n", shell(folder, "git tag --list").stdout)
    local again = shell(folder, [[
      git clone -q . elsewhere; cd elsewhere; touch -d yesterday src/a.c; umask 077
      TZ=Asia/Tokyo scripts/release --tarball 1.2.3]])
    assert.equal(first.stdout, again.stdout, again.stderr)
    local names = shell(folder, "tar -tf build-release/rille-1.2.3.tar.xz").stdout
    assert.matches("\nrille%-1%.2%.3/src/a%.c\n", names)
    assert.not_matches("%.git/", names)
  end)

  local refused = {
    { "another version than CMakeLists.txt's", "scripts/release 1.2.4", "another version" },
    { "what is no version", "scripts/release next", "a version is such as 1.2.3, got 'next'" },
    { "no version", "scripts/release", "a version is such as 1.2.3, got ''" },
    { "what is not committed", "touch b; scripts/release 1.2.3", "not committed" },
    { "a tag that there is", "git tag v1.2.3; scripts/release 1.2.3", "a tag v1.2.3 already" },
  }
  for _, case in ipairs(refused) do
    test("refuses " .. case[1], function()
      local folder <close> = repository(DATED)
      local result = shell(folder, case[2])
      assert.equal(1, result.status)
      assert.is_truthy(result.stderr:find(case[3], 1, true), result.stderr)
      assert.is_nil(result.stdout:find "tar.xz")
    end)
  end

  test("refuses changes without the version and its date", function()
    local folder <close> = repository "# Changes\n\n## Unreleased\n\n- The first.\n"
    local result = shell(folder, "scripts/release 1.2.3")
    assert.equal(1, result.status)
    assert.is_truthy(result.stderr:find("no section '## 1.2.3 (DATE)'", 1, true), result.stderr)
  end)
end)
