/* Wire: the byte form of packed values. It never leaves the process: numbers are in the machine's
 * order, lent strings and code are pointers, and only the lengths are distrusted (and fuzzed).
 *
 * A parcel is its values one after the other, then the bodies of what was deferred, in the order
 * in which it was mentioned. A value is a tag byte and what the tag says:
 *
 *   0x80 | n     the integer n, 0 to 127
 *   NIL FALSE TRUE
 *   INT1 i8      INT2 i16      INT4 i32      INT8 i64      FLOAT f64
 *   TEXT1 u8 bytes             TEXT4 u32 bytes             a string nobody refers to again
 *   SHORT u8 u32 bytes         one of at most 40 bytes, with its hash at the sender
 *   KEY slot u32 bytes         a string that later values may refer to
 *   LENT slot pointer u64      a long string that stays in the sender's state
 *   AGAIN1 u8    AGAIN4 u32    the object in that slot
 *   TABLE slot sizes fields    sizes: u32 n of the sequence, u32 m of the pairs; fields: n values,
 *                              then m keys and values
 *   CLASSED slot sizes fields metatable
 *   FINAL slot sizes fields metatable          the same, if that has __gc: it is set at the very
 *                              end, when it is complete, or Lua would not see the __gc
 *   MODEL slot sizes fields    a TABLE without a sequence, whose keys are short strings, which rows
 *                              follow
 *   ROW slot values            a table with the keys of the last MODEL: one value for each, in the
 *                              same order, none of them an object but strings
 *   LATER slot sizes           a table deferred; its body: one of the three without the slot
 *   GLOBALS                    the globals table
 *   NAMED slot u32 path        by name: module, key, key ..., each ended by a zero byte
 *   BARE slot u32              a function of code u32 of the parcel that captures nothing
 *   GLOBAL slot u32            one that captures _ENV and nothing else
 *   CLOSURE slot u32 captures  u8 n, then n captures
 *   LATER_CLOSURE slot u32     one deferred; its body: captures
 *   MADE slot u32 values       a userdata: u32 arguments, then the constructor and these
 *   SHARED slot u32            the handle of shared object u32 of the parcel
 *
 * and a capture is one of
 *
 *   ENV                        the globals as _ENV
 *   CELL u8 slot value         a captured variable, the u8-th of its function
 *   CELL_AGAIN u8 u32          the same variable as the u8-th of the function in slot u32
 *
 * A slot is a u32 that numbers the objects mentioned more than once, from 1, in the order of their
 * second mention, which is when the sender goes back and fills it in; until then it is 0. So an
 * object that is mentioned once costs the receiver nothing.
 *
 * Between a MODEL and its rows there is no NAMED, MADE or SHARED: nothing that runs code there.
 *
 * Nesting deeper than RL_WIRE_DEPTH is deferred, so that neither C's stack nor Lua's grows with
 * the depth of a structure; arguments of MADE nest a bit further, since they must be whole when
 * the constructor is called. */
#ifndef RL_VM_WIRE_H
#define RL_VM_WIRE_H

enum rl_wire_tag {
  RL_WIRE_NIL,
  RL_WIRE_FALSE,
  RL_WIRE_TRUE,
  RL_WIRE_INT1,
  RL_WIRE_INT2,
  RL_WIRE_INT4,
  RL_WIRE_INT8,
  RL_WIRE_FLOAT,
  RL_WIRE_TEXT1,
  RL_WIRE_TEXT4,
  RL_WIRE_SHORT,
  RL_WIRE_KEY,
  RL_WIRE_LENT,
  RL_WIRE_AGAIN1,
  RL_WIRE_AGAIN4,
  RL_WIRE_TABLE,
  RL_WIRE_CLASSED,
  RL_WIRE_FINAL,
  RL_WIRE_MODEL,
  RL_WIRE_ROW,
  RL_WIRE_LATER,
  RL_WIRE_GLOBALS,
  RL_WIRE_NAMED,
  RL_WIRE_BARE,
  RL_WIRE_GLOBAL,
  RL_WIRE_CLOSURE,
  RL_WIRE_LATER_CLOSURE,
  RL_WIRE_MADE,
  RL_WIRE_SHARED,
  RL_WIRE_ENV,
  RL_WIRE_CELL,
  RL_WIRE_CELL_AGAIN,
  RL_WIRE_SMALL = 0x80
};

enum {
  RL_WIRE_ROW_MOST = 16,   /* keys of a MODEL */
  RL_WIRE_SHORT_HEAD = 6,  /* what comes before the bytes of a SHORT, */
  RL_WIRE_SHORT_MOST = 40, /* and how many these are at most: what Lua keeps once */
  RL_WIRE_DEPTH = 64,      /* nesting written inline */
  RL_WIRE_MADE_DEPTH = 192 /* nesting inside the arguments of a constructor, refused beyond */
};

#endif
