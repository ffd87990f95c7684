---@meta rille.crypto

-- Made by scripts/reference from the comments at the bindings.

---The SHA-256 of what comes piece by piece. It stays in its domain; nothing of it suspends.
---@class rille.crypto.digest
local digest = {}

---The same one, so that calls can be chained.
---@param text string
---@return rille.crypto.digest
function digest:feed(text) end

---The 32 of the digest, which is then at its end.
---@return string
function digest:finish() end

---What seals and signs. It stays in its domain; nothing of it suspends.
---@class rille.crypto.keys
local keys = {}

---A token, of letters, digits, "-" and "_", in which nobody else can read the text or change it. It opens for the same purpose only (a name such as "session"), and for so many seconds, if given.
---@param purpose string
---@param text string
---@param seconds? number
---@return string
function keys:seal(purpose, text, seconds) end

---As keys:seal, but who has the token can read the text in it.
---@param purpose string
---@param text string
---@param seconds? number
---@return string
function keys:sign(purpose, text, seconds) end

---What was sealed. "forged" also when its key or its purpose is another.
---@param purpose string
---@param token string
---@return string|nil
---@return nil|"forged"|"expired"
function keys:open(purpose, token) end

---What was signed.
---@param purpose string
---@param token string
---@return string|nil
---@return nil|"forged"|"expired"
function keys:verify(purpose, token) end

---Digests, random bytes, base64, AES-256-GCM, and keys that seal and sign what a client keeps for us. Bytes are strings. None of these functions suspends; all may be called on any domain. Over OpenSSL; in a build without it, requiring this is an error that says so.
---@class rille.crypto
local crypto = {}

---N random ones, for keys and tokens; n from 1 to 1048576.
---@param n integer
---@return string
function crypto.random(n) end

---The 32 of its digest.
---@param text string
---@return string
function crypto.sha256(text) end

---SHA-256 of what comes piece by piece.
---@return rille.crypto.digest
function crypto.digest() end

---20, for protocols that ask for it; not to protect anything.
---@param text string
---@return string
function crypto.sha1(text) end

---32, of HMAC-SHA-256.
---@param key string
---@param text string
---@return string
function crypto.hmac(key, text) end

---Compares a secret with what somebody sent, in a time that tells nothing but their lengths.
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b) end

---With its padding.
---@param bytes string
---@return string
function crypto.base64(bytes) end

---Without padding, for URLs, cookies, names of files.
---@param bytes string
---@return string
function crypto.base64url(bytes) end

---Nil if it is not exactly what base64 makes.
---@param text string
---@return string|nil
function crypto.unbase64(text) end

---Nil if it is not exactly what base64url makes.
---@param text string
---@return string|nil
function crypto.unbase64url(text) end

---In small letters.
---@param bytes string
---@return string
function crypto.hex(bytes) end

---The encrypted text and its tag of 16 bytes: AES-256-GCM as others speak it. The key has 32 bytes, the nonce 12. A nonce must never be used twice with one key, and whoever opens needs the same context: crypto.keys takes care of all that.
---@param key string
---@param nonce string
---@param text string
---@param context? string
---@return string
function crypto.seal(key, nonce, text, context) end

---Undoes crypto.seal.
---@param key string
---@param nonce string
---@param sealed string
---@param context? string
---@return string|nil
---@return nil|"forged"
function crypto.open(key, nonce, sealed, context) end

---Of one to eight secrets of at least 32 bytes, the newest first: that one seals and signs, the others still open what they sealed. So to change a secret, put the new one in front, and take the old one away when its last token has ended. Keys stay in their domain.
---@param secret string
---@param ... string
---@return rille.crypto.keys
function crypto.keys(secret, ...) end

return crypto
