/**
 * JSON as the jobs read and write it, line by line, with one sentence for what cannot be read. Uses {@code host}. Begin
 * with {@link dev.lockstep.json.Json}.
 */
@NullMarked
package dev.lockstep.json;

import org.jspecify.annotations.NullMarked;
