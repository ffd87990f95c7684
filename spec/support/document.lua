--- Document: the code blocks of a Markdown file, and what its console blocks ask for.
--
--     ```lua          a piece of a program
--     ```console      behind it: `$ curl ...` lines, each with what comes back
--
-- Comments in the lines before a block are its note: <!-- compiled only: why -->, and
-- <!-- file: NAME --> for what belongs into a file of that name.
--
-- curl takes -i, -N, -X METHOD, -H 'Name: value', -d DATA and -F 'name=value;filename=...'. Behind
-- -i the status and the headers that are shown must be there, and the body if one is shown. JSON is
-- compared as what it means; "..." at the end stands for anything.

local document = {}

--- document.blocks(path) -> list of { language, text, line (of its first line), note }
function document.blocks(path)
  local blocks, block = {}, nil
  local number, note = 0, nil
  for line in io.lines(path) do
    number = number + 1
    local fence = line:match "^```(.*)$"
    if block and fence then
      block.text = table.concat(block, "\n")
      table.insert(blocks, block)
      block = nil
    elseif fence then
      block = { language = fence, line = number + 1, note = note }
    elseif block then
      table.insert(block, line)
    end
    local said = not block and line:match "^<!%-%- (.*) %-%->$"
    note = said and (note and note .. "\n" .. said or said) or nil
  end
  return blocks
end

-- As GitHub does it.
local function anchor_of(heading)
  local text = heading:gsub("`", ""):gsub("%[([^%]]*)%]%([^%)]*%)", "%1"):lower()
  return (text:gsub("[^%w_ \x80-\xff-]", ""):gsub(" ", "-"))
end

local function is_outside_code(inside, line)
  if line:find "^```" then inside.code = not inside.code end
  return not inside.code
end

--- document.anchors(path) -> set of what a link may point to in it.
function document.anchors(path)
  local anchors, inside = {}, {}
  for line in io.lines(path) do
    local heading = is_outside_code(inside, line) and line:match "^#+ (.*)$"
    local anchor = heading and anchor_of(heading)
    local number, plain = 0, anchor
    while anchor and anchors[anchor] do
      number = number + 1
      anchor = ("%s-%d"):format(plain, number)
    end
    if anchor then anchors[anchor] = true end
  end
  return anchors
end

--- document.links(path) -> list of { target, line }: those that lead to other places of the
-- repository.
function document.links(path)
  local links, inside, number = {}, {}, 0
  for line in io.lines(path) do
    number = number + 1
    local text = is_outside_code(inside, line) and line or ""
    for target in text:gmatch "%]%(([^%)%s]+)%)" do
      if not target:find "^%a+:" then table.insert(links, { target = target, line = number }) end
    end
  end
  return links
end

--- document.files(path) -> { [name] = text }: what its blocks say belongs into files.
function document.files(path)
  local files = {}
  for _, block in ipairs(document.blocks(path)) do
    local name = ("\n" .. (block.note or "")):match "\nfile: (%S+)"
    if name then files[name] = block.text .. "\n" end
  end
  return files
end

--- document.rows(path, name) -> list of lists: the table whose first column is called so.
function document.rows(path, name)
  local rows, inside = {}, false
  for line in io.lines(path) do
    local cells = {}
    for cell in line:gmatch "|%s*([^|]-)%s*%f[|]" do table.insert(cells, cell) end
    if cells[1] == name then
      inside = true
    elseif not cells[1] then
      inside = false
    elseif inside and not cells[1]:find "^%-" then
      table.insert(rows, cells)
    end
  end
  return rows
end

-- As a shell does it: words, some of them in quotes.
local function words_of(line)
  local words, at = {}, 1
  while at <= #line do
    local _, last, quote = line:find("^%s*(['\"]?)", at)
    local pattern = quote == "" and "^([^%s]*)()" or "^([^" .. quote .. "]*)" .. quote .. "()"
    local word, after = line:match(pattern, last + 1)
    assert(word, "a quote is not closed: " .. line)
    table.insert(words, word)
    at = after
  end
  return words
end

local function form_part(field)
  local name, value, filename = field:match "^([^=]+)=([^;]*);?f?i?l?e?n?a?m?e?=?(.*)$"
  local file = filename ~= "" and ('; filename="%s"'):format(filename) or ""
  return ('--part\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n')
    :format(name, file, value)
end

local CURL = {}

CURL["-i"] = function(request) request.head = true end
CURL["-N"] = function() end
CURL["-X"] = function(request, method) request.method = method return true end
CURL["-H"] = function(request, field)
  local name, value = field:match "^([^:]+): (.*)$"
  request.headers[name] = value
  return true
end
CURL["-d"] = function(request, data)
  request.body = data
  request.headers["Content-Type"] = "application/x-www-form-urlencoded"
  return true
end
CURL["-F"] = function(request, field)
  request.form = (request.form or "") .. form_part(field)
  request.body = request.form .. "--part--\r\n"
  request.headers["Content-Type"] = "multipart/form-data; boundary=part"
  return true
end

local function request_of(command)
  local request = { headers = { Host = "localhost:8080" } }
  local words = words_of(command)
  assert(words[1] == "curl", "not a command of this: " .. command)
  local at = 2
  while at <= #words do
    local option = CURL[words[at]]
    if option then
      at = at + (option(request, words[at + 1]) and 2 or 1)
    else
      request.path = assert(words[at]:match "^localhost:8080(/.*)$", words[at])
      at = at + 1
    end
  end
  return request
end

--- document.exchanges(block) -> list of { request, lines (that come back), line }
-- request: method, path, headers, body for app:inject; head, whether -i was given.
function document.exchanges(block)
  local exchanges = {}
  for i, line in ipairs(block) do
    local command = line:match "^%$ (.*)$"
    if command then
      table.insert(exchanges, { request = request_of(command), line = block.line + i - 1,
        lines = {} })
    else
      table.insert(exchanges[#exchanges].lines, line)
    end
  end
  return exchanges
end

return document
