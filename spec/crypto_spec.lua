-- rille.crypto: digests, base64, AES-256-GCM, keys.

local crypto = require "rille.crypto"
local failure = require "spec.support.failure"
local rille = require "rille"

local function bytes(hex)
  return (hex:gsub("%s", ""):gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

local SECRET, OLDER = ("s"):rep(32), ("o"):rep(40)

describe("digests", function()
  it("are those of FIPS 180", function()
    assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", crypto.hex(crypto.sha1 "abc"))
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      crypto.hex(crypto.sha256 "abc"))
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      crypto.hex(crypto.sha256 ""))
  end)

  it("digests what comes piece by piece, to the same", function()
    local text = ("0123456789"):rep(1000)
    local digest = crypto.digest()
    for i = 1, #text, 777 do digest:feed(text:sub(i, i + 776)) end
    assert.equal(crypto.hex(crypto.sha256(text)), crypto.hex(digest:finish()))
    assert.equal(crypto.sha256 "", crypto.digest():finish())
    assert.equal(crypto.sha256 "ab", crypto.digest():feed("a"):feed("b"):finish())
    for _, name in ipairs { "feed", "finish" } do
      local ok, message = pcall(function() digest[name](digest, "x") end)
      assert.is_false(ok)
      assert.matches("the digest is finished", message)
    end
  end)

  -- RFC 4231, 4.2 to 4.8, but for the truncated one.
  local cases = {
    { bytes(("0b"):rep(20)), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { bytes(("aa"):rep(20)), bytes(("dd"):rep(50)),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { bytes "0102030405060708090a0b0c0d0e0f10111213141516171819", bytes(("cd"):rep(50)),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { bytes(("aa"):rep(131)), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { bytes(("aa"):rep(131)),
      "This is a test using a larger than block-size key and a larger than block-size data. " ..
      "The key needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
  }
  for i, case in ipairs(cases) do
    it("HMAC-SHA-256 is that of RFC 4231, case " .. i, function()
      assert.equal(case[3], crypto.hex(crypto.hmac(case[1], case[2])))
    end)
  end
end)

describe("random", function()
  it("gives as many bytes as asked for, others each time", function()
    assert.equal(33, #crypto.random(33))
    assert.are_not.equal(crypto.random(16), crypto.random(16))
  end)

  it("refuses none and far too many", function()
    assert.matches("n must be from 1 to", failure(crypto.random, 0))
    assert.matches("n must be from 1 to", failure(crypto.random, 2 ^ 40 // 1))
  end)
end)

describe("equal", function()
  it("compares", function()
    assert.is_true(crypto.equal("", ""))
    assert.is_true(crypto.equal("abc", "abc"))
    assert.is_false(crypto.equal("abc", "abd"))
    assert.is_false(crypto.equal("abc", "ab"))
  end)
end)

describe("base64", function()
  it("is that of RFC 4648", function()
    local vectors = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" }
    for plain, text in pairs(vectors) do
      assert.equal(text, crypto.base64(plain))
      assert.equal(plain, crypto.unbase64(text))
      assert.equal((text:gsub("=", "")), crypto.base64url(plain))
      assert.equal(plain, crypto.unbase64url((text:gsub("=", ""))))
    end
  end)

  it("has two alphabets", function()
    assert.equal("+/+/", crypto.base64(bytes "fbffbf"))
    assert.equal("-_-_", crypto.base64url(bytes "fbffbf"))
    assert.is_nil(crypto.unbase64 "-_-_")
    assert.is_nil(crypto.unbase64url "+/+/")
  end)

  it("brings every byte back", function()
    for size = 0, 100 do
      local text = crypto.random(size + 1)
      assert.equal(text, crypto.unbase64(crypto.base64(text)))
      assert.equal(text, crypto.unbase64url(crypto.base64url(text)))
    end
  end)

  it("takes one text for each value only", function()
    local malformed = { "Zg", "Zg=", "Zh==", "Z===", "Zm9v====", "Zm 9", "=", "Zg==Zg==", "Zm9" }
    for _, text in ipairs(malformed) do
      assert.is_nil(crypto.unbase64(text), text)
    end
    for _, text in ipairs { "Z", "Zh", "Zg==", "Zm9=", "Zm9v\n", "Zm\0v" } do
      assert.is_nil(crypto.unbase64url(text), text)
    end
  end)
end)

describe("AES-256-GCM", function()
  local key = bytes "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
  local nonce = bytes "cafebabefacedbaddecaf888"
  local text = bytes [[d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                       1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39]]
  local context = bytes "feedfacedeadbeeffeedfacedeadbeefabaddad2"

  -- The GCM specification's test cases 13, 14 and 16.
  it("is that of the published vectors", function()
    local zeros, none = ("\0"):rep(32), ("\0"):rep(12)
    assert.equal("530f8afbc74536b9a963b4f1c4cb738b", crypto.hex(crypto.seal(zeros, none, "")))
    assert.equal("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
      crypto.hex(crypto.seal(zeros, none, ("\0"):rep(16))))
    assert.equal("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" ..
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" ..
      "76fc6ece0f4e1768cddf8853bb2d551b", crypto.hex(crypto.seal(key, nonce, text, context)))
  end)

  it("opens what it sealed, and nothing else", function()
    local sealed = crypto.seal(key, nonce, text, context)
    assert.equal(text, crypto.open(key, nonce, sealed, context))
    assert.same({ nil, "forged" }, { crypto.open(key, nonce, sealed, "other") })
    assert.same({ nil, "forged" }, { crypto.open(key, ("n"):rep(12), sealed, context) })
    assert.same({ nil, "forged" }, { crypto.open(("k"):rep(32), nonce, sealed, context) })
    for i = 1, #sealed do
      local changed = sealed:sub(1, i - 1) .. string.char(sealed:byte(i) ~ 1) .. sealed:sub(i + 1)
      assert.is_nil(crypto.open(key, nonce, changed, context))
      assert.is_nil(crypto.open(key, nonce, sealed:sub(1, i - 1), context))
    end
  end)

  it("names a key or nonce of the wrong size", function()
    assert.matches("the key must have 32 bytes", failure(crypto.seal, "short", nonce, text))
    assert.matches("the nonce must have 12 bytes", failure(crypto.open, key, "short", text))
  end)
end)

for _, way in ipairs { { "seal", "open" }, { "sign", "verify" } } do
  describe("keys:" .. way[1], function()
    local keys = crypto.keys(SECRET)
    local function make(k, ...) return k[way[1]](k, ...) end
    local function read(k, ...) return k[way[2]](k, ...) end

    it("makes tokens that a cookie may hold and that give the text back", function()
      for _, text in ipairs { "", "x", "a; b=c\0\255", ("long"):rep(1000) } do
        local token = make(keys, "purpose", text)
        assert.matches("^[%w_-]+$", token)
        assert.equal(text, read(keys, "purpose", token))
      end
    end)

    it("binds them to their purpose", function()
      local token = make(keys, "session", "x")
      assert.same({ nil, "forged" }, { read(keys, "reset", token) })
      assert.same({ nil, "forged" }, { read(keys, "session\0", token) })
      assert.same({ nil, "forged" }, { read(keys, "", token) })
    end)

    it("notices every change and every cut", function()
      local token = make(keys, "p", "some text")
      for i = 1, #token do
        local letter = token:sub(i, i) == "A" and "B" or "A"
        assert.is_nil(read(keys, "p", token:sub(1, i - 1) .. letter .. token:sub(i + 1)))
        assert.is_nil(read(keys, "p", token:sub(1, i - 1)))
      end
      assert.is_nil(read(keys, "p", token .. "A"))
      assert.is_nil(read(keys, "p", token .. "AAAA"))
    end)

    it("refuses the tokens of other secrets", function()
      assert.is_nil(read(crypto.keys(OLDER), "p", make(keys, "p", "x")))
    end)

    it("reads the tokens of older secrets, and makes new ones with the newest", function()
      local token = make(crypto.keys(OLDER), "p", "x")
      local both = crypto.keys(SECRET, OLDER)
      assert.equal("x", read(both, "p", token))
      assert.equal("y", read(keys, "p", make(both, "p", "y")))
    end)

    it("lets them end", function()
      local token = make(keys, "p", "x", 0.05)
      assert.equal("x", read(keys, "p", token))
      rille.sleep(0.08)
      assert.same({ nil, "expired" }, { read(keys, "p", token) })
    end)

    it("refuses the other kind of token", function()
      local other = way[1] == "seal" and keys:sign("p", "x") or keys:seal("p", "x")
      assert.same({ nil, "forged" }, { read(keys, "p", other) })
    end)

    it("names what is wrong with its arguments", function()
      assert.matches("the purpose is longer", failure(make, keys, ("p"):rep(201), "x"))
      assert.matches("seconds out of range", failure(make, keys, "p", "x", 0))
      assert.matches("seconds out of range", failure(make, keys, "p", "x", 0 / 0))
    end)
  end)
end

describe("keys", function()
  it("differ from one sealed token to the next", function()
    local keys = crypto.keys(SECRET)
    assert.are_not.equal(keys:seal("p", "x"), keys:seal("p", "x"))
  end)

  it("want long secrets, and not too many", function()
    assert.matches("#2.*at least 32 bytes", failure(crypto.keys, SECRET, "short"))
    local many = {}
    for i = 1, 9 do many[i] = SECRET end
    assert.matches("at most eight", failure(crypto.keys, table.unpack(many)))
  end)

  it("stay in their domain", function()
    local keys = crypto.keys(SECRET)
    assert.matches("cannot leave its domain", failure(rille.detach, print, keys))
  end)
end)
