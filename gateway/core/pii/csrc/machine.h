/* What the files of the compiled walk know of each other.
 *
 * tables.c   the tables that never change: read once, and every number in them checked
 * states.c   the states, made when a text needs them, bounded
 * forgetting.c  what bounds them
 * openings.c  an index of where values and words begin
 * values.c   the values that are spelled: which one counts, and when
 * walk.c     one stream, one character at a time
 * module.c   the two types that Python sees
 *
 * Everything here is an index into a table of known length. Functions that can fail return -1 with
 * a Python exception set. While Python is called back (values.c) another stream may make the
 * machine forget, which renumbers all states: no number of a state is kept across such a call but
 * in the walk itself, where forgetting finds it.
 */

#ifndef SEALGATE_MACHINE_H
#define SEALGATE_MACHINE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define NOBODY UINT32_MAX  /* the owner of the positions of words; no boundary */
#define SKIPPED UINT32_MAX /* the kind of what is invisible */
#define OTHER 0u           /* the kind of what no pattern knows */
#define DEAD 0u            /* the state in which no value is left */
#define PAGE 256u          /* characters on a page of the table of kinds */
#define PAGES (0x110000u / PAGE)
#define AT_DIGIT 1u
#define LONGEST_ROW_GAP 6u
#define LONGEST_UNDECIDED 48 /* as in walk.py */
#define MOST_MASK_WORDS 8u /* 256 contexts */

/* A detector: where it begins, and what it asks for. */
typedef struct {
    uint32_t tail, lead, followed_by, has_check, first_in_row;
    uint32_t lead_limit;
    uint32_t barred;   /* a set: what may not stand before */
    uint32_t start;    /* a position that only leads to the first ones */
    uint32_t boundary; /* the same for what watches the end, or NOBODY */
} Detector;

/* A context: how far behind its word it holds. */
typedef struct {
    uint32_t gap, set, stops, takes_invisible;
} Context;

/* The tables of all detectors, in memory that belongs to `buffer`. */
typedef struct {
    Py_buffer buffer;
    uint32_t positions, follows, ends, sets, kinds, pages, detectors, contexts;
    uint32_t mask_words, set_words;
    uint32_t digits, separators, letters, words;
    const uint32_t *set_of;                /* by position */
    const uint32_t *follow_from, *follow;  /* position -> positions */
    const uint32_t *owner, *leading;       /* by position */
    const uint32_t *ends_from, *end;       /* position -> detectors or contexts */
    const uint32_t *members;               /* kind -> bits of sets */
    const uint32_t *bars;                  /* by kind */
    const uint32_t *page_of, *page;        /* character -> kind */
    const Detector *detector;
    const uint32_t *after, *unless;        /* detector -> bits of contexts */
    const Context *context;
} Tables;

/* A set of positions. `ends` are the detectors or contexts that are complete. */
typedef struct {
    uint32_t alive, alive_count; /* in the pool */
    uint32_t ends, ends_count;   /* in the pool */
    uint32_t lead_limit;
    uint32_t hash; /* of what is alive */
    uint8_t tailed, merges;
} State;

/* What was learnt: states, the steps between them, and where values may begin. */
typedef struct {
    uint32_t *pool;
    uint32_t pool_count, pool_size;
    State *state;
    uint32_t count, size;
    uint32_t *index; /* hash table of states, by what is alive */
    uint32_t index_size;
    uint64_t *step; /* hash table: 20 bits each for kind, from and to, and one that says "used" */
    uint32_t step_count, step_size;
    uint32_t *entry; /* rows of bar, in_row, mask, state */
    uint32_t entry_count, entry_size;
    uint32_t *entry_index;
    uint32_t entry_index_size;
} Learnt;

/* A step from a position that leads on to very many. */
typedef struct {
    uint32_t from, to;
} Opening;

#define NOT_INDEXED UINT32_MAX

/* Such steps by the set of the character: from_set[set] to from_set[set + 1]. */
typedef struct {
    uint32_t *seen; /* by position: the step that has seen it alive, or NOT_INDEXED */
    uint32_t *from_set;
    Opening *at;
} Openings;

typedef struct Walk Walk;

typedef struct {
    PyObject_HEAD
    Tables tables;
    Learnt learnt;
    Openings openings;
    uint16_t *follow_set;    /* the set of each of `tables.follow`, side by side */
    uint32_t *stamp, *found; /* by position: scratch of one step */
    uint32_t now;
    uint32_t most_states, most_steps, most_alive, most_entries;
    Walk *walks;
    uint64_t forgotten;
} Machine;

typedef struct {
    int64_t begin;
    uint32_t state;
    int over; /* nothing more may come of it */
} Open;

typedef struct {
    int64_t begin, end;
    uint32_t order, boundary;
    int certain;
} Match;

/* A list that grows. */
#define LIST(type)      \
    struct {            \
        type *at;       \
        uint32_t count; \
        uint32_t size;  \
    }

struct Walk {
    PyObject_HEAD
    Machine *machine;
    Walk *previous, *next; /* among those of the machine */
    int fails;
    int lost; /* memory ran out while its states were renumbered: they are none any more */
    int after_letter;
    uint32_t bar, row, words;
    uint32_t fresh;      /* the state of words, if one has just ended; else DEAD */
    uint32_t open_words; /* contexts that hold */
    uint32_t mask[MOST_MASK_WORDS];
    uint32_t entry; /* where a value may begin, as it was looked up last, or DEAD */
    uint32_t entry_key[2 + MOST_MASK_WORDS];
    int64_t *word_end; /* by context */
    int64_t at, sent, dropped;
    PyObject *judge; /* borrowed while a call lasts */
    LIST(Open) open;
    LIST(Match) pending;
    LIST(Match) matches;
    LIST(uint32_t) swallowing;
};

/* Make room for one more in a list; -1 if there is no memory. */
#define ROOM(list) \
    ((list).count < (list).size ? 0 : grow((void **)&(list).at, &(list).size, sizeof *(list).at))
int grow(void **list, uint32_t *size, size_t item);

int tables_read(Tables *tables, PyObject *source);
static inline int is_in(const Tables *t, uint32_t kind, uint32_t set)
{
    return kind != SKIPPED && (t->members[kind * t->set_words + set / 32] >> (set % 32) & 1);
}
static inline uint32_t kind_of(const Tables *t, Py_UCS4 character)
{
    return t->page[t->page_of[character / PAGE] * PAGE + character % PAGE];
}

int openings_begin(Machine *m);
void openings_end(Machine *m);

int learnt_begin(Machine *m);
void learnt_end(Learnt *learnt);
int64_t state_of(Machine *m, const uint32_t *alive, uint32_t count); /* sorted */
int64_t next_state(Machine *m, uint32_t state, uint32_t kind);
int64_t entry_state(Machine *m, const uint32_t *key);
int bound_learnt(Machine *m);

int walk_begin(Walk *w, Machine *m);
void walk_end(Walk *w);
int walk_take(Walk *w, PyObject *text);
int walk_look_at(Walk *w, PyObject *text);
int walk_finish(Walk *w);
int64_t walk_needed(const Walk *w);
void walk_clip(Walk *w);

int accept_values(Walk *w);
int look_ahead(Walk *w, uint32_t kind);
int settle(Walk *w);
int add_match(Walk *w, const Match *match);
int64_t hold_of(const Walk *w, const Open *open, int64_t end);
int tell_dropped(Walk *w);

#endif
