/**
 * Models by name: the Hugging Face hub's cache as it lies on disk, shared with Python's tools, and what it lacks fetched
 * from the hub into it. Uses {@code json} and {@code host}. Begin with {@link dev.lockstep.checkpoint.hub.Hub}.
 */
@NullMarked
package dev.lockstep.checkpoint.hub;

import org.jspecify.annotations.NullMarked;
