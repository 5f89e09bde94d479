/* The walk of one stream: contexts, values under way, and what a character does to them. */

#include "machine.h"

#include <string.h>

int walk_begin(Walk *w, Machine *m)
{
    w->word_end = PyMem_Calloc(m->tables.contexts + 1, sizeof *w->word_end);
    if (w->word_end == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (m->learnt.count == 0 && learnt_begin(m) < 0) /* forgetting failed */
        return -1;
    int64_t words = state_of(m, &m->tables.words, 1);
    if (words < 0)
        return -1;
    w->words = (uint32_t)words;
    w->fresh = DEAD;
    w->bar = m->tables.bars[OTHER];
    w->next = m->walks;
    if (m->walks != NULL)
        m->walks->previous = w;
    m->walks = w;
    w->machine = (Machine *)Py_NewRef((PyObject *)m);
    return 0;
}

void walk_end(Walk *w)
{
    if (w->machine != NULL) {
        if (w->previous != NULL)
            w->previous->next = w->next;
        else
            w->machine->walks = w->next;
        if (w->next != NULL)
            w->next->previous = w->previous;
    }
    PyMem_Free(w->word_end);
    PyMem_Free(w->open.at);
    PyMem_Free(w->pending.at);
    PyMem_Free(w->matches.at);
    PyMem_Free(w->swallowing.at);
    Py_CLEAR(w->machine);
}

/* --- contexts: where the last word of each ended that holds; it reaches further than any before */

static void open_contexts(Walk *w, uint32_t kind)
{
    Machine *m = w->machine;
    const State *fresh = m->learnt.state + w->fresh;
    /* Where the word goes on it is another one. */
    int is_part = w->after_letter && is_in(&m->tables, kind, m->tables.letters);
    for (uint32_t i = 0; i < fresh->ends_count && !is_part; i++) {
        uint32_t context = m->learnt.pool[fresh->ends + i];
        uint32_t bit = 1u << (context % 32);
        w->open_words += !(w->mask[context / 32] & bit);
        w->mask[context / 32] |= bit;
        w->word_end[context] = w->at;
    }
    w->fresh = DEAD;
}

static void close_contexts(Walk *w, uint32_t kind)
{
    const Tables *t = &w->machine->tables;
    for (uint32_t word = 0; word < t->mask_words; word++) {
        for (uint32_t open = w->mask[word]; open != 0; open &= open - 1) {
            uint32_t c = word * 32 + (uint32_t)__builtin_ctz(open);
            const Context *context = t->context + c;
            int inside = kind == SKIPPED ? context->takes_invisible != 0
                                         : is_in(t, kind, context->set);
            if (inside == (context->stops != 0) || w->at >= w->word_end[c] + context->gap) {
                w->mask[word] &= ~(1u << (c % 32));
                w->open_words--;
            }
        }
    }
}

/* Go on behind a character of `kind`. */
static int leave(Walk *w, uint32_t kind)
{
    Machine *m = w->machine;
    const Tables *t = &m->tables;
    if (w->open_words > 0)
        close_contexts(w, kind);
    w->at++;
    if (kind == SKIPPED)
        return 0;
    int64_t words = next_state(m, w->words, kind);
    if (words < 0)
        return -1;
    w->words = (uint32_t)words;
    w->fresh = m->learnt.state[words].ends_count > 0 ? w->words : DEAD;
    w->after_letter = is_in(t, kind, t->letters);
    w->bar = t->bars[kind];
    if (is_in(t, kind, t->digits))
        w->row = AT_DIGIT;
    else if (w->row > 0 && w->row < LONGEST_ROW_GAP && is_in(t, kind, t->separators))
        w->row++;
    else
        w->row = 0;
    return 0;
}

/* --- values under way */

static int64_t entry_of(Walk *w)
{
    uint32_t key[2 + MOST_MASK_WORDS] = {w->bar, w->row > AT_DIGIT};
    memcpy(key + 2, w->mask, sizeof w->mask);
    if (w->entry != DEAD && memcmp(key, w->entry_key, sizeof key) == 0)
        return w->entry;
    int64_t entry = entry_state(w->machine, key);
    if (entry >= 0) {
        w->entry = (uint32_t)entry;
        memcpy(w->entry_key, key, sizeof key);
    }
    return entry;
}

static int is_open(const Walk *w, uint32_t count, uint32_t state)
{
    for (uint32_t i = 0; i < count; i++)
        if (w->open.at[i].state == state)
            return 1;
    return 0;
}

/* Take the open values one character further, with the one that begins here. */
static int step_values(Walk *w, uint32_t kind)
{
    Machine *m = w->machine;
    uint32_t kept = 0;
    int ends = 0;
    for (uint32_t i = 0; i < w->open.count; i++) {
        Open open = w->open.at[i];
        int64_t next = next_state(m, open.state, kind);
        if (next < 0)
            return -1;
        const State *s = m->learnt.state + next;
        if (next == DEAD || (s->merges && is_open(w, kept, (uint32_t)next)))
            continue;
        uint32_t limit = m->learnt.state[open.state].lead_limit;
        if (limit && !s->lead_limit && open.begin < w->at - limit)
            open.begin = w->at - limit; /* the beginning of a lead is fixed when it ends */
        open.state = (uint32_t)next;
        ends |= s->ends_count > 0;
        w->open.at[kept++] = open;
    }
    w->open.count = kept;
    int64_t entry = entry_of(w);
    int64_t started = entry < 0 ? -1 : next_state(m, (uint32_t)entry, kind);
    if (started < 0)
        return -1;
    const State *s = m->learnt.state + started;
    if (started != DEAD && !(s->merges && is_open(w, kept, (uint32_t)started))) {
        if (ROOM(w->open) < 0)
            return -1;
        w->open.at[w->open.count++] = (Open){w->at, (uint32_t)started, 0};
        ends |= s->ends_count > 0;
    }
    return ends ? accept_values(w) : 0;
}

/* Drop the next character if it continues a value that was replaced already. */
static int swallow(Walk *w, uint32_t kind)
{
    uint32_t kept = 0;
    int ends = 0;
    for (uint32_t i = 0; i < w->swallowing.count; i++) {
        int64_t next = next_state(w->machine, w->swallowing.at[i], kind);
        if (next < 0)
            return -1;
        if (next == DEAD)
            continue;
        ends |= w->machine->learnt.state[next].ends_count > 0;
        w->swallowing.at[kept++] = (uint32_t)next;
    }
    w->swallowing.count = kept;
    if (ends) {
        w->sent = w->dropped = w->at + 1;
        walk_clip(w);
    }
    return 0;
}

/* Forget what lies before what is sent; of what reaches beyond, only the rest counts. */
void walk_clip(Walk *w)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->matches.count; i++)
        if (w->matches.at[i].end > w->sent)
            w->matches.at[kept++] = w->matches.at[i];
    w->matches.count = kept;
    kept = 0;
    for (uint32_t i = 0; i < w->pending.count; i++)
        if (w->pending.at[i].end > w->sent)
            w->pending.at[kept++] = w->pending.at[i];
    w->pending.count = kept;
}

static int take_character(Walk *w, uint32_t kind)
{
    if (w->fresh != DEAD)
        open_contexts(w, kind);
    if (kind != SKIPPED) {
        if (w->pending.count > 0 && look_ahead(w, kind) < 0)
            return -1;
        if (w->swallowing.count > 0 && swallow(w, kind) < 0)
            return -1;
        if (step_values(w, kind) < 0)
            return -1;
        if (w->matches.count > 0 && settle(w) < 0)
            return -1;
    }
    return leave(w, kind);
}

/* --- what module.c calls; the walk fails unless they return 0 */

static int64_t first_held(const Walk *w)
{
    int64_t first = w->at;
    if (w->swallowing.count > 0)
        return w->sent;
    for (uint32_t i = 0; i < w->open.count; i++) {
        int64_t hold = hold_of(w, w->open.at + i, w->at);
        first = hold < first ? hold : first;
    }
    for (uint32_t i = 0; i < w->pending.count; i++)
        first = w->pending.at[i].begin < first ? w->pending.at[i].begin : first;
    for (uint32_t i = 0; i < w->matches.count; i++)
        first = w->matches.at[i].begin < first ? w->matches.at[i].begin : first;
    return first > w->sent ? first : w->sent;
}

/* The offset before which no value reaches back. */
int64_t walk_needed(const Walk *w)
{
    int64_t first = w->sent;
    for (uint32_t i = 0; i < w->open.count; i++) {
        int64_t hold = hold_of(w, w->open.at + i, w->at);
        first = hold < first ? hold : first;
    }
    for (uint32_t i = 0; i < w->pending.count; i++)
        first = w->pending.at[i].begin < first ? w->pending.at[i].begin : first;
    for (uint32_t i = 0; i < w->matches.count; i++)
        first = w->matches.at[i].begin < first ? w->matches.at[i].begin : first;
    return first;
}

int walk_take(Walk *w, PyObject *text)
{
    int width = PyUnicode_KIND(text);
    const void *characters = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (bound_learnt(w->machine) < 0)
            return -1;
        Py_UCS4 character = PyUnicode_READ(width, characters, i);
        if (take_character(w, kind_of(&w->machine->tables, character)) < 0)
            return -1;
    }
    w->sent = first_held(w);
    return tell_dropped(w);
}

/* Take text that is only context. */
int walk_look_at(Walk *w, PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (bound_learnt(w->machine) < 0)
            return -1;
        uint32_t kind = kind_of(&w->machine->tables, PyUnicode_READ_CHAR(text, i));
        if (w->fresh != DEAD)
            open_contexts(w, kind);
        if (leave(w, kind) < 0)
            return -1;
    }
    w->sent = w->at;
    return 0;
}

/* The text is over: whatever matches now is final. */
int walk_finish(Walk *w)
{
    w->open.count = w->swallowing.count = 0;
    for (uint32_t i = 0; i < w->pending.count; i++) {
        const Match *match = w->pending.at + i;
        if (!w->machine->tables.detector[match->order].followed_by && add_match(w, match) < 0)
            return -1;
    }
    w->pending.count = 0;
    if (settle(w) < 0)
        return -1;
    w->sent = w->at;
    return 0;
}
