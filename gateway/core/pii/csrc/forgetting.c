/* The bound on what is learnt: forgetting, with the streams that are under way.
 *
 * One table of what was learnt exists at a time. When it is full, an empty one takes its place, and
 * the states that walks hold are looked up in it by their positions, which never change.
 */

#include "machine.h"

/* Begin to learn; the first state is the one in which nothing is alive. Else nothing is kept. */
int learnt_begin(Machine *m)
{
    Learnt *l = &m->learnt;
    *l = (Learnt){.index_size = 1024, .step_size = 1024, .entry_index_size = 1024};
    l->index = PyMem_Calloc(l->index_size, sizeof *l->index);
    l->step = PyMem_Calloc(l->step_size, sizeof *l->step);
    l->entry_index = PyMem_Calloc(l->entry_index_size, sizeof *l->entry_index);
    if (l->index == NULL || l->step == NULL || l->entry_index == NULL) {
        PyErr_NoMemory();
        learnt_end(l);
        return -1;
    }
    if (state_of(m, NULL, 0) == DEAD)
        return 0;
    learnt_end(l);
    return -1;
}

void learnt_end(Learnt *l)
{
    PyMem_Free(l->pool);
    PyMem_Free(l->state);
    PyMem_Free(l->index);
    PyMem_Free(l->step);
    PyMem_Free(l->entry);
    PyMem_Free(l->entry_index);
    *l = (Learnt){0};
}

/* Whether it is time to forget. A single character learns little, so a limit is hardly passed. */
static int is_full(const Machine *m)
{
    const Learnt *l = &m->learnt;
    return l->count > m->most_states || l->step_count > m->most_steps ||
           l->pool_count > m->most_alive || l->entry_count > m->most_entries;
}

/* Put in the place of a state of `old` the one with the same positions. */
static int renumber(Machine *m, const Learnt *old, uint32_t *state)
{
    const State *s = old->state + *state;
    int64_t found = state_of(m, old->pool + s->alive, s->alive_count);
    if (found < 0)
        return -1;
    *state = (uint32_t)found;
    return 0;
}

static int renumber_walk(Machine *m, const Learnt *old, Walk *w)
{
    w->entry = DEAD;
    if (renumber(m, old, &w->words) < 0 || renumber(m, old, &w->fresh) < 0)
        return -1;
    for (uint32_t i = 0; i < w->open.count; i++)
        if (renumber(m, old, &w->open.at[i].state) < 0)
            return -1;
    for (uint32_t i = 0; i < w->pending.count; i++)
        if (renumber(m, old, &w->pending.at[i].boundary) < 0)
            return -1;
    for (uint32_t i = 0; i < w->swallowing.count; i++)
        if (renumber(m, old, &w->swallowing.at[i]) < 0)
            return -1;
    return 0;
}

/* Drop what was learnt. If memory runs out, all walks are lost; new ones begin to learn again. */
static int forget(Machine *m)
{
    Learnt old = m->learnt;
    int failed = learnt_begin(m) < 0;
    for (Walk *w = m->walks; w != NULL && !failed; w = w->next)
        failed = !w->lost && renumber_walk(m, &old, w) < 0;
    learnt_end(&old);
    m->forgotten++;
    if (!failed)
        return 0;
    learnt_end(&m->learnt);
    for (Walk *w = m->walks; w != NULL; w = w->next)
        w->lost = 1;
    return -1;
}

/* Forget if it is time to. */
int bound_learnt(Machine *m)
{
    return is_full(m) ? forget(m) : 0;
}
