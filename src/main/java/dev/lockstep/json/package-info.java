/**
 * JSON as the jobs read and write it, line by line, with one sentence for what cannot be read. Uses {@code host}. Begin
 * with {@link dev.lockstep.json.Json}.
 */
package dev.lockstep.json;
