/* Rows: tables that are filled where they lie (inside.h): sequences of numbers, and tables with the
 * keys of one before. Only where a reader's `inside` says that it may be done. Raises. */
#ifndef RL_VM_ROWS_H
#define RL_VM_ROWS_H

#include "vm/reader.h"

enum { RL_ROWS_STACK = RL_WIRE_ROW_MOST + 2 };

/* Stores numbers into the sequence of the table at `table`, of which `done` values are there, as
 * long as numbers come: how many. */
uint32_t rl_rows_numbers(struct rl_reader *r, int table, uint32_t done, uint32_t sequence);

/* The same for rows that nothing else refers to. */
uint32_t rl_rows_store(struct rl_reader *r, int table, uint32_t done, uint32_t sequence);

/* [table] -> [table]: reads the pairs of a MODEL into the empty table, for the rows that follow. */
void rl_rows_model(struct rl_reader *r, uint32_t pairs);

/* [] -> [table]: the values of a ROW, in a table like the model. Takes RL_ROWS_STACK slots. */
void rl_rows_push(struct rl_reader *r);

/* No row of the last model can come: code is about to run that might reach it. */
void rl_rows_end(struct rl_reader *r);

#endif
