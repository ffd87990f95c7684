-- Page: docs/reference.md, written from what comments.read() returns.

local comments = require "comments"
local names = require "names"

local page = {}

-- -- prose ---------------------------------------------------------------------------------------

-- What is code in the text of a comment, tried in this order.
local CODE = {
  "^[%w_.-]*/[%w_./-]+%.%a+",                     -- docs/http.md
  "^%-%-[%a-]+",                                  -- --loops
  "^[%a_][%w_]*[.:][%a_][%w_.:]*%b()",            -- task:await(), rille.sleep(1)
  "^[%a_][%w_]*[.:][%a_][%w_.:]*%b[]",            -- res.headers["X-Name"]
  "^[%a_][%w_]*[.:][%a_][%w_.:]*",                -- rille.detach
  "^[%a][%w]*%b()",                               -- next()
  "^[%a_]*_[%w_]*",                               -- max_line
  "^#[%a]+",                                      -- #channel
  "^{[%w_ =.,\"]*}",                              -- { "zstd" }
}

local BEFORE = "^[%s%(%[{=,/]"

local function code_at(text, at)
  if at > 1 and not text:find(BEFORE, at - 1) then return nil end
  for _, pattern in ipairs(CODE) do
    local first, last = text:find(pattern, at)
    if first == at then return last end
  end
end

-- A string of Lua, and no words that are quoted.
local function quote_at(text, at)
  local quoted = text:match('^"[^"]*"', at)
  local follows_space = at == 1 or text:find("^[%s%(|]", at - 1)
  return follows_space and quoted and (#quoted == 2 or not quoted:find " ") and quoted
end

local function closing_dot(text, at, last)
  while last > at and text:find("^[.:]", last) do last = last - 1 end
  return last
end

--- page.prose(text) -> Markdown: what is code in it is marked, what Markdown would take is not.
function page.prose(text)
  local out, at = {}, 1
  while at <= #text do
    local char = text:sub(at, at)
    local quoted = text:match("^`[^`]*`", at) or quote_at(text, at)
    local last = quoted and at + #quoted - 1 or code_at(text, at)
    if quoted and char == "`" then
      table.insert(out, quoted)
    elseif quoted then
      table.insert(out, "`" .. quoted .. "`")
    elseif last then
      last = closing_dot(text, at, last)
      table.insert(out, "`" .. text:sub(at, last) .. "`")
    else
      last = at
      table.insert(out, char:find "[<*_|\\]" and "\\" .. char or char)
    end
    at = last + 1
  end
  return table.concat(out)
end

-- Broken into lines of at most 100 characters.
local function wrapped(text)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    if line and #line + 1 + #word > 100 then
      table.insert(lines, line)
      line = nil
    end
    line = line and line .. " " .. word or word
  end
  table.insert(lines, line)
  return table.concat(lines, "\n")
end

-- -- pieces --------------------------------------------------------------------------------------

local function cell(text)
  return (page.prose(text):gsub("\\|", "|"):gsub("|", "\\|"))
end

local WRITE = {}

function WRITE.paragraph(out, piece)
  table.insert(out, wrapped(page.prose(piece.text)) .. "\n")
end

function WRITE.lua(out, piece) table.insert(out, "```lua\n" .. piece.text .. "\n```\n") end

function WRITE.verbatim(out, piece) table.insert(out, "```text\n" .. piece.text .. "\n```\n") end

local function write_rows(out, heading, rows)
  table.insert(out, ("| %s | type | |\n| --- | --- | --- |"):format(heading))
  for _, row in ipairs(rows) do
    table.insert(out, ("| `%s` | %s | %s |"):format(row.name, cell(row.type), cell(row.text)))
  end
  table.insert(out, "")
end

-- A row for each name; the type of an option is known by its name.
function WRITE.options(out, piece, section, owner)
  local rows = {}
  for _, row in ipairs(piece.rows) do
    for _, name in ipairs(row.names) do
      local kind = names.find(section.short, owner, name) or "any"
      table.insert(rows, { name = name, type = kind:gsub("%$", ""), text = row.text })
    end
  end
  write_rows(out, "option", rows)
end

-- Of a field it stands before its text.
function WRITE.fields(out, piece)
  local rows = {}
  for _, row in ipairs(piece.rows) do
    local kind, text = row.text:match "^([^:]+): (.*)$"
    for _, name in ipairs(row.names) do
      table.insert(rows, { name = name, type = kind or "", text = text or row.text })
    end
  end
  write_rows(out, "field", rows)
end

local function write_text(out, text, section, owner)
  for _, piece in ipairs(comments.pieces(text)) do
    WRITE[piece.kind](out, piece, section, owner)
  end
end

-- -- the page ------------------------------------------------------------------------------------

local function heading_of(entry)
  local signature = entry.signatures[1]
  if signature.operator then return (signature.whole:gsub("%s*[=%-].*$", "")) end
  if signature.called then return signature.owner .. "()" end
  return signature.owner .. signature.separator .. signature.name
end

local function title_of(section)
  if section.kind == "module" then return section.name end
  return section.short .. (section.kind == "library" and " (Lua's library)" or "")
end

-- What links to each heading: as GitHub makes it, with numbers behind those that come again.
local function anchors_of(sections)
  local anchors, seen = {}, {}
  local function add(item, heading)
    local anchor = heading:lower():gsub("[^%w_ -]", ""):gsub(" ", "-")
    seen[anchor] = (seen[anchor] or -1) + 1
    anchors[item] = seen[anchor] > 0 and ("%s-%d"):format(anchor, seen[anchor]) or anchor
  end
  add("reference", "Reference")
  for _, section in ipairs(sections) do
    add(section, title_of(section))
    anchors[section.name] = anchors[section.name] or anchors[section]
    for _, entry in ipairs(section.entries) do add(entry, heading_of(entry)) end
  end
  return anchors
end

local function write_entry(out, entry, section)
  table.insert(out, ("### %s\n"):format(heading_of(entry)))
  local lines = {}
  for i, signature in ipairs(entry.signatures) do
    lines[i] = (signature.whole:gsub("%s+", " "))
  end
  table.insert(out, "```text\n" .. table.concat(lines, "\n") .. "\n```\n")
  write_text(out, entry.text, section, entry.signatures[1].name or section.short)
end

local function write_section(out, section, anchors)
  table.insert(out, ("## %s\n"):format(title_of(section)))
  if section.kind == "type" then
    table.insert(out, ("A type of [%s](#%s).\n"):format(section.of, anchors[section.of]))
  end
  write_text(out, section.text, section, section.short)
  for _, entry in ipairs(section.entries) do write_entry(out, entry, section) end
end

local function write_contents(out, sections, anchors)
  table.insert(out, "| | |\n| --- | --- |")
  for _, section in ipairs(sections) do
    local links = {}
    for i, entry in ipairs(section.entries) do
      local shown = heading_of(entry)
      if entry.signatures[1].name then shown = entry.signatures[1].name end
      links[i] = ("[%s](#%s)"):format(shown, anchors[entry])
    end
    table.insert(out, ("| [%s](#%s) | %s |"):format(title_of(section), anchors[section],
      table.concat(links, " · ")))
  end
  table.insert(out, "")
end

local HEAD = [[
# Reference

Every function that scripts may call. This page is made by `scripts/reference` from the comments at
the bindings (`src/lib/*.c`, `lua/rille/`): change it there.

A signature says what a function takes and returns: `[, x]` may be left out, `...` is any number of
them, `,` stands between several results, `|` between what comes back instead. `nil, message` is
what a caller has to expect, as of Lua's own io library; misuse, and the cancellation of a fiber,
are raised. What "may suspend" lets other fibers run meanwhile, and needs a place where Lua can
yield. "Any domain" means that a function may be called by scripts and by tasks alike.
]]

local function write_names(out)
  table.insert(out, "What arguments and results are, by their names:\n")
  table.insert(out, "| name | type | |\n| --- | --- | --- |")
  for _, row in ipairs(names.explained) do
    table.insert(out, ("| `%s` | %s | %s |"):format(row[1], cell(row[2]), cell(row[3])))
  end
  table.insert(out, "")
end

--- page.write(sections) -> the whole page
function page.write(sections)
  local out = { HEAD }
  write_names(out)
  local anchors = anchors_of(sections)
  write_contents(out, sections, anchors)
  for _, section in ipairs(sections) do write_section(out, section, anchors) end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

return page
