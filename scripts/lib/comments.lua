--[[ Comments: the documentation of Lua modules, read from the comments at their bindings.

A comment begins in the first column: a block comment of C, or in Lua lines of dashes of which the
first has three, or a long comment. It is documentation if it begins in one of these ways:

    rille.net: text                      a module; the first comment of its file
    The type conn of rille.net: text     what a module's functions return or take
    The library os: text                 one of Lua's own that is different
    conn:read([format]) -> string        a function or method, and what it returns
    conn:read([format]) -> string: text

What is for scripts has its module's comment without "Not for scripts". A signature may go on in
further lines, up to an empty one; a further line that begins with a signature is one more function
that the text is about. `[, x]` is an optional argument, `...` any number of them. Results follow
"->": "," stands between several, "|" between alternatives. An operator is written as it is used:
#channel, rille.context[key], pairs(rille.context).

In the text an empty line ends a paragraph; what is indented is a piece of Lua, or rows:

    Options:                             behind the line "Options:" or "Fields:"

        timeout   seconds, none          a name (or several, with commas) and what it means
        method    string: as it came     of fields also the type

]]

local comments = {}

-- -- blocks --------------------------------------------------------------------------------------

local function close_block(blocks, block)
  while block[#block] == "" do table.remove(block) end
  table.insert(blocks, block)
end

local function blocks_of_c(path)
  local blocks, block, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local text = block and line:gsub("^ %* ?", "") or line:match "^/%* ?(.*)$"
    if text then
      block = block or { file = path, line = number }
      local last = text:match "^(.-) ?%*/"
      table.insert(block, last or text)
      if last then
        close_block(blocks, block)
        block = nil
      end
    end
  end
  return blocks
end

local function blocks_of_lua(path)
  local blocks, block, long, number = {}, nil, false, 0
  for line in io.lines(path) do
    number = number + 1
    if long then
      local last = line:match "^(.-) ?%]%]"
      table.insert(block, last or line)
      if last then
        close_block(blocks, block)
        block, long = nil, false
      end
    elseif line:find "^%-%-%[%[" then
      block, long = { line:match "^%-%-%[%[ ?(.*)$", file = path, line = number }, true
    elseif line:find "^%-%-%- " or number == 1 and line:find "^%-%- " then
      block = { line:match "^%-%-%-? (.*)$", file = path, line = number }
    elseif block and line:find "^%-%-" then
      table.insert(block, line:match "^%-%- ?(.*)$")
    elseif block then
      close_block(blocks, block)
      block = nil
    end
  end
  return blocks
end

-- -- signatures ----------------------------------------------------------------------------------

-- Where the first of these characters stands outside brackets and quotes.
local function find_outside(text, pattern)
  local depth, quoted = 0, false
  for at = 1, #text do
    local char = text:sub(at, at)
    if char == '"' then
      quoted = not quoted
    elseif not quoted and char:find "[%(%[{]" then
      depth = depth + 1
    elseif not quoted and char:find "[%)%]}]" then
      depth = depth - 1
    elseif not quoted and depth == 0 and text:find(pattern, at) == at then
      return at
    end
  end
end

local function split(text, pattern)
  local parts = {}
  while true do
    local at = find_outside(text, pattern)
    if not at then break end
    table.insert(parts, text:sub(1, at - 1))
    text = text:sub(at + 1)
  end
  table.insert(parts, text)
  for i, part in ipairs(parts) do parts[i] = part:match "^%s*(.-)%s*$" end
  return parts
end

-- "pattern [, middleware...], handler" -> list of { name, optional, rest }
local function arguments_of(text)
  local arguments, depth = {}, 0
  for brackets, name, after in text:gmatch "([%[%s,]*)([^%[%],%s]+)([%]%s]*)" do
    depth = depth + select(2, brackets:gsub("%[", ""))
    local rest = name:find "%.%.%.$"
    table.insert(arguments, {
      name = name:gsub("(.)%.%.%.$", "%1"), optional = depth > 0, rest = rest ~= nil,
    })
    depth = depth - select(2, after:gsub("%]", ""))
  end
  return arguments
end

-- 'true | nil, "closed"' -> list of alternatives, each a list of terms
local function results_of(text)
  local alternatives = {}
  for _, one in ipairs(split(text, "|")) do table.insert(alternatives, split(one, ",")) end
  return alternatives
end

local CALL = "^([%a_][%w_.]*)([.:])([%a_][%w_]*)%("
local OPERATORS = {
  "^#([%a_][%w_.]*)", "^([%a_][%w_.]*)%[key%]", "^pairs%(([%a_][%w_.]*)%)",
}

-- Whose it is and what it is called, of the beginning of a comment; nil if that is no signature.
local function head_of(text)
  local owner, separator, name = text:match(CALL)
  if owner then return { owner = owner, separator = separator, name = name } end
  owner = text:match "^([%a_][%w_]*)%("
  if owner and owner ~= "pairs" then return { owner = owner, called = true } end
  for _, pattern in ipairs(OPERATORS) do
    owner = text:match(pattern)
    if owner then return { owner = owner, operator = true } end
  end
end

-- The signature, and what follows it in its line.
local function signature_of(text)
  local signature = head_of(text)
  local colon = find_outside(text, ": ")
  local rest = colon and text:sub(colon + 2)
  text = colon and text:sub(1, colon - 1) or text
  local call, results = text:match "^(.-)%s*%->%s*(.*)$"
  signature.whole = text
  signature.arguments = signature.operator and {}
    or arguments_of((call or text):match "^[^%(]*%((.*)%)$" or "")
  signature.results = results and results_of(results) or {}
  return signature, rest
end

-- The first paragraph, a signature in each of its lines that begins with one.
local function signatures_of(block)
  local texts, at = {}, 1
  while block[at] and block[at] ~= "" do
    local line = block[at]
    if head_of(line) and (at == 1 or line:find "%->" or line:find "%)$") then
      table.insert(texts, line)
    else
      texts[#texts] = texts[#texts] .. " " .. line:match "^%s*(.*)$"
    end
    at = at + 1
  end
  return texts, at + 1
end

local function entry_of(block)
  local entry = { file = block.file, line = block.line, signatures = {}, text = {} }
  local texts, at = signatures_of(block)
  for _, text in ipairs(texts) do
    local signature, rest = signature_of(text)
    table.insert(entry.signatures, signature)
    if rest then table.insert(entry.text, (rest:gsub("^%l", string.upper))) end
  end
  if #entry.text > 0 and block[at] then table.insert(entry.text, "") end
  table.move(block, at, #block, #entry.text + 1, entry.text)
  return entry
end

-- -- sections ------------------------------------------------------------------------------------

local function section_of(block, is_first)
  local first = block[1]
  local name, of, text = first:match "^The type ([%w_]+) of (rille[%w_.]*): (.*)$"
  local kind = name and "type"
  if not kind then
    name, text = first:match "^The library ([%w_]+): (.*)$"
    kind = name and "library"
  end
  if not kind and is_first then
    name, text = first:match "^(rille[%w_.]*): (.*)$"
    kind = name and "module"
  end
  if not kind then return nil end
  local section = {
    kind = kind, name = name, of = of, short = name:match "[^.]*$", entries = {},
    text = { (text:gsub("^%l", string.upper)) }, file = block.file, line = block.line,
  }
  table.move(block, 2, #block, 2, section.text)
  section.public = not table.concat(section.text, "\n"):find "Not%s+for%s+scripts"
  return section
end

local function files_in(folder, ending)
  local listing = assert(io.popen(("find %s -name '*%s' | LC_ALL=C sort"):format(folder, ending)))
  local files = {}
  for path in listing:lines() do table.insert(files, path) end
  listing:close()
  return files
end

local function all_blocks(root)
  local all = {}
  for _, path in ipairs(files_in(root .. "/src/lib", ".c")) do
    table.insert(all, blocks_of_c(path))
  end
  for _, path in ipairs(files_in(root .. "/lua/rille", ".lua")) do
    table.insert(all, blocks_of_lua(path))
  end
  return all
end

-- Modules in the order in which one learns of them; others come behind, by name.
local FIRST = { "rille", "rille.domains", "rille.context", "rille.net", "rille.http", "rille.json" }

local function rank_of(section)
  for i, name in ipairs(FIRST) do
    if (section.of or section.name) == name then return i end
  end
  return section.kind == "library" and #FIRST + 2 or #FIRST + 1
end

local KINDS = { module = 1, type = 2, library = 3 }

local function comes_before(a, b)
  local first, second = rank_of(a), rank_of(b)
  if first ~= second then return first < second end
  local one, other = a.of or a.name, b.of or b.name
  if one ~= other then return one < other end
  if a.kind ~= b.kind then return KINDS[a.kind] < KINDS[b.kind] end
  if a.file ~= b.file then return a.file < b.file end
  return a.line < b.line
end

-- Whose the entry is: a module has functions, a type has methods; both can be called. In its own
-- file a short name is the one that is defined there.
local function owner_of(sections, entry)
  local signature, found = entry.signatures[1], nil
  for _, section in ipairs(sections) do
    local named = signature.owner == section.short or signature.owner == section.name
    local fits = not signature.name or (signature.separator == ":") == (section.kind == "type")
    if signature.called and section.kind == "type" and entry.file ~= section.file then
      fits = false
    end
    if named and fits then
      if section.file == entry.file then return section end
      found = found or section
    end
  end
  return found
end

--- comments.read(root) -> sections, hidden
-- Of the sources in the folder `root`. A section: kind ("module", "type" or "library"), name,
-- of (a type's module), short (the last part of the name), text (lines), entries, file and line. An
-- entry: signatures, text, file and line. A signature: whole, owner, separator and name (or called,
-- or operator), arguments, results. `hidden` has the modules that are not for scripts, by name.
function comments.read(root)
  local sections, hidden, entries = {}, {}, {}
  for _, blocks in ipairs(all_blocks(root)) do
    for i, block in ipairs(blocks) do
      local section = section_of(block, i == 1)
      if section and section.public then
        table.insert(sections, section)
      elseif section then
        hidden[section.name] = true
      elseif head_of(block[1]) then
        table.insert(entries, entry_of(block))
      end
    end
  end
  for _, entry in ipairs(entries) do
    local section = owner_of(sections, entry)
    if section then table.insert(section.entries, entry) end
  end
  table.sort(sections, comes_before)
  return sections, hidden
end

-- -- text ----------------------------------------------------------------------------------------

local function row_of(line, indent)
  local names, text = line:match("^" .. (" "):rep(indent) .. "([%a_][%w_, ]-)%s%s+(%S.*)$")
  if not names then
    names = line:match("^" .. (" "):rep(indent) .. "([%a_][%w_]*)$")
    text = names and ""
  end
  if not names then return nil end
  local row = { names = {}, text = text }
  for name in names:gmatch "[%w_]+" do table.insert(row.names, name) end
  return row
end

local function rows_of(lines, indent)
  local rows = {}
  for _, line in ipairs(lines) do
    local row = row_of(line, indent)
    if row then
      table.insert(rows, row)
    elseif line ~= "" then
      rows[#rows].text = rows[#rows].text .. " " .. line:match "^%s*(.*)$"
    end
  end
  return rows
end

local function indent_of(lines)
  for _, line in ipairs(lines) do
    if line ~= "" then return #line:match "^ *" end
  end
end

-- What is indented from line `at` on, and the line behind it.
local function take_indented(text, at)
  local lines = {}
  while text[at] and (text[at] == "" or text[at]:find "^  ") do
    table.insert(lines, text[at])
    at = at + 1
  end
  while lines[#lines] == "" do table.remove(lines) end
  return lines, at
end

local function indented_piece(lines, heading)
  local indent = indent_of(lines)
  local name = heading and heading:match "^(%a+)[^.]*:$"
  if name == "Options" or name == "Fields" then
    return { kind = name:lower(), rows = rows_of(lines, indent) }
  end
  for i, line in ipairs(lines) do lines[i] = line:sub(indent + 1) end
  local code = table.concat(lines, "\n")
  return { kind = load(code) and "lua" or "verbatim", text = code }
end

-- What begins at line `at`, in place of its heading if that is nothing else; the line behind it.
local function add_indented(pieces, text, at)
  local last = pieces[#pieces]
  local lines, behind = take_indented(text, at)
  local piece = indented_piece(lines, last and last.text)
  if piece.rows and last.text:find "^%a+:$" then table.remove(pieces) end
  table.insert(pieces, piece)
  return behind
end

--- comments.pieces(text) -> list of { kind, text } and { kind, rows }
-- Kinds: "paragraph"; "options" and "fields", with rows of { names, text }; "lua" and "verbatim".
function comments.pieces(text)
  local pieces, paragraph, at = {}, {}, 1
  local function close()
    if #paragraph > 0 then
      table.insert(pieces, { kind = "paragraph", text = table.concat(paragraph, " ") })
    end
    paragraph = {}
  end
  while at <= #text do
    local line = text[at]
    if line:find "^  +%S" then
      close()
      at = add_indented(pieces, text, at)
    else
      if line == "" then close() else table.insert(paragraph, line) end
      at = at + 1
    end
  end
  close()
  return pieces
end

return comments
