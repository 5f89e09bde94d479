/* What a character begins: an index of the widest positions, by sets of characters.
 *
 * Values and words begin in some two thousand places, of which a character begins a few. Without
 * this index each step that is learnt would look at all of them. It depends on the tables alone.
 */

#include "machine.h"

/* Positions that lead on to more than this get an index; those where detectors begin always do. */
enum { WIDE = 64 };

static int choose(Machine *m)
{
    const Tables *t = &m->tables;
    Openings *o = &m->openings;
    o->seen = PyMem_Calloc(t->positions, sizeof *o->seen);
    o->from_set = PyMem_Calloc(t->sets + 2, sizeof *o->from_set);
    if (o->seen == NULL || o->from_set == NULL)
        return -1;
    for (uint32_t p = 0; p < t->positions; p++)
        o->seen[p] = t->follow_from[p + 1] - t->follow_from[p] > WIDE ? 0 : NOT_INDEXED;
    for (uint32_t d = 0; d < t->detectors; d++)
        o->seen[t->detector[d].start] = 0;
    return 0;
}

/* Make the index: for each set the steps, from such a position, of a character of the set. */
int openings_begin(Machine *m)
{
    const Tables *t = &m->tables;
    Openings *o = &m->openings;
    if (choose(m) < 0)
        goto no_memory;
    uint32_t *from = o->from_set + 1; /* one further: what is counted here becomes a border below */
    for (uint32_t p = 0; p < t->positions; p++)
        for (uint32_t f = t->follow_from[p]; o->seen[p] == 0 && f < t->follow_from[p + 1]; f++)
            from[m->follow_set[f] + 1]++;
    for (uint32_t set = 0; set < t->sets; set++)
        from[set + 1] += from[set];
    o->at = PyMem_Calloc(from[t->sets] + 1, sizeof *o->at);
    if (o->at == NULL)
        goto no_memory;
    for (uint32_t p = 0; p < t->positions; p++)
        for (uint32_t f = t->follow_from[p]; o->seen[p] == 0 && f < t->follow_from[p + 1]; f++)
            o->at[from[m->follow_set[f]]++] = (Opening){p, t->follow[f]};
    return 0;
no_memory:
    PyErr_NoMemory();
    return -1;
}

void openings_end(Machine *m)
{
    PyMem_Free(m->openings.seen);
    PyMem_Free(m->openings.from_set);
    PyMem_Free(m->openings.at);
}
