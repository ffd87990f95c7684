-- A gallery of bitmaps (.bmp, 24 bits): thumbnails computed on domains, pictures as static files.
-- Usage: rille examples/gallery.lua [PORT [DIRECTORY]]; paints some if there is no such directory.

local http, lfs, rille = require "rille.http", require "lfs", require "rille"

--- A bitmap: pixel(x, y) gives blue, green and red; rows go from the bottom to the top.
local function bitmap(width, height, pixel)
  local rows, row = {}, {}
  for y = 1, height do
    for x = 1, width do row[x] = string.char(pixel(x - 1, y - 1)) end
    rows[y] = table.concat(row) .. ("\0"):rep(width % 4)
  end
  return string.pack("<c2I4I4I4I4i4i4I2I2I4I4i4i4I4I4", "BM", 54 + #rows[1] * height, 0, 54, 40,
    width, height, 1, 24, 0, 0, 2835, 2835, 0, 0) .. table.concat(rows)
end

--- The picture, at most so many pixels wide: each is the mean of a square.
local function thumbnail(path, most)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"
  local start, width, height, _, bits = string.unpack("<I4xxxxi4i4I2I2", text, 11)
  assert(bits == 24 and width > 0 and height > 0, "not a bitmap of 24 bits")
  local side, stride = (width + most - 1) // most, width * 3 + width % 4
  return bitmap(width // side, height // side, function(x, y)
    local blue, green, red = 0, 0, 0
    for i = 0, side * side - 1 do
      local at = start + (y * side + i // side) * stride + (x * side + i % side) * 3
      local b, g, r = text:byte(at + 1, at + 3)
      blue, green, red = blue + b, green + g, red + r
    end
    return blue // side ^ 2 | 0, green // side ^ 2 | 0, red // side ^ 2 | 0
  end)
end

local directory, thumbs, links = arg[2] or os.tmpname() .. ".gallery", {}, {}
if lfs.mkdir(directory) then
  for i = 1, 6 do
    local file <close> = assert(io.open(("%s/%d.bmp"):format(directory, i), "wb"))
    file:write(bitmap(300, 200, function(x, y) return (x ~ y) & 255, x * i & 255, y * i & 255 end))
  end
end
for name in lfs.dir(directory) do
  if name:find "^[%w_-]+%.bmp$" then
    local link = '<a href="/pictures/@"><img src="/thumbs/@" alt="@"></a>\n'
    thumbs[name], links[#links + 1] = false, link:gsub("@", name)
  end
end
table.sort(links)
local app = http.app():static("/pictures", directory)
app:get("/", function(_, res) res:html("<!DOCTYPE html>\n" .. table.concat(links)) end)
app:get("/thumbs/:name", function(req, res)
  local name = req.params.name
  if thumbs[name] == nil then error(http.error(404, "no such picture")) end
  thumbs[name] = thumbs[name] or rille.detach(thumbnail, directory .. "/" .. name, 120)
  res.headers["Content-Type"] = "image/bmp"
  return thumbs[name]
end)
print("listening on " .. app:listen({ port = tonumber(arg[1] or 8080) }):address())
io.stdout:flush()
