-- A small REST service: notes in memory, with validation, paging and conditional requests.
-- Usage: rille examples/api.lua [PORT]; try curl -i localhost:8080/notes -d '{"title": "milk"}'

local http, json = require "rille.http", require "rille.json"

local app = http.app()
local notes, newest = {}, 0 -- the notes by id, and the last id that was given
local function refuse(status, answer) error(http.error(status, answer)) end

local function read_note(req)
  local given, wrong = req:json(), {}
  if type(given) ~= "table" then refuse(400, { error = "an object is expected" }) end
  if type(given.title) ~= "string" or given.title == "" then wrong.title = "must be a text" end
  if type(given.done or false) ~= "boolean" then wrong.done = "must be true or false" end
  if next(wrong) then refuse(400, { error = "this is no note", fields = wrong }) end
  return { title = given.title, done = given.done or false, revision = 1 }
end

local function tag(note) return ('"%d"'):format(note.revision) end
local function find(req)
  local note = notes[req.params.id] or refuse(404, { error = "there is no such note" })
  local seen = req.headers["If-Match"] or tag(note) -- the revision that the client means to change
  return seen == tag(note) and note or refuse(412, { error = "the note has changed" })
end
local function show(res, note)
  res.headers["ETag"] = tag(note)
  return note
end

app:get("/notes", function(req)
  local after, limit = math.tointeger(req.query.after or 0), math.tointeger(req.query.limit or 20)
  if not (after and limit and limit > 0) then refuse(400, { error = "bad after or limit" }) end
  local page, most = json.array {}, math.min(limit, 100)
  for id = math.max(0, math.min(after, newest)) + 1, newest do
    if #page == most then return { notes = page, next = "/notes?after=" .. id - 1 } end
    table.insert(page, notes[id])
  end
  return { notes = page }
end)

app:post("/notes", function(req, res)
  local note = read_note(req)
  newest = newest + 1
  note.id, notes[newest] = newest, note
  res.headers["Location"] = "/notes/" .. newest
  return 201, show(res, note)
end)
app:get("/notes/:id{int}", function(req, res) return show(res, find(req)) end)
app:put("/notes/:id{int}", function(req, res)
  local given, note = read_note(req), find(req) -- the body first, since reading it waits
  note.title, note.done, note.revision = given.title, given.done, note.revision + 1
  return show(res, note)
end)
app:delete("/notes/:id{int}", function(req) notes[find(req).id] = nil end)
app:not_found(function(_, res) return res.status, { error = "there is nothing here" } end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
