-- rille.compress: whole strings, streams, limits, bad input.

local compress = require "rille.compress"
local failure = require "spec.support.failure"
local rille = require "rille"

local LEVELS = { gzip = { 1, 9 }, br = { 0, 11 }, zstd = { 1, 19 } }

local TEXTS = {
  ["nothing"] = "",
  ["a byte"] = "x",
  ["a page"] = ("<li>some item</li>\n"):rep(500),
  ["a megabyte"] = ("0123456789abcdef"):rep(65536),
}
do
  local noise = {}
  for i = 1, 300000 do noise[i] = string.char(math.random(0, 255)) end
  TEXTS["noise"] = table.concat(noise)
end

for coding, levels in pairs(LEVELS) do
  describe(coding, function()
    for name, text in pairs(TEXTS) do
      it("brings back " .. name, function()
        assert.is_true(text == compress.decode(compress.encode(text, coding), coding))
      end)
    end

    it("takes its levels and names them", function()
      local text = TEXTS["a page"]
      for level = levels[1], levels[2] do
        assert.equal(text, compress.decode(compress.encode(text, coding, level), coding))
      end
      local range = ("the level of %s is from %d to %d"):format(coding, levels[1], levels[2])
      assert.matches(range, failure(compress.encode, "", coding, levels[2] + 1))
      assert.matches(range, failure(compress.encoder, coding, levels[1] - 1))
    end)

    it("streams, in pieces of any size", function()
      for _, size in ipairs { 1, 23, 5000 } do
        local text = TEXTS["a page"]
        local encoder, decoder = compress.encoder(coding), compress.decoder(coding)
        local got = {}
        for from = 1, #text, size do
          local bytes = encoder:feed(text:sub(from, from + size - 1))
          got[#got + 1] = assert(decoder:feed(bytes))
        end
        got[#got + 1] = assert(decoder:feed(encoder:finish()))
        assert.is_true(decoder:finish())
        assert.is_true(text == table.concat(got))
      end
    end)

    it("decodes a byte at a time", function()
      local bytes, decoder = compress.encode(TEXTS["a page"], coding), compress.decoder(coding)
      local got = {}
      for i = 1, #bytes do got[i] = assert(decoder:feed(bytes:sub(i, i))) end
      assert.is_true(decoder:finish())
      assert.is_true(TEXTS["a page"] == table.concat(got))
    end)

    it("can be read at the other end after a flush", function()
      local encoder, decoder = compress.encoder(coding), compress.decoder(coding)
      for i = 1, 5 do
        assert.equal("event " .. i, decoder:feed(encoder:feed("event " .. i, true)))
      end
      assert.equal("", decoder:feed(encoder:finish()))
      assert.is_true(decoder:finish())
    end)

    it("notices every cut", function()
      local bytes = compress.encode("some text that is long enough to be cut", coding)
      for size = 0, #bytes - 1 do
        assert.same({ nil, "truncated" }, { compress.decode(bytes:sub(1, size), coding) })
      end
      local decoder = compress.decoder(coding)
      decoder:feed(bytes:sub(1, -2))
      assert.same({ nil, "truncated" }, { decoder:finish() })
    end)

    it("refuses what is not of its kind, and what follows the end", function()
      assert.same({ nil, "malformed" }, { compress.decode(("\xff"):rep(64), coding) })
      local bytes = compress.encode("text", coding)
      assert.same({ nil, "malformed" }, { compress.decode(bytes .. "more", coding) })
    end)

    it("survives every byte changed", function()
      local bytes = compress.encode(TEXTS["a page"], coding)
      for i = 1, #bytes do
        for bit = 0, 7 do
          local changed = string.char(bytes:byte(i) ~ (1 << bit))
          compress.decode(bytes:sub(1, i - 1) .. changed .. bytes:sub(i + 1), coding, 20000)
        end
      end
    end)

    it("stops a bomb at the limit", function()
      local encoder, bytes = compress.encoder(coding), {}
      local zeros = ("\0"):rep(1 << 20)
      for i = 1, 32 do bytes[i] = encoder:feed(zeros) end
      bytes[#bytes + 1] = encoder:finish()
      local bomb = table.concat(bytes)
      assert.is_true(#bomb < 100000)
      assert.same({ nil, "too large" }, { compress.decode(bomb, coding) })
      assert.same({ nil, "too large" }, { compress.decode(bomb, coding, 0) })
      local decoder = compress.decoder(coding, 1000)
      assert.same({ nil, "too large" }, { decoder:feed(bomb) })
      assert.matches("the stream is over", failure(decoder.feed, decoder, ""))
    end)

    it("takes what is exactly as large as the limit", function()
      local bytes = compress.encode(("x"):rep(1000), coding)
      assert.equal(1000, #compress.decode(bytes, coding, 1000))
      assert.same({ nil, "too large" }, { compress.decode(bytes, coding, 999) })
    end)

    it("is over after the end", function()
      local encoder = compress.encoder(coding)
      encoder:finish()
      assert.matches("the stream is over", failure(encoder.feed, encoder, ""))
      assert.matches("the stream is over", failure(encoder.finish, encoder))
    end)

    it("compresses on another domain", function()
      local text = TEXTS["a megabyte"]
      local bytes = rille.detach(compress.encode, text, coding)
      assert.is_true(text == compress.decode(bytes, coding))
    end)
  end)
end

describe("compress", function()
  it("names an unknown coding", function()
    assert.matches('unknown coding "deflate"', failure(compress.encode, "", "deflate"))
    assert.matches('unknown coding ""', failure(compress.decoder, ""))
  end)

  it("says what it has", function()
    assert.is_true(compress.has "gzip" and compress.has "br" and compress.has "zstd")
    assert.is_false(compress.has "identity")
  end)
end)
