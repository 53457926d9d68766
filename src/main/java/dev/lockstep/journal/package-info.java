/**
 * What is done, durable, and taken up again: every rank's record of a run, the directory that holds them, and the rows
 * that a rank may have died of. Uses {@code results}. Begin with {@link dev.lockstep.journal.Journal} and
 * {@link dev.lockstep.journal.JournalDirectory}.
 */
@NullMarked
package dev.lockstep.journal;

import org.jspecify.annotations.NullMarked;
