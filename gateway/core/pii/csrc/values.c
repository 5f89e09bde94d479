/* The values that are spelled: whether one counts, and which one if several overlap.
 *
 * Only here Python is called back. The machine may forget meanwhile, so states are read from the
 * walk again after each call; another call on the same walk is refused, so nothing else changes.
 */

#include "machine.h"

static int64_t later(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

/* Return `answer` if the walk may go on after a call that made another stream forget. */
static int still_here(const Walk *w, int answer)
{
    if (!w->lost)
        return answer;
    PyErr_NoMemory();
    return -1;
}

/* Ask the judge: 1 for yes, 0 for no. */
static int call(Walk *w, const char *method, const Match *match)
{
    PyObject *answer = PyObject_CallMethod(w->judge, method, "ILL", (unsigned int)match->order,
                                           (long long)match->begin, (long long)match->end);
    if (answer == NULL)
        return -1;
    int yes = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return yes < 0 ? -1 : still_here(w, yes);
}

static int agrees(Walk *w, const Match *match)
{
    if (match->certain || !w->machine->tables.detector[match->order].has_check)
        return 1;
    return call(w, "agrees", match);
}

/* Tell the judge what was swallowed since it heard last. */
int tell_dropped(Walk *w)
{
    if (w->dropped == 0)
        return 0;
    PyObject *done = PyObject_CallMethod(w->judge, "drop", "L", (long long)w->dropped);
    w->dropped = 0;
    Py_XDECREF(done);
    return done == NULL ? -1 : still_here(w, 0);
}

static int commit(Walk *w, const Match *match)
{
    if (tell_dropped(w) < 0)
        return -1;
    w->sent = match->end;
    if (call(w, "replace", match) < 0)
        return -1;
    walk_clip(w);
    return 0;
}

/* --- order: leftmost of what is not sent, then longest, then first declared */

static int comes_first(const Match *one, const Match *other, int64_t sent, int if_equal)
{
    int64_t held = later(one->begin, sent), other_held = later(other->begin, sent);
    if (held != other_held)
        return held < other_held;
    if (one->end != other->end)
        return one->end > other->end;
    if (one->order != other->order)
        return one->order < other->order;
    return one->begin == other->begin ? if_equal : one->begin < other->begin;
}

/* Whether `other` lies inside `one`, so that it comes to nothing if `one` is certain. */
static int covers(const Match *one, const Match *other, int64_t sent)
{
    return one->end >= other->end && comes_first(one, other, sent, 1);
}

/* Keep a value if it can still matter. */
int add_match(Walk *w, const Match *match)
{
    if (match->end <= w->sent)
        return 0;
    for (uint32_t i = 0; i < w->matches.count; i++)
        if (w->matches.at[i].certain && covers(w->matches.at + i, match, w->sent))
            return 0;
    if (match->certain) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < w->matches.count; i++)
            if (!covers(match, w->matches.at + i, w->sent))
                w->matches.at[kept++] = w->matches.at[i];
        w->matches.count = kept;
    }
    if (ROOM(w->matches) < 0)
        return -1;
    w->matches.at[w->matches.count++] = *match;
    return 0;
}

static void remove_match(Walk *w, uint32_t place)
{
    w->matches.count--;
    for (uint32_t i = place; i < w->matches.count; i++)
        w->matches.at[i] = w->matches.at[i + 1];
}

/* From where an open value waits, the text being read to `end`. */
int64_t hold_of(const Walk *w, const Open *open, int64_t end)
{
    uint32_t limit = w->machine->learnt.state[open->state].lead_limit;
    return limit ? later(open->begin, end - limit) : open->begin;
}

/* Whether something older than `hold`, or as old, may still become a value. */
static int is_overridden(const Walk *w, int64_t hold)
{
    for (uint32_t i = 0; i < w->open.count; i++)
        if (later(hold_of(w, w->open.at + i, w->at + 1), w->sent) <= hold)
            return 1;
    for (uint32_t i = 0; i < w->pending.count; i++)
        if (later(w->pending.at[i].begin, w->sent) <= hold)
            return 1;
    return 0;
}

/* Replace the values that nothing older can still override; only then is a value checked. */
int settle(Walk *w)
{
    while (w->matches.count > 0) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < w->matches.count; i++)
            if (comes_first(w->matches.at + i, w->matches.at + best, w->sent, 0))
                best = i;
        Match match = w->matches.at[best];
        if (is_overridden(w, later(match.begin, w->sent)))
            return 0;
        int counts = agrees(w, &match);
        if (counts < 0)
            return -1;
        if (!counts)
            remove_match(w, best);
        else if (commit(w, &match) < 0)
            return -1;
    }
    return 0;
}

/* --- values that end with the present character */

/* Whether no other value that may count begins before the open one at `place`. */
static int is_oldest(Walk *w, uint32_t place)
{
    int64_t hold = later(w->open.at[place].begin, w->sent);
    for (uint32_t i = 0; i < w->open.count; i++)
        if (later(hold_of(w, w->open.at + i, w->at + 1), w->sent) < hold)
            return 0;
    for (uint32_t i = 0; i < w->pending.count; i++)
        if (later(w->pending.at[i].begin, w->sent) < hold)
            return 0;
    for (uint32_t i = 0; i < w->matches.count;) {
        if (later(w->matches.at[i].begin, w->sent) >= hold) {
            i++;
            continue;
        }
        int counts = agrees(w, w->matches.at + i);
        if (counts != 0) {
            w->matches.at[i].certain = 1;
            return counts < 0 ? -1 : 0;
        }
        remove_match(w, i);
    }
    return 1;
}

/* Take note of one value, which may have to wait for its right boundary. */
static int spelled(Walk *w, int64_t begin, uint32_t order)
{
    const Detector *detector = w->machine->tables.detector + order;
    Match match = {begin, w->at + 1, order, NOBODY, !detector->has_check};
    if (detector->boundary == NOBODY)
        return add_match(w, &match);
    int64_t boundary = state_of(w->machine, &detector->boundary, 1);
    if (boundary < 0 || ROOM(w->pending) < 0)
        return -1;
    match.boundary = (uint32_t)boundary;
    w->pending.at[w->pending.count++] = match;
    return 0;
}

/* Replace the open value at `place` before it has ended, if its check agrees. */
static int replace_early(Walk *w, uint32_t place)
{
    for (uint32_t e = 0; e < w->machine->learnt.state[w->open.at[place].state].ends_count; e++) {
        const Learnt *l = &w->machine->learnt;
        uint32_t order = l->pool[l->state[w->open.at[place].state].ends + e];
        if (!w->machine->tables.detector[order].tail)
            continue;
        Match match = {w->open.at[place].begin, w->at + 1, order, NOBODY, 0};
        int counts = agrees(w, &match);
        if (counts < 0)
            return -1;
        if (!counts)
            continue;
        if (commit(w, &match) < 0 || ROOM(w->swallowing) < 0)
            return -1;
        w->swallowing.at[w->swallowing.count++] = w->open.at[place].state;
        return 0;
    }
    return 0;
}

/* Whether the open value at `place`, if it is spelled, has waited for longer ones. */
static int is_due(const Walk *w, uint32_t place)
{
    const State *s = w->machine->learnt.state + w->open.at[place].state;
    if (s->tailed || s->ends_count == 0)
        return s->tailed && s->ends_count > 0;
    if (w->at + 1 - w->open.at[place].begin <= LONGEST_UNDECIDED)
        return 0;
    for (uint32_t e = 0; e < s->ends_count; e++)
        if (w->machine->tables.detector[w->machine->learnt.pool[s->ends + e]].tail)
            return 1;
    return 0;
}

/* Take note of the values that are spelled with the character at `at`. */
int accept_values(Walk *w)
{
    uint32_t over = 0;
    for (uint32_t place = 0; place < w->open.count; place++) {
        int early = is_due(w, place) ? is_oldest(w, place) : 0;
        if (early < 0 || (early && replace_early(w, place) < 0))
            return -1;
        if (early) { /* replaced, or refused for good: what may follow has no end */
            w->open.at[place].over = 1;
            over++;
            continue;
        }
        for (uint32_t e = 0;; e++) {
            const Learnt *l = &w->machine->learnt;
            const State *s = l->state + w->open.at[place].state;
            if (e >= s->ends_count)
                break;
            if (spelled(w, w->open.at[place].begin, l->pool[s->ends + e]) < 0)
                return -1;
        }
    }
    if (over > 0) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < w->open.count; i++)
            if (!w->open.at[i].over)
                w->open.at[kept++] = w->open.at[i];
        w->open.count = kept;
    }
    return 0;
}

/* Show the next character to the values whose right boundary is not clear yet. */
int look_ahead(Walk *w, uint32_t kind)
{
    Machine *m = w->machine;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->pending.count; i++) {
        Match match = w->pending.at[i];
        int64_t next = next_state(m, match.boundary, kind);
        if (next < 0)
            return -1;
        int follows = next != DEAD;
        if (follows && m->learnt.state[next].ends_count == 0) {
            match.boundary = (uint32_t)next;
            w->pending.at[kept++] = match;
        } else if (follows == (m->tables.detector[match.order].followed_by != 0)) {
            if (add_match(w, &match) < 0)
                return -1;
        }
    }
    w->pending.count = kept;
    return 0;
}
