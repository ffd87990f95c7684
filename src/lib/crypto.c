/* rille.crypto: digests, random bytes, base64, AES-256-GCM, and keys that seal and sign what a
 * client keeps for us. Bytes are strings. None of these functions suspends; all may be called on
 * any domain. Over OpenSSL; in a build without it, requiring this is an error that says so. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "codec/base64.h"
#include "codec/cipher.h"
#include "codec/keys.h"
#include "lib/modules.h"

#define KEYS   "rille.crypto.keys"
#define DIGEST "rille.crypto.digest"
#define KIT    "rille.crypto.kit"

static struct rl_slice check_slice(lua_State *L, int arg) {
  struct rl_slice slice;
  slice.bytes = luaL_checklstring(L, arg, &slice.size);
  return slice;
}

/* OpenSSL fails for want of memory, or of randomness, which the kernel always has. */
static int check_done(lua_State *L, int status) {
  return status == 0 ? 0 : luaL_error(L, "not enough memory");
}

/* Upvalue: a box for the state's kit, which is made at its first use. */
static struct rl_cipher_kit *kit_of(lua_State *L) {
  struct rl_cipher_kit **box = lua_touserdata(L, lua_upvalueindex(1));
  if (!*box && !(*box = rl_cipher_kit_new()))
    luaL_error(L, "not enough memory");
  return *box;
}

static int kit_collect(lua_State *L) {
  struct rl_cipher_kit **box = luaL_checkudata(L, 1, KIT);
  rl_cipher_kit_free(*box);
  *box = NULL;
  return 0;
}

/* -- digests and random bytes --------------------------------------------------------------- */

/* crypto.random(n) -> bytes: n random ones, for keys and tokens; n from 1 to 1048576. */
static int random_bytes(lua_State *L) {
  lua_Integer count = luaL_checkinteger(L, 1);
  luaL_argcheck(L, count >= 1 && count <= 1 << 20, 1, "n must be from 1 to 1048576");
  luaL_Buffer buffer;
  char *bytes = luaL_buffinitsize(L, &buffer, (size_t)count);
  check_done(L, rl_cipher_random(bytes, (size_t)count));
  luaL_pushresultsize(&buffer, (size_t)count);
  return 1;
}

/* crypto.sha256(text) -> bytes: the 32 of its digest. */
static int sha256(lua_State *L) {
  unsigned char digest[RL_SHA256_SIZE];
  check_done(L, rl_cipher_sha256(check_slice(L, 1), digest));
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/* The type digest of rille.crypto: the SHA-256 of what comes piece by piece. It stays in its
 * domain; nothing of it suspends. */

/* crypto.digest() -> digest: SHA-256 of what comes piece by piece. */
static int new_digest(lua_State *L) {
  struct rl_cipher_digest **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, DIGEST);
  *box = rl_cipher_digest_new();
  return *box ? 1 : luaL_error(L, "not enough memory");
}

static struct rl_cipher_digest **check_digest(lua_State *L) {
  struct rl_cipher_digest **box = luaL_checkudata(L, 1, DIGEST);
  luaL_argcheck(L, *box, 1, "the digest is finished");
  return box;
}

static int digest_collect(lua_State *L) {
  struct rl_cipher_digest **box = luaL_checkudata(L, 1, DIGEST);
  rl_cipher_digest_free(*box);
  *box = NULL;
  return 0;
}

/* digest:feed(text) -> digest: the same one, so that calls can be chained. */
static int digest_feed(lua_State *L) {
  struct rl_cipher_digest **box = check_digest(L);
  check_done(L, rl_cipher_digest_feed(*box, check_slice(L, 2)));
  lua_settop(L, 1);
  return 1;
}

/* digest:finish() -> bytes: the 32 of the digest, which is then at its end. */
static int digest_finish(lua_State *L) {
  unsigned char bytes[RL_SHA256_SIZE];
  check_done(L, rl_cipher_digest_finish(*check_digest(L), bytes));
  digest_collect(L);
  lua_pushlstring(L, (const char *)bytes, sizeof bytes);
  return 1;
}

/* crypto.sha1(text) -> bytes: 20, for protocols that ask for it; not to protect anything. */
static int sha1(lua_State *L) {
  unsigned char digest[RL_SHA1_SIZE];
  check_done(L, rl_cipher_sha1(check_slice(L, 1), digest));
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/* crypto.hmac(key, text) -> bytes: 32, of HMAC-SHA-256. */
static int hmac(lua_State *L) {
  unsigned char mac[RL_SHA256_SIZE];
  check_done(L, rl_cipher_hmac(kit_of(L), check_slice(L, 1), check_slice(L, 2), mac));
  lua_pushlstring(L, (const char *)mac, sizeof mac);
  return 1;
}

/* crypto.equal(a, b) -> boolean
 *
 * Compares a secret with what somebody sent, in a time that tells nothing but their lengths. */
static int equal(lua_State *L) {
  struct rl_slice a = check_slice(L, 1), b = check_slice(L, 2);
  lua_pushboolean(L, a.size == b.size && rl_cipher_equal(a.bytes, b.bytes, a.size));
  return 1;
}

/* -- bytes as text -------------------------------------------------------------------------- */

static void push_encoded(lua_State *L, struct rl_slice bytes, enum rl_base64 alphabet) {
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, rl_base64_size(bytes.size, alphabet));
  luaL_pushresultsize(&buffer, rl_base64_encode(bytes, alphabet, text));
}

static int push_decoded(lua_State *L, enum rl_base64 alphabet) {
  struct rl_slice text = check_slice(L, 1);
  luaL_Buffer buffer;
  char *bytes = luaL_buffinitsize(L, &buffer, text.size / 4 * 3 + 2);
  size_t size = rl_base64_decode(text, alphabet, (unsigned char *)bytes);
  if (size == RL_BASE64_BAD)
    luaL_pushfail(L);
  else
    luaL_pushresultsize(&buffer, size);
  return 1;
}

/* crypto.base64(bytes) -> text: with its padding. */
static int to_base64(lua_State *L) {
  push_encoded(L, check_slice(L, 1), RL_BASE64_PLAIN);
  return 1;
}

/* crypto.base64url(bytes) -> text: without padding, for URLs, cookies, names of files. */
static int to_base64url(lua_State *L) {
  push_encoded(L, check_slice(L, 1), RL_BASE64_URL);
  return 1;
}

/* crypto.unbase64(text) -> bytes | nil: nil if it is not exactly what base64 makes. */
static int from_base64(lua_State *L) {
  return push_decoded(L, RL_BASE64_PLAIN);
}

/* crypto.unbase64url(text) -> bytes | nil: nil if it is not exactly what base64url makes. */
static int from_base64url(lua_State *L) {
  return push_decoded(L, RL_BASE64_URL);
}

/* crypto.hex(bytes) -> text: in small letters. */
static int to_hex(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  struct rl_slice bytes = check_slice(L, 1);
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, bytes.size * 2);
  for (size_t i = 0; i < bytes.size; i++) {
    text[2 * i] = digits[(unsigned char)bytes.bytes[i] >> 4];
    text[2 * i + 1] = digits[(unsigned char)bytes.bytes[i] & 15];
  }
  luaL_pushresultsize(&buffer, bytes.size * 2);
  return 1;
}

/* -- AES-256-GCM ---------------------------------------------------------------------------- */

static struct rl_cipher check_cipher(lua_State *L) {
  struct rl_slice key = check_slice(L, 1), nonce = check_slice(L, 2);
  luaL_argcheck(L, key.size == RL_CIPHER_KEY, 1, "the key must have 32 bytes");
  luaL_argcheck(L, nonce.size == RL_CIPHER_NONCE, 2, "the nonce must have 12 bytes");
  struct rl_slice context = {"", 0};
  if (!lua_isnoneornil(L, 4))
    context = check_slice(L, 4);
  return (struct rl_cipher){(const unsigned char *)key.bytes, (const unsigned char *)nonce.bytes,
                            context};
}

/* crypto.seal(key, nonce, text [, context]) -> bytes
 *
 * The encrypted text and its tag of 16 bytes: AES-256-GCM as others speak it. The key has 32 bytes,
 * the nonce 12. A nonce must never be used twice with one key, and whoever opens needs the same
 * context: crypto.keys takes care of all that. */
static int gcm_seal(lua_State *L) {
  struct rl_cipher cipher = check_cipher(L);
  struct rl_slice text = check_slice(L, 3);
  luaL_Buffer buffer;
  char *sealed = luaL_buffinitsize(L, &buffer, text.size + RL_CIPHER_TAG);
  check_done(L, rl_cipher_seal(kit_of(L), &cipher, text, (unsigned char *)sealed));
  luaL_pushresultsize(&buffer, text.size + RL_CIPHER_TAG);
  return 1;
}

/* crypto.open(key, nonce, sealed [, context]) -> text | nil, "forged": undoes crypto.seal. */
static int gcm_open(lua_State *L) {
  struct rl_cipher cipher = check_cipher(L);
  struct rl_slice sealed = check_slice(L, 3);
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, sealed.size);
  int status = rl_cipher_open(kit_of(L), &cipher, sealed, (unsigned char *)text);
  if (status == RL_CIPHER_FORGED) {
    luaL_pushfail(L);
    lua_pushliteral(L, "forged");
    return 2;
  }
  check_done(L, status);
  luaL_pushresultsize(&buffer, sealed.size - RL_CIPHER_TAG);
  return 1;
}

/* -- keys ----------------------------------------------------------------------------------- */

/* The type keys of rille.crypto: what seals and signs. It stays in its domain; nothing of it
 * suspends. */

/* crypto.keys(secret, ...) -> keys
 *
 * Of one to eight secrets of at least 32 bytes, the newest first: that one seals and signs, the
 * others still open what they sealed. So to change a secret, put the new one in front, and take the
 * old one away when its last token has ended. Keys stay in their domain. */
static int new_keys(lua_State *L) {
  int count = lua_gettop(L);
  luaL_checkstring(L, 1);
  luaL_argcheck(L, count <= RL_KEYS_MOST, RL_KEYS_MOST + 1, "at most eight secrets");
  struct rl_keys *keys = lua_newuserdatauv(L, sizeof *keys, 0);
  keys->count = 0;
  luaL_setmetatable(L, KEYS);
  for (int i = 1; i <= count; i++) {
    struct rl_slice secret = check_slice(L, i);
    luaL_argcheck(L, secret.size >= RL_KEYS_LEAST, i, "a secret must have at least 32 bytes");
    check_done(L, rl_keys_add(keys, kit_of(L), secret));
  }
  return 1;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static struct rl_keys *check_keys(lua_State *L) {
  struct rl_keys *keys = luaL_checkudata(L, 1, KEYS);
  luaL_argcheck(L, keys->count > 0, 1, "the keys are gone");
  return keys;
}

static struct rl_slice check_purpose(lua_State *L) {
  struct rl_slice purpose = check_slice(L, 2);
  luaL_argcheck(L, purpose.size <= RL_KEYS_PURPOSE, 2, "the purpose is longer than 200 bytes");
  return purpose;
}

static uint64_t check_end(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg))
    return 0;
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, seconds > 0 && seconds <= 1e11, arg, "seconds out of range");
  return now() + (uint64_t)ceil(seconds * 1000);
}

static int make(lua_State *L, rl_keys_make *made, size_t more) {
  struct rl_keys *keys = check_keys(L);
  struct rl_keys_use use = {check_purpose(L), check_end(L, 4)};
  struct rl_slice text = check_slice(L, 3);
  unsigned char *token = lua_newuserdatauv(L, text.size + more, 0);
  check_done(L, made(keys, kit_of(L), &use, text, token));
  push_encoded(L, (struct rl_slice){(const char *)token, text.size + more}, RL_BASE64_URL);
  return 1;
}

/* keys:seal(purpose, text [, seconds]) -> token
 *
 * A token, of letters, digits, "-" and "_", in which nobody else can read the text or change it. It
 * opens for the same purpose only (a name such as "session"), and for so many seconds, if given. */
static int keys_seal(lua_State *L) {
  return make(L, rl_keys_seal, RL_KEYS_SEALED_MORE);
}

/* keys:sign(purpose, text [, seconds]) -> token
 *
 * As keys:seal, but who has the token can read the text in it. */
static int keys_sign(lua_State *L) {
  return make(L, rl_keys_sign, RL_KEYS_SIGNED_MORE);
}

/* [keys, purpose, token] -> [.., bytes]: what the token stands for; NULL if it is no base64url. */
static unsigned char *decode_token(lua_State *L, size_t *size) {
  struct rl_slice token = check_slice(L, 3);
  unsigned char *bytes = lua_newuserdatauv(L, token.size / 4 * 3 + 2, 0);
  *size = rl_base64_decode(token, RL_BASE64_URL, bytes);
  return *size == RL_BASE64_BAD ? NULL : bytes;
}

static int push_text(lua_State *L, int status, struct rl_slice text) {
  if (status == -1)
    return check_done(L, status);
  if (status == 0) {
    lua_pushlstring(L, text.bytes, text.size);
    return 1;
  }
  luaL_pushfail(L);
  lua_pushstring(L, status == RL_KEYS_OVER ? "expired" : "forged");
  return 2;
}

static int take(lua_State *L, rl_keys_take *taken) {
  struct rl_keys *keys = check_keys(L);
  struct rl_keys_use use = {check_purpose(L), now()};
  struct rl_slice text = {NULL, 0};
  size_t size;
  unsigned char *token = decode_token(L, &size);
  int status = token ? taken(keys, kit_of(L), &use, token, size, &text) : RL_CIPHER_FORGED;
  return push_text(L, status, text);
}

/* keys:open(purpose, token) -> text | nil, "forged" | nil, "expired"
 *
 * What was sealed. "forged" also when its key or its purpose is another. */
static int keys_open(lua_State *L) {
  return take(L, rl_keys_open);
}

/* keys:verify(purpose, token) -> text | nil, "forged" | nil, "expired": what was signed. */
static int keys_verify(lua_State *L) {
  return take(L, rl_keys_verify);
}

static int keys_collect(lua_State *L) {
  rl_cipher_wipe(luaL_checkudata(L, 1, KEYS), sizeof(struct rl_keys));
  return 0;
}

/* -- the module ---------------------------------------------------------------------------- */

static const luaL_Reg keys_methods[] = {
    {"seal", keys_seal},     {"open", keys_open}, {"sign", keys_sign},
    {"verify", keys_verify}, {NULL, NULL},
};

static const luaL_Reg digest_methods[] = {
    {"feed", digest_feed}, {"finish", digest_finish}, {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"random", random_bytes},
    {"sha256", sha256},
    {"digest", new_digest},
    {"sha1", sha1},
    {"hmac", hmac},
    {"equal", equal},
    {"hex", to_hex},
    {"base64", to_base64},
    {"unbase64", from_base64},
    {"base64url", to_base64url},
    {"unbase64url", from_base64url},
    {"seal", gcm_seal},
    {"open", gcm_open},
    {"keys", new_keys},
    {NULL, NULL},
};

/* [kit] -> [kit] */
static void new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                     lua_CFunction collect) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  lua_pushvalue(L, -3);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

/* [] -> [kit] */
static void new_kit(lua_State *L) {
  struct rl_cipher_kit **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_newmetatable(L, KIT);
  lua_pushcfunction(L, kit_collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
}

int luaopen_rille_crypto(lua_State *L) {
  luaL_newlibtable(L, functions);
  new_kit(L);
  new_type(L, KEYS, keys_methods, keys_collect);
  new_type(L, DIGEST, digest_methods, digest_collect);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
